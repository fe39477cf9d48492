using Onex.Contracts.Expressions;
using Onex.Kafka.Producing;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sqlite;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Orchestrator.Routing;

public sealed partial class SagaRouterTests
{
    [Fact]
    public async Task An_expired_event_that_is_redriven_while_another_orchestrator_sweeps_it_is_stored_again()
    {
        var now = TimeProvider.System.GetUtcNow();
        var request = new EventRequest("story", "cancel", CelValue.Map([]), Requester("requests/3/17"));
        await _sqlite.StoreEarlyAsync([EarlyEventRows.ToRow(request, now.AddMinutes(-2), TimeSpan.FromMinutes(1))], 10, _none);

        await Sweep(new Producer(async _ =>
        {
            // Before the first sweep sends its first message, the second one does the whole work, and an operator redrives the event.
            if ((await DeadLettersAsync()).Count == 0)
            {
                await Sweep(new Producer(_ => Task.CompletedTask)).SweepAsync(_none);
                await _sqlite.StoreEarlyAsync([EarlyEventRows.ToRow(request, now, TimeSpan.FromHours(1))], 10, _none);
            }
        })).SweepAsync(_none);

        Assert.Single(await DeadLettersAsync());
        var another = EarlyEventRows.ToRow(request with { Requester = Requester("requests/3/18") }, now, TimeSpan.FromHours(1));
        Assert.Empty(await _sqlite.StoreEarlyAsync([another with { CorrelationId = request.Requester.CorrelationId }], 1, _none));
    }

    [Fact]
    public async Task Unreadable_events_stay_stored_and_do_not_stop_later_ones()
    {
        var request = new EventRequest("story", "cancel", CelValue.Map([]), Requester("requests/3/17"));
        var readable = EarlyEventRows.ToRow(request, TimeProvider.System.GetUtcNow().AddMinutes(-2), TimeSpan.FromMinutes(1));
        EarlyEvent[] unreadable =
            [.. Enumerable.Range(0, 500).Select(_ => readable with { MessageId = Rows.Id(), Content = RawJson.EmptyObject })];
        await _sqlite.StoreEarlyAsync([.. unreadable, readable], 10, _none);
        var sweep = Sweep(new Producer(_ => Task.CompletedTask));

        await sweep.SweepAsync(_none);
        await sweep.SweepAsync(_none);

        Assert.Single(await DeadLettersAsync());
        Assert.Equal(
            unreadable.Select(row => row.MessageId), (await _sqlite.DueEarlyAsync([], 1_000, _none)).Select(due => due.Event.MessageId));
    }

    [Fact]
    public async Task A_reply_topic_that_is_unavailable_holds_no_event_with_another_reply_topic()
    {
        var receivedAt = TimeProvider.System.GetUtcNow().AddMinutes(-2);
        EarlyEvent Expired(string source, string? replyTo) => EarlyEventRows.ToRow(
            new EventRequest("story", "cancel", CelValue.Map([]), Requester(source) with { ReplyTo = replyTo }),
            receivedAt,
            TimeSpan.FromMinutes(1));
        EarlyEvent[] held = [.. Enumerable.Range(0, 501).Select(offset => Expired($"requests/3/{offset}", "unavailable"))];
        await _sqlite.StoreEarlyAsync([.. held, Expired("requests/4/0", null)], 10, _none);
        var recovered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sweep = Sweep(new Producer(record => record.Topic == "unavailable" ? recovered.Task : Task.CompletedTask), TimeProvider.System);

        for (var sweeps = 0; sweeps < 2; sweeps++)
        {
            await sweep.SweepAsync(_none).WaitAsync(_timeout, TimeProvider.System);
        }

        Assert.Equal(
            held.Select(row => row.MessageId), (await _sqlite.DueEarlyAsync([], 1_000, _none)).Select(due => due.Event.MessageId));
        recovered.SetResult();
        await Condition.HoldsAsync(async () =>
        {
            await sweep.SweepAsync(_none);
            return (await _sqlite.DueEarlyAsync([], 1_000, _none)).Count == 0;
        });
    }

    // Unless a test says otherwise, no time passes, so that a sweep waits until its answers are acknowledged.
    private EarlySweep Sweep(IRecordProducer producer, TimeProvider? time = null)
    {
        var responses = new ResponseWriter(Topics.Default);
        return new EarlySweep(
            _router,
            _sqlite,
            new RejectionSender(responses, producer, new ResentMessages(), TimeProvider.System, NullLogger<RejectionSender>.Instance),
            new MessageWriter(Topics.Default, responses),
            new SqliteDeadLetterIndex(_database, TimeProvider.System),
            time ?? _time,
            NullLogger<EarlySweep>.Instance);
    }

    private async Task<IReadOnlyList<DeadLetterRow>> DeadLettersAsync() =>
        (await new SqliteDeadLetterIndex(_database, TimeProvider.System).ListAsync(new DeadLetterFilter(), _none)).DeadLetters;

    // Acknowledges each record after it has done something else.
    private sealed class Producer(Func<ProducedRecord, Task> before) : IRecordProducer
    {
        public async Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
        {
            await before(record);
            return new DeliveryReport(DeliveryStatus.Acknowledged, null);
        }

        public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
