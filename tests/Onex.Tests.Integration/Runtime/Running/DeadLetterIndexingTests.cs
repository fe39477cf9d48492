using System.Text;
using Onex.Contracts.Catalogue;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Orchestrator;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.DeadLetters;
using Onex.Runtime.Running;
using Onex.Tests.Integration.Persistence.Sqlite;

namespace Onex.Tests.Integration.Runtime.Running;

/// <summary>Dead letters of records that were redriven, and of records with a header that says so.</summary>
public sealed class DeadLetterIndexingTests : IDisposable
{
    private const string Request = """{"operation":"unknown.event","payload":{"order":"o-1"}}""";

    private static readonly DateTimeOffset _now = new(2026, 11, 24, 12, 0, 0, TimeSpan.Zero);
    private static readonly CancellationToken _none = CancellationToken.None;

    private readonly SqliteFile _file = new();
    private readonly IDeadLetterIndex _index;
    private readonly DeadLetterIndexing _sink;

    public DeadLetterIndexingTests()
    {
        _index = _file.Get<IDeadLetterIndex>();
        _sink = new DeadLetterIndexing(_index);
    }

    public void Dispose() => _file.Dispose();

    [Fact]
    public async Task A_redriven_record_that_fails_again_reopens_its_dead_letter_every_time()
    {
        var deadLetter = await AddAsync(Topics.Default.Requests, Request);
        for (var offset = 77; offset <= 78; offset++)
        {
            var record = await RedriveAsync(deadLetter, offset);

            Assert.Equal(deadLetter.Id, EventDeadLetter.RedrivenFrom(await ReadRequesterAsync(record)));
            Assert.Equal(deadLetter.Id, await StoreAsync(record));
            deadLetter = (await _index.FindAsync(deadLetter.Id, _none))!;
            Assert.Equal((DeadLetterStatus.Open, 41L), (deadLetter.Status, deadLetter.Offset));
            Assert.Single((await _index.ListAsync(new DeadLetterFilter(), _none)).DeadLetters);
        }

        Assert.True(await _sink.CloseAsync(await RedriveAsync(deadLetter, 79, isOpen: true), _none));
    }

    [Theory]
    [InlineData("effect-requests", Request, true)]
    [InlineData("requests", "another request", true)]
    [InlineData("requests", Request, false)]
    public async Task A_record_that_names_the_dead_letter_of_another_record_gets_one_of_its_own(
        string topic, string value, bool hasOrigin)
    {
        var named = await AddAsync(topic, value);
        var forged = Forge(await RedriveAsync(named, 77), hasOrigin);

        Assert.Null(EventDeadLetter.RedrivenFrom(await ReadRequesterAsync(forged)));
        var reference = await StoreAsync(forged);

        Assert.Equal(Identity.DeadLetter("requests", null, 3, 77), reference);
        Assert.Equal((DeadLetterStatus.Open, 77L), await StatusAsync(reference!.Value));
        Assert.Equal((DeadLetterStatus.Redriven, 41L), await StatusAsync(named.Id));
        Assert.Equal(named.Value, (await _index.FindAsync(named.Id, _none))!.Value);
    }

    [Theory]
    [InlineData("effect-requests", Request, true)]
    [InlineData("requests", "another request", true)]
    [InlineData("requests", Request, false)]
    public async Task A_record_that_names_the_dead_letter_of_another_record_does_not_close_it(string topic, string value, bool hasOrigin)
    {
        var named = await AddAsync(topic, value);

        Assert.False(await _sink.CloseAsync(Forge(await RedriveAsync(named, 77, isOpen: true), hasOrigin), _none));

        Assert.Equal((DeadLetterStatus.Open, 41L), await StatusAsync(named.Id));
    }

    // A request with the headers of a redriven record.
    private static ConsumedRecord Forge(ConsumedRecord redriven, bool hasOrigin) => Record(
        Topics.Default.Requests, Request, redriven.Offset,
        [.. redriven.Headers.Where(header => hasOrigin || header.Key != HeaderNames.Origin)]);

    private async Task<DeadLetterRow> AddAsync(string topic, string value)
    {
        var id = await StoreAsync(Record(topic, value, 41, []));
        return (await _index.FindAsync(id!.Value, _none))!;
    }

    private async Task<ConsumedRecord> RedriveAsync(DeadLetterRow deadLetter, long offset, bool isOpen = false)
    {
        var id = Guid.CreateVersion7(_now);
        var message = Redrive.Create(deadLetter, id, _now);
        if (!isOpen)
        {
            await _index.DecideAsync(
                new DeadLetterDecision(id, deadLetter.Id, DeadLetterStatus.Redriven, "ops", null, Force: false, message), _none);
        }

        return Record(
            message.Topic, Encoding.UTF8.GetString(message.Value.Span), offset,
            [.. message.Headers.Items.Select(header => KeyValuePair.Create(header.Key, (byte[]?)Encoding.UTF8.GetBytes(header.Value)))]);
    }

    // Without its value, as if that were too large for the topic. Returns the id of the row that stores it.
    private Task<Guid?> StoreAsync(ConsumedRecord record) => _sink.StoreAsync(
        record,
        new DeadLetter
        {
            OriginalTopic = record.Topic,
            OriginalMessage = new DeadLetterMessage { Partition = record.Partition, Offset = record.Offset },
            FailureReason = "no",
            FailureCode = "ONEX3005",
            FailureTimestamp = _now,
            RetryCount = 0,
            ErrorType = "X",
        },
        _none);

    private async Task<(DeadLetterStatus Status, long Offset)> StatusAsync(Guid id)
    {
        var row = (await _index.FindAsync(id, _none))!;
        return (row.Status, row.Offset);
    }

    private async Task<Engine.Requester> ReadRequesterAsync(ConsumedRecord record)
    {
        var store = _file.Get<ISagaStore>();
        var rules = new RequestRules(new PlanCatalogue([], registry: null!, compiler: null!), new OperationCatalogue([]), [], []);
        var reader = new RecordReader(
            Topics.Default, new RequestReader(1 << 20), rules, new KnownRequests(store), payloads: null!, _sink,
            new DatabaseClock(TimeProvider.System), NullLogger<RecordReader>.Instance);
        var read = await reader.ReadAsync(new BatchEntry(record, (_, _) => { }), home: 0, _none);
        return read.Delivery!.Event!.Requester;
    }

    private static ConsumedRecord Record(string topic, string value, long offset, IReadOnlyList<KeyValuePair<string, byte[]?>> headers) =>
        new() { Topic = topic, Partition = 3, Offset = offset, Value = Encoding.UTF8.GetBytes(value), Headers = headers };
}
