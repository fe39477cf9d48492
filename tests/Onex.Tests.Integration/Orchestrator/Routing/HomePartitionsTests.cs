using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Orchestrator;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Outbox;
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
    private readonly Producer _producer = new();
    private readonly HomePartitions _home;

    public HomePartitionsTests(TestDatabase database)
    {
        _database = database;
        _store = new PostgresSagaStore(database.DataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);
        _sender = new OutgoingSender(_producer, new PostgresDeadLetterIndex(database.DataSource), NullLogger<OutgoingSender>.Instance);
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

    [Fact]
    public async Task The_sweep_finds_messages_behind_a_thousand_of_an_unavailable_topic_and_then_those_again()
    {
        await CommitAsync([.. Enumerable.Range(0, 1_001).Select(_ => Rows.Message("m") with { Topic = Producer.Unavailable })]);
        await CommitAsync([Rows.Message("behind")]);

        for (var sweeps = 0; sweeps < 2; sweeps++)
        {
            await _home.SweepUnsentAsync(TimeSpan.Zero, _none);
        }

        Assert.Equal("behind", Assert.Single(_producer.Acknowledged));
        Assert.Equal(1_001, _producer.Waiting.Count);

        _producer.Fail();
        for (var sweeps = 0; sweeps < 2; sweeps++)
        {
            await _home.SweepUnsentAsync(TimeSpan.Zero, _none);
        }

        Assert.Equal(1_001, _producer.Waiting.Count);
    }

    public void Dispose() => _sender.Dispose();

    private async Task StartAsync() => Assert.IsType<CommitResult.Committed>(Assert.Single(await _store.CommitAsync(
        new CommitBatch([Rows.Start(Rows.New() with { HomePartition = Partition, NextWakeupAt = Rows.Now })], []), _none)));

    private async Task CommitAsync(OutgoingMessage[] messages) => Assert.IsType<CommitResult.Committed>(Assert.Single(
        await _store.CommitAsync(new CommitBatch([new CommitEntry.Start(Rows.New(), [], messages, [])], []), _none)));

    // Acknowledges all records but those of one topic, which wait until the test lets them fail.
    private sealed class Producer : IRecordProducer
    {
        public const string Unavailable = "unavailable";

        public List<string> Acknowledged { get; } = [];

        public List<TaskCompletionSource<DeliveryReport>> Waiting { get; } = [];

        public void Fail()
        {
            var failing = Waiting.ToList();
            Waiting.Clear();
            failing.ForEach(record => record.SetResult(new DeliveryReport(DeliveryStatus.Unavailable, "no leader")));
        }

        public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
        {
            if (record.Topic == Unavailable)
            {
                Waiting.Add(new TaskCompletionSource<DeliveryReport>());
                return Waiting[^1].Task;
            }

            Acknowledged.Add(record.Key);
            return Task.FromResult(new DeliveryReport(DeliveryStatus.Acknowledged, null));
        }

        public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
