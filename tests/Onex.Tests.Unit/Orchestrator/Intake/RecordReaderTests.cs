using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Orchestrator;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Persistence.Sqlite;
using Onex.Runtime.Running;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Intake;

public sealed class RecordReaderTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task A_record_starts_the_same_saga_when_it_is_read_again_and_another_record_starts_another_saga()
    {
        var (first, other) = (await ReadSagaIdAsync(offset: 17), await ReadSagaIdAsync(offset: 18));
        _time.Advance(TimeSpan.FromHours(2));

        Assert.Equal(first, await ReadSagaIdAsync(offset: 17));
        Assert.NotEqual(first, other);
    }

    [Fact]
    public async Task A_cancelled_reading_throws_so_that_the_record_is_read_again()
    {
        using var database = new SqliteDatabase(new SqliteStoreSettings("never-opened.db"));
        var unknown = Record(offset: 17, "nightly");

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Reader(new KnownRequests(new SqliteSagaStore(database, _time)))
            .ReadAsync(new BatchEntry(unknown, (_, _) => { }), home: 3, new CancellationToken(canceled: true)).AsTask());
    }

    private async Task<SagaId> ReadSagaIdAsync(long offset)
    {
        var entry = new BatchEntry(Record(offset, "orders"), (_, _) => { });
        var read = await Reader(known: null!).ReadAsync(entry, home: 3, TestContext.Current.CancellationToken);
        return Assert.IsType<SagaStarted>(read.Delivery!.Message).SagaId;
    }

    private RecordReader Reader(KnownRequests known)
    {
        var plans = new PlanCatalogue([PlansWithEvents.Orders], registry: null!, compiler: null!);
        return new RecordReader(
            Topics.Default, new RequestReader(1 << 20), new RequestRules(plans, new OperationCatalogue([]), [], []),
            known, payloads: null!, new DeadLetterIndexing(null!), new DatabaseClock(_time), NullLogger<RecordReader>.Instance);
    }

    private static ConsumedRecord Record(long offset, string operation) => new()
    {
        Topic = Topics.Default.Requests,
        Partition = 3,
        Offset = offset,
        Timestamp = new DateTimeOffset(2026, 11, 24, 7, 59, 0, TimeSpan.Zero).ToUnixTimeMilliseconds(),
        Value = Encoding.UTF8.GetBytes(
            $$$"""{"operation":"{{{operation}}}","payload":{"order":"o-1"},"correlation_id":"{{{Guid.Empty.ToString()[..^1]}}}7"}"""),
        Headers = [],
    };
}
