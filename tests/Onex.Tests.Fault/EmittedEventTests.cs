using System.Text.Json.Nodes;
using Npgsql;

namespace Onex.Tests.Fault;

/// <summary>The moment between a commit and its domain event.</summary>
public sealed class EmittedEventTests : IDisposable
{
    // A client that connects as this user is blocked when it commits a domain event, until the test opens the gate.
    private const string Doomed = "doomed_emitter";
    private const string Gate = "8";
    private const string HoldSql =
        $"""
        CREATE FUNCTION hold_event() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
          IF session_user = '{Doomed}' AND 'onex.domain-event' IN (SELECT h ->> 'event_type' FROM unnest(NEW.headers) h) THEN
            PERFORM pg_advisory_xact_lock_shared({Gate});
          END IF;
          RETURN NULL;
        END $$;
        CREATE CONSTRAINT TRIGGER hold_event AFTER INSERT ON onex.outbox_batches DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION hold_event();
        """;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task An_event_is_published_once_although_its_orchestrator_died_between_commit_and_send()
    {
        await using var postgres = await PostgresServer.StartOwnAsync();
        await using var stack = await OnexStack.CreateAsync(postgres);
        var topic = stack.Topic("packed");
        await stack.Broker.PrepareAsync([topic], OnexStack.Partitions);
        await File.WriteAllTextAsync(
            Path.Combine(_directory.FullName, "packing.yaml"),
            $$"""
            contract: packing
            version: 1.0.0
            input: {}
            initial: working
            states:
              working:
                steps:
                  - emit: {{topic}}
                    with: { key: "${input.id}", value: { id: "${input.id}" } }
                next: done
              done: { end: completed }
            """);
        stack.Set("CONTRACTS_DIR", _directory.FullName);
        await stack.Database.ExecuteAsync($"CREATE ROLE {Doomed} SUPERUSER LOGIN PASSWORD '{Doomed}'");
        var doomed = stack.Start("main", new Dictionary<string, string> { ["POSTGRES_USER"] = Doomed, ["POSTGRES_PASSWORD"] = Doomed });
        await doomed.ReadyAsync();
        await stack.Database.ExecuteAsync(HoldSql);
        await using var gate = new NpgsqlConnection(stack.Database.ConnectionString + ";Pooling=false");
        await gate.OpenAsync();
        await using (var closeGate = new NpgsqlCommand($"SELECT pg_advisory_lock({Gate})", gate))
        {
            await closeGate.ExecuteNonQueryAsync();
        }

        var request = await stack.RequestAsync("packing", new JsonObject { ["id"] = "o-1" });
        await Eventually.Async(
            async () =>
                await stack.Database.ScalarAsync<long>("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") > 0,
            _within,
            () => "the orchestrator that will be killed commits no event");
        await doomed.KillAsync();
        await gate.CloseAsync();
        await using var reader = new TopicReader(stack.Broker.BootstrapServers, topic);
        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>(
                "SELECT count(*) FROM onex.outbox") == 2, _within, () => "the commit of the killed orchestrator has not succeeded");
        Assert.Empty(reader.Records);

        stack.Start("main");

        Assert.Equal("success", (await stack.Responses.ReadAsync(request, _within)).Field("status"));
        var record = await reader.ReadAsync(_ => true, _within, "the event");
        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>(
                "SELECT count(*) FROM onex.outbox") == 0, _within, () => "the outbox is not empty");
        Assert.Equal(("o-1", "o-1"), (record.Key, record.Field("id")));
        Assert.Single(reader.Records);
        stack.AssertOneResponseEach([request]);
    }
}
