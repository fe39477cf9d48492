using System.Net;
using System.Text;
using System.Text.Json;

namespace Onex.Tests.EndToEnd.Orchestrators;

/// <summary>An unreadable saga row does not affect other sagas.</summary>
public sealed class UnreadableSagaTests : IDisposable
{
    private const string Contract = """
        contract: doorbell
        version: 1.0.0
        description: Waits until somebody rings.
        input: { type: object }
        data: { last: { type: any, initial: null } }
        events: { rung: {}, noted: { data: { text: string } } }
        initial: waiting
        states:
          waiting:
            on_event:
              - { event: rung, next: opened }
              - { event: noted, set: { last: "{'text': event.text, 'before': data.last}" }, stay: true }
            timeout: { after: 1h, next: opened }
          opened: { end: completed }
        """;

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");
    private HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task An_unreadable_saga_is_blocked_with_its_reason_and_all_others_continue()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "doorbell.yaml"), Contract);
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var settings = new Dictionary<string, string>(database.Environment)
        {
            ["ONEX_EVENT_BUS"] = "inmemory",
            ["CONTRACTS_DIR"] = _directory.FullName,
        };
        string good, deep, invalid, unknownState;
        await using (var first = OnexProcess.Start("all", settings))
        {
            Connect(await first.ReadyAsync());
            (good, deep, invalid, unknownState) = (await StartAsync(), await StartAsync(), await StartAsync(), await StartAsync());
            Assert.Equal(
                HttpStatusCode.Accepted,
                (await PostAsync($"/api/v1/sagas/{good}/send", """{"event":"noted","data":{"text":"once"}}""")).Status);
            await first.KillAsync();
        }

        // A row of an earlier version, an invalid row, and a state that the contract does not have; all of them are due.
        await database.ExecuteAsync($$"""
            UPDATE onex.sagas SET data = (repeat('{"last":', 300) || '1' || repeat('}', 300))::jsonb WHERE id = '{{deep}}';
            UPDATE onex.sagas SET progress = progress || '{"outstanding": [{}]}' WHERE id = '{{invalid}}';
            UPDATE onex.sagas SET state = 'nowhere' WHERE id = '{{unknownState}}';
            UPDATE onex.sagas SET next_wakeup_at = now() - interval '1s', parked = false
            """);

        await using var second = OnexProcess.Start("all", settings);
        Connect(await second.ReadyAsync());

        Assert.Contains("cannot be read", await BlockedReasonAsync(invalid), StringComparison.Ordinal);
        Assert.Contains("cannot be handled", await BlockedReasonAsync(unknownState), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Accepted, (await PostAsync($"/api/v1/sagas/{good}/send", """{"event":"rung"}""")).Status);
        await StatusAsync(good, "completed");
        await StartAsync();
        Assert.Equal(HttpStatusCode.OK, (await PostAsync($"/api/v1/sagas/{deep}/cancel", "{}")).Status);
        await StatusAsync(deep, "cancelled");
        var (rejected, problem) = await PostAsync($"/api/v1/sagas/{invalid}/cancel", "{}");
        Assert.Equal(
            (HttpStatusCode.Conflict, true),
            (rejected, ((string?)problem["detail"])!.Contains("cannot be read", StringComparison.Ordinal)));
        await second.ReadyAsync();

        // Repaired sagas continue.
        await database.ExecuteAsync($$"""
            UPDATE onex.sagas SET progress = progress - 'outstanding' WHERE id = '{{invalid}}';
            UPDATE onex.sagas SET state = 'waiting', version = version + 1 WHERE id = '{{unknownState}}'
            """);
        foreach (var repaired in (string[])[invalid, unknownState])
        {
            var (retried, answer) = await PostAsync($"/api/v1/sagas/{repaired}/retry", "{}");
            Assert.True(retried == HttpStatusCode.OK, $"{(repaired == invalid ? "invalid" : "unknownState")}: {answer}");
            await PostAsync($"/api/v1/sagas/{repaired}/send", """{"event":"rung"}""");
            await StatusAsync(repaired, "completed");
        }
    }

    [Fact]
    public async Task An_orchestrator_stays_ready_and_answers_despite_an_unreadable_saga()
    {
        await using var stack = await OnexStack.CreateAsync();
        var roles = await stack.StartReadyAsync("main", "effects", "workers");
        Connect(roles[0]);
        var invalid = Names.Next("invalid");
        stack.Services.Treat(invalid, new Treatment { CardExpired = true });
        await stack.OrderAsync(invalid);
        await stack.InStateAsync(invalid, "awaiting_new_card", _timeout);
        var id = (await stack.Database.QueryAsync($"SELECT id::text FROM onex.sagas WHERE business_key = '{invalid}'"))[0];

        await stack.Database.ExecuteAsync($$"""
            UPDATE onex.sagas SET progress = progress || '{"outstanding": [{}]}',
                version = version + 1, parked = false, next_wakeup_at = now()
            WHERE id = '{{id}}'
            """);

        Assert.Contains("cannot be read", await BlockedReasonAsync(id), StringComparison.Ordinal);
        var answered = await stack.OrderAsync(Names.Next("other"));
        Assert.Equal("success", (await stack.Responses.ReadAsync(answered, _timeout)).Field("status"));
        await roles[0].ReadyAsync();
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync($"/api/v1/sagas/{id}/cancel", "{}")).Status);
        await stack.AssertNothingIsStuckAsync();
    }

    [Fact]
    public async Task Data_may_nest_64_levels_and_an_event_that_exceeds_it_blocks_nothing()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "doorbell.yaml"), Contract);
        await using var process = OnexProcess.Start("all", new Dictionary<string, string>
        {
            ["ONEX_EVENT_BUS"] = "inmemory",
            ["ONEX_STORE"] = "sqlite",
            ["ONEX_DATA_DIR"] = _directory.FullName,
            ["CONTRACTS_DIR"] = _directory.FullName,
        });
        Connect(await process.ReadyAsync());
        var (noted, other) = (await StartAsync(), await StartAsync());
        for (var i = 0; i < 64; i++)
        {
            Assert.Equal(
                HttpStatusCode.Accepted,
                (await PostAsync($"/api/v1/sagas/{noted}/send", """{"event":"noted","data":{"text":"again"}}""")).Status);
        }

        await PostAsync($"/api/v1/sagas/{noted}/send", """{"event":"noted","data":{"text":"one too many"}}""");

        var shown = await _http.GetStringAsync($"/api/v1/sagas/{noted}");
        Assert.Equal(64, shown.Split("\"before\":").Length - 1);
        await PostAsync($"/api/v1/sagas/{other}/send", """{"event":"rung"}""");
        await StatusAsync(other, "completed");
        await process.ReadyAsync();
    }

    private void Connect(OnexProcess process)
    {
        _http.Dispose();
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{process.HttpPort}") };
    }

    private async Task<string> StartAsync()
    {
        var (status, body) = await PostAsync("/api/v1/requests", """{"operation":"doorbell","payload":{}}""");
        Assert.Equal(HttpStatusCode.Accepted, status);
        return (string)body["saga_id"]!;
    }

    private async Task<string> BlockedReasonAsync(string saga) => await Eventually.GetAsync(
        async () => await GetSagaAsync(saga) is var shown && (string?)shown["status"] == "blocked"
            ? (string?)shown["progress"]!["blocked_because"]
            : null,
        _timeout,
        () => $"saga {saga} is blocked");

    // Reads deeper JSON than the default of 64 levels: the data of a saga may have 64, and other levels are around it.
    private async Task<JsonObject> GetSagaAsync(string saga) =>
        JsonNode.Parse(await _http.GetStringAsync($"/api/v1/sagas/{saga}"), null, new JsonDocumentOptions { MaxDepth = 1000 })!.AsObject();

    private Task<TimeSpan> StatusAsync(string saga, string status) => Eventually.Async(
        async () => (string?)(await GetSagaAsync(saga))["status"] == status,
        _timeout,
        () => $"saga {saga} is {status}");

    private async Task<(HttpStatusCode Status, JsonObject Body)> PostAsync(string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(path, content);
        return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!.AsObject());
    }
}
