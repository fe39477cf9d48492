using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Records;
using Onex.Persistence;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Intake;

/// <summary>The result of reading a record or a request: a delivery for the router, or an outcome without one.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct IntakeResult
{
    public IntakeResult(Delivery delivery, long loadedWeight = 0) => (Delivery, LoadedWeight) = (delivery, loadedWeight);

    public IntakeResult(DeliveryOutcome outcome) => Outcome = outcome;

    public Delivery? Delivery { get; }

    public DeliveryOutcome? Outcome { get; }

    /// <summary>The weight of the data that was loaded from the store for the delivery.</summary>
    public long LoadedWeight { get; }
}

/// <summary>
/// Reads the records of the orchestrator's four topics: requests, results and reports of effects and of workers, and messages between
/// sagas.
/// </summary>
internal sealed class RecordReader(
    Topics topics,
    RequestReader requests,
    RequestRules rules,
    KnownRequests known,
    IPayloads payloads,
    IDeadLetterSink deadLetters,
    DatabaseClock clock,
    ILogger<RecordReader> logger,
    RequestMetrics? metrics = null)
{
    // If a record's time differs from now by more, it is wrong.
    private static readonly TimeSpan _clockDifferenceMax = TimeSpan.FromDays(365);

    /// <summary>
    /// Reads a record. Throws only if it is cancelled, or the store or memory is lacking; any other failure becomes the record's outcome.
    /// </summary>
    /// <param name="entry">The record.</param>
    /// <param name="home">The home partition of a saga that it starts.</param>
    /// <param name="cancellation">Cancels the reading.</param>
    public async ValueTask<IntakeResult> ReadAsync(BatchEntry entry, int home, CancellationToken cancellation)
    {
        entry.Begin();
        var topic = entry.Record.Topic;
        try
        {
            if (topic == topics.Requests)
            {
                return await ReadRequestAsync(entry, home, cancellation);
            }

            return topic == topics.EffectResponses || topic == topics.WorkerResponses
                ? ReadResult(entry)
                : await ReadSagaMessageAsync(entry, home, cancellation);
        }
#pragma warning disable CA1031 // One record that cannot be read must not stop the others.
        catch (Exception failure) when (
            !cancellation.IsCancellationRequested && failure is not StoreUnavailableException && !MemoryShortage.Is(failure))
#pragma warning restore CA1031
        {
            Log.RecordUnreadable(logger, topic, failure);
            return Failed(HandlingFailure.From(failure));
        }
    }

    private async ValueTask<IntakeResult> ReadRequestAsync(BatchEntry entry, int home, CancellationToken cancellation)
    {
        var (parsed, rejection) = requests.Read(entry.Record, await deadLetters.FindRedrivenAsync(entry.Record, cancellation));
        if (parsed is not null)
        {
            parsed = parsed with { Requester = WithTrace(parsed.Requester, entry) };
            var now = clock.Now;
            (var accepted, rejection) = rules.Accept(parsed, SagaIdOf(entry.Record, now), home, now);
            if (accepted is not null)
            {
                metrics?.Count(parsed.Requester.Operation, "topic", "accepted");
                return new IntakeResult(Delivery.For(accepted, OutcomeSink.For(entry)));
            }

            if (await known.FindAsync(rejection!.Requester, cancels: false, OutcomeSink.For(entry), cancellation) is { } found)
            {
                metrics?.Count(parsed.Requester.Operation, "topic", "known");
                return found;
            }
        }

        metrics?.Count(rejection!.Requester?.Operation, "topic", "rejected");
        return new IntakeResult(new DeliveryOutcome.Rejected(rejection!, Disposition.DeadLetter));
    }

    private async ValueTask<IntakeResult> ReadSagaMessageAsync(BatchEntry entry, int home, CancellationToken cancellation)
    {
        var message = ResultReader.ReadSagaMessage(entry.Record.Value, out var problem);
        if (message is { Result: { } result })
        {
            return new IntakeResult(Delivery.For(result, OutcomeSink.For(entry)));
        }

        if (message is not { Call: { } call })
        {
            return Malformed($"The record is no message between sagas: {problem ?? "it has neither 'call' nor 'result'."}");
        }

        var loadedWeight = 0L;
        RawJson? input = call.Input ?? RawJson.EmptyObject;
        if (call.InputRef is { } reference)
        {
            input = (await payloads.LoadPayloadsAsync([reference], cancellation)).GetValueOrDefault(reference)?.Content;
            loadedWeight = JsonWeight.Handled(input is { } stored ? stored.Utf8.Span : default);
        }

        var now = clock.Now;
        var (facts, rejection) = rules.AcceptCall(
            call, input, RecordPosition.From(entry.Record).ToString(), SagaIdOf(entry.Record, now), home, now);
        if (facts is not null)
        {
            facts = facts with { Requester = WithTrace(facts.Requester, entry) };
            var started = new SagaStarted
            {
                SagaId = facts.SagaId,
                CausedBy = new(call.CommandId.Value),
                Facts = facts,
                CancelledBeforeStart = call.Cancels,
            };
            return new IntakeResult(new Delivery(started, OutcomeSink.For(entry)), loadedWeight);
        }

        return await known.FindAsync(rejection!.Requester, call.Cancels, OutcomeSink.For(entry), cancellation)
            ?? new IntakeResult(new DeliveryOutcome.Rejected(rejection, call.Awaits ? Disposition.Discard : Disposition.DeadLetter));
    }

    // Adds the trace context of the record's headers, else of the record's span, unless the requester's headers have one already.
    private static Requester WithTrace(Requester requester, BatchEntry entry)
    {
        var headers = requester.Headers;
        if (headers.ContainsKey(HeaderNames.TraceParent))
        {
            return requester;
        }

        var (parent, state) = (entry.Record.TextHeader(HeaderNames.TraceParent), entry.Record.TextHeader(HeaderNames.TraceState));
        if (parent is null && entry.Span is { } span)
        {
            (parent, state) = (Tracing.TraceParent(span.TraceId, span.ActivityTraceFlags), null);
        }

        return parent is null ? requester : requester with
        {
            Headers = state is null
                ? headers.SetItem(HeaderNames.TraceParent, parent)
                : headers.SetItem(HeaderNames.TraceParent, parent).SetItem(HeaderNames.TraceState, state),
        };
    }

    // Derived from the record's position, so that a redelivery has the same; with the record's time, because ids sort by age. A wrong time
    // gives a new id. So does a missing one: the record is of the in-memory log, where positions begin again with each process.
    private static SagaId SagaIdOf(ConsumedRecord record, DateTimeOffset now) =>
        record.Timestamp is { } time && Math.Abs(now.ToUnixTimeMilliseconds() - time) < _clockDifferenceMax.TotalMilliseconds
            ? Identity.Saga(time, Identity.OfRecord("saga", record.Topic, record.TopicId, record.Partition, record.Offset))
            : SagaId.Create(now);

    private IntakeResult ReadResult(BatchEntry entry)
    {
        var isFromWorker = entry.Record.Topic == topics.WorkerResponses;
        var isReport = entry.Record.TextHeader(HeaderNames.EventType) == EventTypes.Report;
        string? problem = null;
        if (!isReport && ResultReader.Read(entry.Record.Value, out problem) is { } result)
        {
            return isFromWorker
                ? new IntakeResult(Delivery.For(WorkerResults.Check(result), OutcomeSink.For(entry), isFromWorker: true))
                : new IntakeResult(Delivery.For(result, OutcomeSink.For(entry)));
        }

        if (ResultReader.ReadReport(entry.Record.Value) is { } report)
        {
            return new IntakeResult(Delivery.For(report, OutcomeSink.For(entry), isFromWorker));
        }

        return Malformed($"The record is no {(isReport ? "report" : "result")} of a step: {problem ?? "a required field is missing."}");
    }

    private static IntakeResult Malformed(string reason) => Failed(new HandlingFailure(ErrorCodes.MalformedMessage, reason));

    private static IntakeResult Failed(HandlingFailure failure) => new(new DeliveryOutcome.Failed(failure));
}
