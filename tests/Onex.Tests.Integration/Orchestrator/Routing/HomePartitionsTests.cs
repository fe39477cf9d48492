using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Orchestrator;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Tests.Compliance.Kafka;
using Onex.Tests.Integration.Persistence;

namespace Onex.Tests.Integration.Orchestrator.Routing;

/// <summary>An orchestrator does not wake the sagas of partitions that are revoked before their assignment completes.</summary>
public sealed class HomePartitionsTests : IClassFixture<TestDatabase>, IDisposable
{
    private const int Partition = 7;

    private static readonly CancellationToken _none = CancellationToken.None;
    private readonly TestDatabase _database;
    private readonly PostgresSagaStore _store;
    private readonly OutgoingSender _sender;
    private readonly WakeupQueue _wakeups = new();
    private readonly HomePartitions _home;

    public HomePartitionsTests(TestDatabase database)
    {
        _database = database;
        _store = new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);
        _sender = new OutgoingSender(new NoBroker(), new PostgresDeadLetterIndex(database.DataSource), NullLogger<OutgoingSender>.Instance);
        _home = new HomePartitions(
            _store, _store, _store,
            _sender,
            _wakeups,
            new DatabaseClock(TimeProvider.System),
            new MemoryBudget(1L << 30),
            NullLogger<HomePartitions>.Instance);
    }

    [Fact]
    public async Task Partitions_that_are_revoked_before_their_assignment_completes_are_not_swept()
    {
        await StartAsync();
        _home.Revoked([Partition]);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            () => _home.AssignedAsync([Partition], new CancellationToken(canceled: true)));
        await _home.SweepWakeupsAsync(_none);

        Assert.Equal(0, _wakeups.Count);
    }

    [Fact]
    public async Task Wakeups_read_for_a_partition_that_is_revoked_in_the_meantime_are_not_queued()
    {
        await StartAsync();
        await using var connection = await _database.Database.Source.OpenConnectionAsync(_none);
        await using var transaction = await connection.BeginTransactionAsync(_none);
        await using var lockTable = connection.CreateCommand();
        lockTable.CommandText = "LOCK TABLE onex.sagas IN ACCESS EXCLUSIVE MODE";
        await lockTable.ExecuteNonQueryAsync(_none);

        var assignment = _home.AssignedAsync([Partition], _none);
        await Condition.HoldsAsync(async () =>
            await _database.Database.ScalarAsync<long>(
                "SELECT count(*) FROM pg_locks WHERE relation = 'onex.sagas'::regclass AND NOT granted") > 0);
        _home.Revoked([Partition]);
        await transaction.RollbackAsync(_none);
        await assignment;

        Assert.Equal(0, _wakeups.Count);
    }

    [Fact]
    public async Task Partitions_that_stay_assigned_keep_their_wakeups()
    {
        await StartAsync();

        await _home.AssignedAsync([Partition], _none);

        Assert.NotEqual(0, _wakeups.Count);
    }

    public void Dispose() => _sender.Dispose();

    private async Task StartAsync() => Assert.IsType<CommitResult.Committed>(Assert.Single(await _store.CommitAsync(
        new CommitBatch([Rows.Start(Rows.New() with { HomePartition = Partition, NextWakeupAt = Rows.Now })], []), _none)));

    // These tests have no unsent messages.
    private sealed class NoBroker : IRecordProducer
    {
        public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
