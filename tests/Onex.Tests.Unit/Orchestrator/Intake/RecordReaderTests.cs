using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Orchestrator;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Persistence.Sagas;
using Onex.Persistence.Sqlite;
using Onex.Runtime.Running;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Intake;

public sealed class RecordReaderTests
{
    private const string ContractWithOptionalInput = """
        contract: optional
        version: 1.0.0
        description: Runs without an input, too.
        input: { type: object, properties: { order: { type: string } } }
        initial: working
        states:
          working:
            steps: [{ id: seal, compute: hash.sha256, with: { text: x } }]
            next: done
          done: { end: completed }
        """;

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

    [Fact]
    public async Task A_call_whose_stored_input_was_deleted_starts_no_saga_with_an_empty_input()
    {
        var directory = Directory.CreateTempSubdirectory();
        using (var database = new SqliteDatabase(new SqliteStoreSettings(Path.Combine(directory.FullName, "onex.db"))))
        {
            var store = new SqliteSagaStore(database, _time);
            var id = new Guid("aaaaaaaa-0000-7000-8000-000000000000");
            var call = new SagaMessage
            {
                Call = new SagaCall
                {
                    CommandId = new(id),
                    Attempt = 1,
                    Contract = "optional",
                    InputRef = id,
                    CorrelationId = id,
                    ParentId = new(id),
                    HomePartition = 0,
                    Awaits = false,
                },
            };
            var record = new ConsumedRecord
            {
                Topic = Topics.Default.SagaEvents,
                Partition = 3,
                Offset = 17,
                Value = JsonSerializer.SerializeToUtf8Bytes(call, MessageJson.Default.SagaMessage),
                Headers = [],
            };

            var read = await Reader(new KnownRequests(store), store, new SagaScenario(ContractWithOptionalInput).Plan)
                .ReadAsync(new BatchEntry(record, (_, _) => { }), home: 3, TestContext.Current.CancellationToken);

            var rejected = Assert.IsType<DeliveryOutcome.Rejected>(read.Outcome);
            Assert.Equal((ErrorCodes.PayloadInvalid, Disposition.DeadLetter), (rejected.Rejection.Code, rejected.Disposition));
        }

        directory.Delete(recursive: true);
    }

    private async Task<SagaId> ReadSagaIdAsync(long offset)
    {
        var entry = new BatchEntry(Record(offset, "orders"), (_, _) => { });
        var read = await Reader(known: null!).ReadAsync(entry, home: 3, TestContext.Current.CancellationToken);
        return Assert.IsType<SagaStarted>(read.Delivery!.Message).SagaId;
    }

    private RecordReader Reader(KnownRequests known, IPayloads? payloads = null, Plan? plan = null)
    {
        var plans = new PlanCatalogue([plan ?? PlansWithEvents.Orders], registry: null!, compiler: null!);
        return new RecordReader(
            Topics.Default, new RequestReader(1 << 20), new RequestRules(plans, new OperationCatalogue([]), [], []),
            known, payloads!, new DeadLetterIndexing(null!), new DatabaseClock(_time), NullLogger<RecordReader>.Instance);
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
