using System.Collections.Immutable;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Records what has been decided so far on one message to the saga: the saga as it is now, and what follows.</summary>
internal sealed class DecisionBuilder(Plan plan, SagaState saga, DateTimeOffset now)
{
    private List<CommandToSend>? _commands;
    private List<Answer>? _answers;
    private List<HistoryNote>? _history;
    private List<DeclinedEvent>? _declined;
    private List<MessageId>? _seen;
    private List<EventToPublish>? _published;
    private List<SagaItem>? _items;

    public Plan Plan { get; } = plan;

    public DateTimeOffset Now { get; } = now;

    public IPlanObserver? Observer { get; init; }

    public SagaState Saga { get; set; } = saga;

    public SagaState Before { get; } = saga;

    public ImmutableArray<CommandToCancel> Cancelled { get; set; } = [];

    public PlanFacts Facts { get; } = PlanFacts.For(plan);

    public StatePlan State => Plan.State(Saga.State);

    public int StatesEntered { get; set; }

    /// <summary>Whether anything was recorded in the history, so that the saga has changed.</summary>
    public bool HasNotes => _history is not null;

    public Decision Build() => new(Saga, true, All(_commands), All(_answers), All(_history))
    {
        Declined = All(_declined),
        Seen = All(_seen),
        Published = All(_published),
        Items = All(_items),
        Cancelled = Cancelled,
    };

    /// <summary>The decision if the saga does not change. Senders of declined events may still be answered.</summary>
    public Decision Nothing(SagaState unchanged) => Decision.Nothing(unchanged) with { Declined = All(_declined) };

    public void Note(HistoryKind kind, string? step = null, params ReadOnlySpan<(string Name, HistoryValue Value)> detail) =>
        (_history ??= []).Add(new HistoryNote(kind, Saga.State, step, Now, Json(detail)));

    public void AddCommand(CommandToSend command) => (_commands ??= []).Add(command);

    public void Answer(Answer answer) => (_answers ??= []).Add(answer);

    public void Publish(EventToPublish published) => (_published ??= []).Add(published);

    public void Store(SagaItem item) => (_items ??= []).Add(item);

    /// <summary>Whether this decision has stored the item of that command, last with that outcome.</summary>
    public bool WasStoredAs(CommandId commandId, SagaItemStatus outcome) =>
        _items?.FindLast(item => item.CommandId == commandId)?.Status == outcome;

    public void Decline(DeclinedEvent declined) => (_declined ??= []).Add(declined);

    public void RecordSeen(MessageId messageId) => (_seen ??= []).Add(messageId);

    public void SetFault(Fault fault)
    {
        Saga = Saga with { Fault = fault };
        Note(HistoryKind.Faulted, fault.Step, ("code", fault.Code), ("message", fault.Message));
    }

    /// <summary>Blocks the saga until an operator acts. A command that is outstanding stays so: its outcome may still arrive.</summary>
    public void Block(
        BlockedBy kind, string reason, string? step = null, Outstanding? command = null, string? code = null, string? failure = null)
    {
        if (command is not null)
        {
            Replace(command with { Phase = AttemptPhase.Stuck });
        }

        var blockage = new Blockage(kind, step, command?.CommandId, command?.RetryPass ?? 0, Now, reason)
        {
            Item = command?.Item,
            Code = code,
            Failure = failure,
        };
        Saga = Saga with { Blockages = Saga.Blockages.Add(blockage) };
        Note(HistoryKind.Blocked, step, ("reason", reason));
    }

    public void Unblock(Predicate<Blockage> which)
    {
        if (!Saga.Blockages.IsEmpty)
        {
            Saga = Saga with { Blockages = Saga.Blockages.RemoveAll(which) };
        }
    }

    public void Replace(Outstanding command) => Saga = Saga with
    {
        Outstanding = [.. Saga.Outstanding.Select(other => other.CommandId == command.CommandId ? command : other)],
    };

    public void Remove(Outstanding command) => Saga = Saga with
    {
        Outstanding = Saga.Outstanding.RemoveAll(other => other.CommandId == command.CommandId),
    };

    /// <summary>
    /// Resets the counters of repeated entries into states (<see cref="Cycles"/>), because an event, a timer, a wait or an operator came in
    /// between.
    /// </summary>
    public void ResetIdleEntries()
    {
        if (!Saga.Idle.IsEmpty)
        {
            Saga = Saga with { Idle = Saga.Idle.Clear() };
        }
    }

    private static ImmutableArray<T> All<T>(List<T>? items) => items is null ? [] : [.. items];

    private static RawJson? Json(ReadOnlySpan<(string Name, HistoryValue Value)> detail)
    {
        if (detail.IsEmpty)
        {
            return null;
        }

        using var rented = RentedJsonWriter.Rent();
        var writer = rented.Writer;
        writer.WriteStartObject();
        foreach (var (name, value) in detail)
        {
            if (name != "progress" || !value.IsEmpty) // an attempt without a report has none
            {
                value.Write(writer, name);
            }
        }

        writer.WriteEndObject();
        return rented.ToJson();
    }
}
