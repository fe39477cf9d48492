using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator;

/// <summary>What main does with the records of its four topics: reads them, refuses what is bad, and hands the rest to the router.</summary>
internal sealed class RecordHandler(
    Topics topics,
    SagaRouter router,
    RequestReader requests,
    RequestRules rules,
    RejectionSender rejections,
    KnownRequests known,
    HomePartitions home,
    ISagaStore store,
    DatabaseClock clock,
    MemoryBudget memory,
    ILogger<RecordHandler> logger) : IRecordBatchHandler
{
    public async Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation)
    {
        // What was read weighs many times its bytes, and inputs of calls are brought from the store: so much at a time.
        var items = new List<WorkItem>(batch.Count);
        var weight = 0L;
        foreach (var entry in batch)
        {
            if (entry.IsCompleted)
            {
                continue;
            }

            var next = JsonWeight.Handled(entry.Record.Value);
            if (items.Count > 0 && weight + next > memory.Batch)
            {
                await router.HandleAsync(items, cancellation);
                (items, weight) = ([], 0);
            }

            var (item, brought) = await ReadAsync(entry, cancellation);
            if (item is not null)
            {
                items.Add(item);
                weight += next + brought;
            }
        }

        await router.HandleAsync(items, cancellation);
    }

    public Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation) =>
        home.AssignedAsync(partitions, cancellation);

    public void Revoked(IReadOnlyCollection<int> partitions) => home.Revoked(partitions);

    // The message, and the weight of what was brought for it from the store.
    private async ValueTask<(WorkItem? Item, long Brought)> ReadAsync(BatchEntry entry, CancellationToken cancellation)
    {
        var topic = entry.Record.Topic;
        try
        {
            if (topic == topics.Requests)
            {
                return (await ReadRequestAsync(entry, cancellation), 0);
            }

            if (topic == topics.EffectResponses || topic == topics.WorkerResponses)
            {
                return (ReadResult(entry), 0);
            }

            return await ReadSagaMessageAsync(entry, cancellation);
        }
        catch (StoreUnavailableException)
        {
            throw;
        }
        catch (Exception failure) when (MemoryShortage.Is(failure))
        {
            throw;
        }
#pragma warning disable CA1031 // One record that cannot be read must hold up no other.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            Log.RecordUnreadable(logger, topic, failure);
            entry.Complete(new RecordOutcome.Dead(ErrorCodes.HandlingFailed, failure.Message, failure.GetType().Name, null));
        }

        return (null, 0);
    }

    private async ValueTask<WorkItem?> ReadRequestAsync(BatchEntry entry, CancellationToken cancellation)
    {
        var (read, rejection) = requests.Read(entry.Record);
        if (read is not null)
        {
            var now = clock.Now;
            (var accepted, rejection) = rules.Accept(read, Guid.CreateVersion7(now), entry.Record.Partition, now);
            if (accepted is not null)
            {
                return WorkItem.Of(accepted, entry);
            }

            if (await known.FindAsync(rejection!.Requester, cancels: false, entry, caller: null, cancellation) is { IsKnown: true, Item: var item })
            {
                return item;
            }
        }

        _ = rejections.AnswerAsync(entry, rejection!, dead: true, cancellation);
        return null;
    }

    // What sagas say to each other.
    private async ValueTask<(WorkItem? Item, long Brought)> ReadSagaMessageAsync(BatchEntry entry, CancellationToken cancellation)
    {
        var message = ResultReader.ReadSagaMessage(entry.Record.Value, out var problem);
        if (message is { Result: { } result })
        {
            return (Of(result, entry), 0);
        }

        if (message is not { Call: { } call })
        {
            entry.Complete(new RecordOutcome.Dead(
                ErrorCodes.MalformedMessage, $"The record is nothing that sagas say to each other: {problem ?? "it has neither 'call' nor 'result'."}",
                "MalformedMessage", null));
            return (null, 0);
        }

        var brought = 0L;
        var input = call.Input ?? RawJson.EmptyObject;
        if (call.InputRef is { } reference && (await store.LoadPayloadsAsync([reference], cancellation)).TryGetValue(reference, out var stored))
        {
            input = stored.Content;
            brought = JsonWeight.Handled(input.Utf8.Span);
        }

        var now = clock.Now;
        var (accepted, rejection) = rules.AcceptCall(call, input, $"{entry.Record.Topic}/{entry.Record.Partition}/{entry.Record.Offset}", Guid.CreateVersion7(now), entry.Record.Partition, now);
        if (accepted is { } facts)
        {
            return (new WorkItem(new SagaStarted { SagaId = facts.SagaId, CausedBy = call.CommandId, Facts = facts, CancelledBeforeStart = call.Cancels }, entry), brought);
        }

        if (await known.FindAsync(rejection!.Requester, call.Cancels, entry, caller: null, cancellation) is { IsKnown: true, Item: var item })
        {
            return (item, brought);
        }

        _ = rejections.AnswerAsync(entry, rejection, dead: !call.Awaits, cancellation);
        return (null, 0);
    }

    private static WorkItem? ReadResult(BatchEntry entry)
    {
        if (ResultReader.Read(entry.Record.Value, out var problem) is { } result)
        {
            return Of(result, entry);
        }

        entry.Complete(new RecordOutcome.Dead(
            ErrorCodes.MalformedMessage, $"The record is no result of a role: {problem ?? "it is null."}", "MalformedMessage", null));
        return null;
    }

    /// <summary>A result on its way to its saga.</summary>
    public static WorkItem Of(StepResult result, BatchEntry? entry, TaskCompletionSource<WorkOutcome>? caller = null) => new(
        ResultReader.ToEvent(result, Identity.Result(result.CommandId, result.Attempt, result.Outcome)), entry)
    {
        ResultRef = result.ResultRef,
        Caller = caller,
    };
}
