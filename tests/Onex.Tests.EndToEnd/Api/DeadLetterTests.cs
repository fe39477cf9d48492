using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;

namespace Onex.Tests.EndToEnd.Api;

/// <summary>Dead letter operations over the API and with the commands.</summary>
public sealed class DeadLetterTests(ApiTests.ApiStack api) : IClassFixture<ApiTests.ApiStack>
{
    private const string Reader = "reader-0123456789";
    private const string Operator = "operator-0123456789";

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private OnexStack Stack => api.Stack;

    private string Requests => Stack.Topic("requests");

    [Fact]
    public async Task Invalid_bytes_are_redriven_unchanged_and_reopen_the_same_dead_letter()
    {
        byte[] bytes = [0xff, 0x00, 0xfe];
        var deadLetter = await DeadLetterForAsync((await Stack.Writer.SendAsync(Requests, bytes, partition: 1)).Offset.Value, partition: 1);
        Assert.Equal(
            ("open", "ONEX3001", Requests), ((string?)deadLetter["status"], (string?)deadLetter["code"], (string?)deadLetter["topic"]));
        var id = (string)deadLetter["id"]!;
        var shown = (await GetAsync($"/api/v1/dead-letters/{id}")).Body;
        Assert.Equal(("base64:/wD+", 3), ((string?)shown["value"], (int)shown["value_bytes"]!));

        var (status, redriven) = await PostAsync($"/api/v1/dead-letters/{id}/redrive", new JsonObject { ["reason"] = "try" }, Operator);

        Assert.Equal((HttpStatusCode.OK, "redriven"), (status, (string?)redriven["status"]));
        var reopened = await WaitForReopenedAsync(id);
        Assert.Equal(
            ("ONEX3001", "base64:/wD+", "try"),
            ((string?)reopened["code"], (string?)reopened["value"], (string?)reopened["decision_reason"]));
        Assert.Equal((long)deadLetter["offset"]!, (long)reopened["offset"]!);
        await PostAsync($"/api/v1/dead-letters/{id}/redrive", new JsonObject { ["force"] = true }, Operator);
        Assert.Equal(2, (int)(await WaitForReopenedAsync(id, redrives: 2))["redrives"]!);
        Assert.DoesNotContain(
            await ListAsync($"limit=500&topic={Requests}"),
            other => (string?)other!["id"] != id
                && (int)other["partition"]! == 1
                && (long)other["offset"]! > (long)deadLetter["offset"]!);
    }

    [Fact]
    public async Task A_redriven_event_reaches_its_late_saga_and_a_second_redrive_needs_force()
    {
        var order = Names.Next("dlq");
        var rejected = await Stack.EventAsync("order-fulfilment.card_updated", order, []);
        var id = (string)(await DeadLetterAsync($"q={rejected}"))["id"]!;
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        await Stack.OrderAsync(order);
        await Stack.InStateAsync(order, "awaiting_new_card", _within);

        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync($"/api/v1/dead-letters/{id}/redrive", [], Reader)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync($"/api/v1/dead-letters/{id}/redrive", [], Operator)).Status);

        await Stack.InStateAsync(order, "done", _within);
        var (status, problem) = await PostAsync($"/api/v1/dead-letters/{id}/redrive", [], Operator);
        Assert.Equal((HttpStatusCode.Conflict, "ONEX4014"), (status, (string?)problem["code"]));
        Assert.Contains("ops", (string?)problem["detail"]);
        var forced = await PostAsync($"/api/v1/dead-letters/{id}/redrive", new JsonObject { ["force"] = true }, Operator);
        Assert.Equal((HttpStatusCode.OK, 2), (forced.Status, (int?)forced.Body["redrives"]));
        await Eventually.Async(
            async () => await Stack.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.outbox WHERE saga_id = '{id}'") == 0,
            _within,
            () => "an outbox without the redrive");
    }

    [Fact]
    public async Task A_dead_letter_whose_event_was_handled_meanwhile_needs_force_to_redrive()
    {
        var order = Names.Next("dlq");
        var id = (string)(await DeadLetterAsync($"q={await Stack.EventAsync("order-fulfilment.card_updated", order, [])}"))["id"]!;
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        await Stack.OrderAsync(order);
        await Stack.InStateAsync(order, "awaiting_new_card", _within);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync($"/api/v1/dead-letters/{id}/redrive", [], Operator)).Status);
        await Stack.InStateAsync(order, "done", _within);
        var saga = await Stack.Database.ScalarAsync<Guid>($"SELECT id FROM onex.sagas WHERE business_key = '{order}'");

        // As if the redrive had not been recorded: the redriven record has the identity of the original, so it is a duplicate.
        await Stack.Database.ExecuteAsync($"UPDATE onex.dead_letters SET status = 'open' WHERE id = '{id}'");
        var (status, problem) = await PostAsync($"/api/v1/dead-letters/{id}/redrive", [], Operator);

        Assert.Equal((HttpStatusCode.Conflict, "ONEX4028"), (status, (string?)problem["code"]));
        Assert.Contains(saga.ToString(), (string?)problem["detail"]);
        Assert.Equal(saga.ToString(), (string?)(await GetAsync($"/api/v1/dead-letters/{id}")).Body["handled_by"]);
    }

    [Fact]
    public async Task A_redriven_request_that_has_a_saga_starts_no_second_saga_even_with_force()
    {
        var order = Names.Next("dlq");
        var correlation = await Stack.OrderAsync(order);
        await Stack.Responses.ReadAsync(correlation, _within);
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());

        // The rows as they are if an orchestrator dies after it wrote the dead letter and before it committed the offset, and the next one
        // reads the record again and starts its saga.
        await Stack.Database.ExecuteAsync(
            $$"""
            INSERT INTO onex.dead_letters (id, topic, partition, record_offset, code, reason, value, at, key, headers)
            SELECT '{{id}}', '{{Requests}}', home_partition, 0, 'ONEX3014', 'memory',
                convert_to(json_build_object('operation', contract, 'correlation_id', correlation_id,
                'payload', input)::text, 'UTF8'), clock_timestamp(), '', jsonb_build_object('onex-origin', request_id)
            FROM onex.sagas WHERE business_key = '{{order}}'
            """);

        Assert.Equal("ONEX4028", (string?)(await PostAsync($"/api/v1/dead-letters/{id}/redrive", [], Operator)).Body["code"]);
        Assert.Equal(
            HttpStatusCode.OK,
            (await PostAsync($"/api/v1/dead-letters/{id}/redrive", new JsonObject { ["force"] = true }, Operator)).Status);

        var answers = await Eventually.GetAsync(
            () => Task.FromResult(Stack.Responses.For(correlation) is { Count: > 1 } found ? found : null),
            _within,
            () => "the answer to the redriven request");
        Assert.Equal(["success", "duplicate"], answers!.Select(answer => answer.Field("status")));
        Assert.Equal(1L, await Stack.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.sagas WHERE business_key = '{order}'"));
        Assert.DoesNotContain(Stack.Services.KeyViolations(), violation => violation.StartsWith(order, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_discarded_dead_letter_is_kept_with_its_reason()
    {
        var sent = await Stack.Writer.SendAsync(Requests, Encoding.UTF8.GetBytes("""["password", "x"]"""), partition: 2);
        var id = (string)(await DeadLetterForAsync(sent.Offset.Value, partition: 2))["id"]!;

        var (status, problem) = await PostAsync($"/api/v1/dead-letters/{id}/discard", [], Operator);
        Assert.Equal((HttpStatusCode.BadRequest, "ONEX4007"), (status, (string?)problem["code"]));
        Assert.Equal(
            HttpStatusCode.Forbidden,
            (await PostAsync($"/api/v1/dead-letters/{id}/discard", new JsonObject { ["reason"] = "no" }, Reader)).Status);
        var discarded = await PostAsync($"/api/v1/dead-letters/{id}/discard", new JsonObject { ["reason"] = "a test's" }, Operator);

        Assert.Equal((HttpStatusCode.OK, "discarded"), (discarded.Status, (string?)discarded.Body["status"]));
        var shown = (await GetAsync($"/api/v1/dead-letters/{id}")).Body;
        Assert.Equal(
            ("discarded", "ops", "a test's"), ((string?)shown["status"], (string?)shown["decided_by"], (string?)shown["decision_reason"]));
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync($"/api/v1/dead-letters/{id}/redrive", [], Operator)).Status);
        Assert.Equal(
            HttpStatusCode.Conflict,
            (await PostAsync($"/api/v1/dead-letters/{id}/discard", new JsonObject { ["reason"] = "again" }, Operator)).Status);
    }

    [Fact]
    public async Task A_dead_letter_without_a_value_cannot_be_redriven()
    {
        var sent = await Stack.Writer.SendAsync(Requests, (byte[]?)null, partition: 3);
        var id = (string)(await DeadLetterForAsync(sent.Offset.Value, partition: 3))["id"]!;

        var (status, problem) = await PostAsync($"/api/v1/dead-letters/{id}/redrive", [], Operator);

        Assert.Equal((HttpStatusCode.Conflict, "ONEX4015"), (status, (string?)problem["code"]));
    }

    [Fact]
    public async Task The_commands_list_show_redrive_and_discard()
    {
        var settings = new Dictionary<string, string>
        {
            ["ONEX_API_URL"] = api.Http.BaseAddress!.ToString(),
            ["ONEX_API_TOKEN"] = $"ops:operate:{Operator}",
        };
        var request = OnexStack.NewId();
        await Stack.Writer.SendAsync(
            Requests, Encoding.UTF8.GetBytes(
                $$"""{"operation":"no-such-thing","payload":{"password":"hunter2"},"correlation_id":"{{request}}"}"""), partition: 0);
        var id = (string)(await DeadLetterAsync($"q={request}"))["id"]!;

        var listed = await OnexProcess.RunAsync(settings, "dlq", "list", "--q", request, "--status", "open");
        Assert.True(listed.Code == 0, listed.Error);
        Assert.Contains(id, listed.Out);
        var shown = await OnexProcess.RunAsync(settings, "dlq", "show", id);
        Assert.Contains("no-such-thing", shown.Out);
        Assert.DoesNotContain("hunter2", shown.Out);
        Assert.Equal(id, (string?)JsonNode.Parse((await OnexProcess.RunAsync(settings, "dlq", "show", id, "--json")).Out)!["id"]);
        Assert.Equal(0, (await OnexProcess.RunAsync(settings, "dlq", "redrive", id, "--reason", "spelt right now")).Code);
        await WaitForReopenedAsync(id);
        Assert.Equal(2, (await OnexProcess.RunAsync(settings, "dlq", "discard", id)).Code);
        Assert.Equal(0, (await OnexProcess.RunAsync(settings, "dlq", "discard", id, "--reason", "nobody has it")).Code);
        var tooLate = await OnexProcess.RunAsync(settings, "dlq", "redrive", id);
        Assert.Equal(1, tooLate.Code);
        Assert.Contains("--force", tooLate.Error);
        var misspelt = await OnexProcess.RunAsync(settings, "dlq", "redirve", id);
        Assert.Equal(2, misspelt.Code);
        Assert.Contains("Did you mean 'onex dlq redrive'?", misspelt.Error);
    }

    // Waits until a dead letter was redriven and its record has failed again.
    private Task<JsonNode> WaitForReopenedAsync(string id, int redrives = 1) => Eventually.GetAsync(
        async () =>
        {
            var deadLetter = (await GetAsync($"/api/v1/dead-letters/{id}")).Body;
            var isOpen = (string?)deadLetter["status"] == "open" && (int)deadLetter["redrives"]! == redrives;
            return isOpen ? deadLetter : null;
        },
        _within,
        () => $"dead letter {id} is open again")!;

    private Task<JsonNode> DeadLetterForAsync(long offset, int partition) => Eventually.GetAsync(
        async () =>
            (await ListAsync($"limit=500&topic={Requests}")).FirstOrDefault(
                deadLetter => (int)deadLetter!["partition"]! == partition && (long)deadLetter["offset"]! == offset),
        _within,
        () => $"a dead letter of {Requests} [{partition}] @{offset}")!;

    private Task<JsonNode> DeadLetterAsync(string query) =>
        Eventually.GetAsync(async () => (await ListAsync(query)).FirstOrDefault(), _within, () => $"a dead letter for {query}")!;

    private async Task<JsonArray> ListAsync(string query) =>
        (await GetAsync($"/api/v1/dead-letters?{query}")).Body["dead_letters"]!.AsArray();

    private Task<(HttpStatusCode Status, JsonNode Body)> GetAsync(string path) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Get, path), Reader);

    private Task<(HttpStatusCode Status, JsonNode Body)> PostAsync(string path, JsonObject body, string token) =>
        SendAsync(new HttpRequestMessage(HttpMethod.Post, path) { Content = JsonContent.Create(body) }, token);

    private async Task<(HttpStatusCode Status, JsonNode Body)> SendAsync(HttpRequestMessage request, string token)
    {
        using (request)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var answer = await api.Http.SendAsync(request);
            return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
        }
    }
}
