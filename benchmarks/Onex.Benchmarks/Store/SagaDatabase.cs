using System.Diagnostics;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Onex.Benchmarks.EndToEnd;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Outbox;
using Onex.Persistence.Postgres;
using Onex.Persistence.Sagas;
using Onex.Persistence.Schema;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Store;

/// <summary>A database, and the sagas that run in it.</summary>
internal sealed class SagaDatabase(PostgresDatabase database, NpgsqlDataSource dataSource) : IAsyncDisposable
{
    private const int Partitions = 12;

    // The next commit deletes the messages of a commit, as in an orchestrator under load, where they are acknowledged by then.
    private MessageId[] _sent = [];

    private readonly PostgresSagaStore _store = new(dataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);

    public static async Task<SagaDatabase> CreateAsync(PostgresServer server)
    {
        var database = await server.CreateDatabaseAsync();
        var settings = StoreSettings.Parse(database.ConnectionString);
        await using (var migrating = PostgresDataSource.Create(settings))
        {
            await new Migrator(migrating, settings, TimeProvider.System, NullLogger<Migrator>.Instance)
                .MigrateAsync(CancellationToken.None);
        }

        // One connection, so that the one that commits is also the one that reports its statistics.
        return new SagaDatabase(database, PostgresDataSource.Create(settings with { MaxPoolSize = 1 }));
    }

    /// <summary>Adds sagas that wait for long, with their timers.</summary>
    public async Task ParkAsync(int count)
    {
        await ExecuteAsync(
            $$"""
            INSERT INTO onex.sagas (
                id, contract, contract_version, contract_hash, correlation_id, request_id, business_key, source, state, status,
                data, progress, home_partition, version, last_transition_id, started_at, updated_at, next_wakeup_at, parked)
            SELECT gen_random_uuid(), 'order', '1', 'abc', gen_random_uuid(), gen_random_uuid(), 'order-' || i, 'requests/0/' || i,
                'awaiting_card', 'waiting',
                '{"amount": 12.5}', '{"waiting_for": ["card_updated"]}', i % {{Partitions}}, 3, gen_random_uuid(), now(), now(),
                now() + interval '1 hour' + i * interval '1 second', true
            FROM generate_series(1, {{count}}) AS i
            """);
        await ExecuteAsync(
            """
            INSERT INTO onex.timers (saga_id, name, home_partition, due_at)
            SELECT id, 'wakeup', home_partition, next_wakeup_at FROM onex.sagas WHERE parked
            """);
        await ExecuteAsync("VACUUM (ANALYZE) onex.sagas, onex.timers");
        await ExecuteAsync("CHECKPOINT");
    }

    /// <summary>Runs sagas of three transitions, in commits of a number of sagas.</summary>
    public async Task RunAsync(int sagas, int perCommit)
    {
        for (var begun = 0; begun < sagas; begun += perCommit)
        {
            SagaRow[] rows = [.. Enumerable.Range(0, perCommit).Select(NewSaga)];
            await CommitAsync(rows.Select(row => new CommitEntry.Start(row, [HistoryOf(row)], [Message()], [Payload(row, "input")])));
            SagaRow[] advanced = [.. rows.Select(row => Next(row))];
            await CommitAsync(advanced.Select(row => new CommitEntry.Transition(row, 1, [HistoryOf(row)], [Message()], [])));
            SagaRow[] ended = [
                .. advanced.Select(row => Next(row) with { EndedAt = Now(), NextWakeupAt = null, Status = SagaStatus.Completed })];
            await CommitAsync(ended.Select(
                row => new CommitEntry.Transition(row, 2, [HistoryOf(row)], [Message()], [Payload(row, "output")])));
        }
    }

    /// <summary>The time of one look for due wake-ups, the mean of 50.</summary>
    public async Task<double> SweepMillisecondsAsync()
    {
        const int Sweeps = 50;
        int[] partitions = [.. Enumerable.Range(0, Partitions)];
        var watch = Stopwatch.StartNew();
        for (var sweep = 0; sweep < Sweeps; sweep++)
        {
            await _store.WakeupsAsync(partitions, Now(), CancellationToken.None);
        }

        return watch.Elapsed.TotalMilliseconds / Sweeps;
    }

    /// <summary>What the commits have cost so far. Their connection reports it first, which it does only now and then by itself.</summary>
    public async Task<DatabaseUsage> UsageAsync()
    {
        await ExecuteAsync("SELECT pg_stat_force_next_flush()");
        return await DatabaseUsage.ReadAsync(database);
    }

    public async ValueTask DisposeAsync()
    {
        await dataSource.DisposeAsync();
        await database.DisposeAsync();
    }

    private async Task ExecuteAsync(string sql)
    {
        await using var command = dataSource.CreateCommand(sql);
        command.CommandTimeout = 600;
        await command.ExecuteNonQueryAsync();
    }

    private async Task CommitAsync(IEnumerable<CommitEntry> entries)
    {
        var batch = new CommitBatch([.. entries], _sent);
        var results = await _store.CommitAsync(batch, CancellationToken.None);
        if (results.Any(result => result is not CommitResult.Committed))
        {
            throw new InvalidOperationException("A saga of the benchmark was not committed.");
        }

        _sent = [.. batch.Entries.SelectMany(MessageIds)];
    }

    private static IEnumerable<MessageId> MessageIds(CommitEntry entry) => (entry switch
    {
        CommitEntry.Start start => start.Outgoing,
        CommitEntry.Transition transition => transition.Outgoing,
        _ => [],
    }).Select(message => message.MessageId);

    private static DateTimeOffset Now() => TimeProvider.System.GetUtcNow();

    private static Guid Id() => Guid.CreateVersion7(Now());

    private static SagaRow NewSaga(int index) => new()
    {
        Id = new(Id()),
        Contract = "order",
        ContractVersion = "1",
        ContractHash = "abc",
        CorrelationId = Id(),
        RequestId = new(Id()),
        BusinessKey = Id().ToString(),
        Source = "requests/0/1",
        State = "charging",
        Status = SagaStatus.Running,
        Data = RawJson.FromText("""{"amount":12.50,"items":[{"sku":"A-1","count":2},{"sku":"B-2","count":1}]}"""),
        Progress = RawJson.FromText(
            """{"step":1,"visits":{"charging":1},"outstanding":[{"step":"charge","attempt":1,"phase":"in_flight"}]}"""),
        HomePartition = index % Partitions,
        Version = 1,
        LastTransitionId = Id(),
        StartedAt = Now(),
        UpdatedAt = Now(),
        NextWakeupAt = Now().AddSeconds(35),
    };

    private static SagaRow Next(SagaRow row) =>
        row with { Version = row.Version + 1, LastTransitionId = Id(), UpdatedAt = Now(), NextWakeupAt = Now().AddSeconds(35) };

    private static HistoryEntry HistoryOf(SagaRow row) => new(
        row.Version, 0, row.UpdatedAt, "step_completed", row.State, "charge", null);

    private static SagaPayload Payload(SagaRow row, string name) => new(Identity.Payload(row.Id, name), row.Id, name, row.Data);

    // As large as a command of the benchmark's order.
    private static OutgoingMessage Message() => new()
    {
        MessageId = new(Id()),
        Topic = "effect-requests",
        Key = Id().ToString(),
        Value = Encoding.UTF8.GetBytes(
            $$$"""
            {"command_id":"{{{Id()}}}","attempt":1,"saga_id":"{{{Id()}}}","correlation_id":"{{{Id()}}}","contract":"order","step":"charge",
            "direction":"do","operation":"http.post","connection":"echo","arguments":{"path":"/charges","body":{"order":"{{{Id()}}}"}},
            "home_partition":7,"timeout_ms":30000,"not_after":"{{{Now():O}}}","reports":true}
            """),
        Headers = MessageHeaders.Create("onex-main", EventTypes.Command, new(Id()), Id(), Now()),
    };
}
