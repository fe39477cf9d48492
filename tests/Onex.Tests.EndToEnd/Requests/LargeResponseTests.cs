using System.Net;
using System.Net.Http.Json;

namespace Onex.Tests.EndToEnd.Requests;

/// <summary>Responses that the broker rejects.</summary>
public sealed class LargeResponseTests : IDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_response_too_large_for_the_broker_becomes_an_error_and_is_readable_over_the_API()
    {
        await File.WriteAllTextAsync(
            Path.Combine(_directory.FullName, "twice.yaml"),
            """
            contract: twice
            version: 1.0.0
            input: { type: object, required: [text], properties: { text: { type: string } } }
            initial: doubling
            states:
              doubling: { end: completed, output: { first: "${input.text}", second: "${input.text}" } }
            """);
        await using var stack = await OnexStack.CreateAsync();
        stack.Broker.NeedsReal("accepts records of any size");
        stack.Set("CONTRACTS_DIR", _directory.FullName);
        var main = (await stack.StartReadyAsync("main"))[0];
        var text = new string('x', 600_000);

        var correlation = await stack.RequestAsync("twice", new JsonObject { ["text"] = text });
        var response = await stack.Responses.ReadAsync(correlation, _timeout);

        Assert.Equal(
            ("error", "success", "ONEX3040"), (response.Field("status"), response.Field("original_status"), response.Field("code")));
        var saga = response.Field("saga_id");
        Assert.Equal(saga, Assert.Single(await stack.Database.QueryAsync("SELECT id FROM onex.sagas WHERE status = 'completed'")));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{main.HttpPort}/") };
        var whole = await http.GetFromJsonAsync<JsonObject>($"/api/v1/sagas/{saga}/response");
        Assert.Equal(
            ("success", text, correlation),
            ((string?)whole!["status"], (string?)whole["payload"]!["second"], (string?)whole["correlation_id"]));
        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync($"/api/v1/sagas/{OnexStack.NewId()}/response")).StatusCode);
        Assert.Equal(0L, await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.dead_letters"));
        stack.AssertOneResponseEach([correlation]);
    }
}
