using Onex.Contracts.Expressions;
using Onex.Kafka.Producing;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Sqlite;

namespace Onex.Tests.Integration.Orchestrator.Routing;

public sealed partial class SagaRouterTests
{
    [Fact]
    public async Task An_expired_event_that_is_redriven_while_another_orchestrator_sweeps_it_is_stored_again()
    {
        var now = TimeProvider.System.GetUtcNow();
        var request = new EventRequest("story", "cancel", CelValue.Map([]), Requester("requests/3/17"));
        await _sqlite.StoreEarlyAsync([EarlyEventRows.ToRow(request, now.AddMinutes(-2), TimeSpan.FromMinutes(1))], 10, _none);

        await Sweep(new Producer(async () =>
        {
            // Before the first sweep sends its first message, the second one does the whole work, and an operator redrives the event.
            if ((await DeadLettersAsync()).Count == 0)
            {
                await Sweep(new Producer(() => Task.CompletedTask)).SweepAsync(_none);
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
        var sweep = Sweep(new Producer(() => Task.CompletedTask));

        await sweep.SweepAsync(_none);
        await sweep.SweepAsync(_none);

        Assert.Single(await DeadLettersAsync());
        Assert.Equal(
            unreadable.Select(row => row.MessageId), (await _sqlite.DueEarlyAsync([], 1_000, _none)).Select(due => due.Event.MessageId));
    }

    private EarlySweep Sweep(IRecordProducer producer)
    {
        var responses = new ResponseWriter(Topics.Default);
        return new EarlySweep(
            _router,
            _sqlite,
            new RejectionSender(responses, producer, new ResentMessages(), TimeProvider.System, NullLogger<RejectionSender>.Instance),
            new MessageWriter(Topics.Default, responses),
            new SqliteDeadLetterIndex(_database, TimeProvider.System),
            NullLogger<EarlySweep>.Instance);
    }

    private async Task<IReadOnlyList<DeadLetterRow>> DeadLettersAsync() =>
        (await new SqliteDeadLetterIndex(_database, TimeProvider.System).ListAsync(new DeadLetterFilter(), _none)).DeadLetters;

    // Acknowledges each record after it has done something else.
    private sealed class Producer(Func<Task> before) : IRecordProducer
    {
        public async Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
        {
            await before();
            return new DeliveryReport(DeliveryStatus.Acknowledged, null);
        }

        public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => throw new NotSupportedException();
    }
}
