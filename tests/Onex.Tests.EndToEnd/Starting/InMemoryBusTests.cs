using System.Net;
using System.Text;
using Onex.Tests.Support;

namespace Onex.Tests.EndToEnd.Starting;

/// <summary>Everything in one process, on a log that ends with it.</summary>
public sealed class InMemoryBusTests : IDisposable
{
    // Left to itself, a saga asks after its step when the timeout is over.
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

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task What_was_on_its_way_when_the_process_was_killed_is_sent_again_by_the_next_one()
    {
        await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "nap.yaml"), Contract);
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var settings = new Dictionary<string, string>(database.Environment)
        {
            ["ONEX_EVENT_BUS"] = "inmemory",
            ["CONTRACTS_DIR"] = _directory.FullName,
            ["OTEL_TRACES_EXPORTER"] = "none",
            ["OTEL_METRICS_EXPORTER"] = "none",
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
                TimeSpan.FromSeconds(10),
                () => "the command is on its way");
            await first.KillAsync();
        }

        Assert.Equal(1, await database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas WHERE ended_at IS NULL"));
        await using var second = OnexProcess.Start("all", settings);
        await second.ReadyAsync();

        await Eventually.Async(
            async () => await database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas WHERE status = 'completed'") == 1,
            TimeSpan.FromSeconds(30),
            () => "the saga of the process before has completed");
    }
}
