using System.Net;
using System.Text;

namespace Onex.Tests.EndToEnd.Starting;

/// <summary>All roles in one process with the in-memory log.</summary>
public sealed class InMemoryBusTests : IDisposable
{
    // The step's timeout is longer than the test waits, so the saga completes only if its command is sent again.
    private const string Contract = """
        contract: nap
        version: 1.0.0
        description: Sleeps for a while.
        input: { type: object }
        initial: sleeping
        states:
          sleeping:
            steps: [{ id: sleep, compute: delay, with: { ms: 4000 }, timeout: 5m }]
            next: awake
          awake: { end: completed }
        """;

    private const string Doorbell = """
        contract: doorbell
        version: 1.0.0
        description: Waits until somebody rings.
        input: { type: object }
        events: { rung: { early: 1s } }
        initial: waiting
        states:
          waiting:
            on_event: [ { event: rung, next: opened } ]
            timeout: { after: 1h, next: opened }
          opened: { end: completed }
        """;

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Messages_in_transit_at_a_crash_are_sent_again_by_the_next_process()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "nap.yaml"), Contract);
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var settings = new Dictionary<string, string>(database.Environment)
        {
            ["ONEX_EVENT_BUS"] = "inmemory",
            ["CONTRACTS_DIR"] = _directory.FullName,
        };
        await using (var first = OnexProcess.Start("all", settings))
        {
            await first.ReadyAsync();
            using var http = new HttpClient();
            using var request = new StringContent("""{"operation":"nap","payload":{}}""", Encoding.UTF8, "application/json");
            using var accepted = await http.PostAsync(new Uri($"http://127.0.0.1:{first.HttpPort}/api/v1/requests"), request);
            Assert.Equal(HttpStatusCode.Accepted, accepted.StatusCode);
            await Eventually.Async(
                async () => await database.ScalarAsync<long>("SELECT count(*) FROM onex.outbox") == 0,
                TimeSpan.FromMinutes(1),
                () => "the command is in transit");
            await first.KillAsync();
        }

        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas WHERE ended_at IS NULL"));
        await using var second = OnexProcess.Start("all", settings);
        await second.ReadyAsync();

        await Eventually.Async(
            async () => await database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas WHERE status = 'completed'") == 1,
            TimeSpan.FromMinutes(1),
            () => "the saga of the previous process has completed");
    }

    [Fact]
    public async Task A_dead_letter_is_redriven_with_the_in_memory_log_and_a_SQLite_file()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "doorbell.yaml"), Doorbell);
        await using var process = OnexProcess.Start("all", new Dictionary<string, string>
        {
            ["ONEX_EVENT_BUS"] = "inmemory",
            ["ONEX_STORE"] = "sqlite",
            ["ONEX_DATA_DIR"] = _directory.FullName,
            ["CONTRACTS_DIR"] = _directory.FullName,
        });
        await process.ReadyAsync();
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{process.HttpPort}") };
        var flow = OnexStack.NewId();
        await PostAsync("/api/v1/requests", $$"""{"operation":"doorbell.rung","payload":{},"correlation_id":"{{flow}}"}""");
        var deadLetter = await Eventually.GetAsync(
            async () =>
                JsonNode.Parse(await http.GetStringAsync($"/api/v1/dead-letters?q={flow}"))!["dead_letters"]!.AsArray().FirstOrDefault(),
            TimeSpan.FromMinutes(1),
            () => "the dead letter of an event that arrived too early");
        await PostAsync("/api/v1/requests", $$"""{"operation":"doorbell","payload":{},"correlation_id":"{{flow}}"}""");

        await PostAsync($"/api/v1/dead-letters/{(string?)deadLetter!["id"]}/redrive", "{}");

        await Eventually.Async(
            async () => JsonNode.Parse(await http.GetStringAsync("/api/v1/sagas?status=completed"))!["sagas"]!.AsArray().Count == 1,
            TimeSpan.FromMinutes(1),
            () => "the event completes the saga");

        async Task PostAsync(string path, string body)
        {
            using var content = new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await http.PostAsync(path, content);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }
    }
}
