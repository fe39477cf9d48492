using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// One saga in one commit: the state that was read, and the transitions that were decided on it. All transitions are committed, or none.
/// </summary>
internal sealed class SagaWork(SagaId sagaId, PlanMachine? machine, SagaState? saga, long version, SagaWeight inputWeight = default)
{
    private readonly List<HistoryEntry> _history = [];
    private readonly List<OutgoingMessage> _outgoing = [];
    private readonly List<SagaPayload> _payloads = [];
    private readonly List<DeadLetterRow> _deadLetters = [];
    private readonly List<SagaItem> _items = [];
    private readonly List<SeenMessage> _joinedRequests = [];
    private readonly List<SeenMessage> _seen = [];
    private CommitEntry? _entry;
    private Guid _transitionId;
    private SagaWeight _inputWeight = inputWeight;

    public SagaId SagaId { get; } = sagaId;

    /// <summary>When this work was created, before the decision; null if spans are not recorded.</summary>
    public DateTimeOffset? Began { get; } = Tracing.IsOn ? Tracing.Now : null;

    /// <summary>The saga that was read; null if there is none, or it cannot be read.</summary>
    public SagaState? InitialSaga { get; } = saga;

    public PlanMachine? Machine { get; } = machine;

    /// <summary>The saga after the decisions so far; null if there is none, or it cannot be read.</summary>
    public SagaState? Saga { get; private set; } = saga;

    /// <summary>The version that was read; 0 without a row.</summary>
    public long ReadVersion { get; } = version;

    public long Version { get; private set; } = version;

    /// <summary>Whether the saga exists, but cannot be read: its plan is missing, or see <see cref="UnreadableRow"/>.</summary>
    public bool IsUnreadable => Machine is null && ReadVersion > 0;

    /// <summary>The saga's row, and why it cannot be read; null if it can be, or if only the plan is missing.</summary>
    public (SagaRow Row, string Reason)? UnreadableRow { get; init; }

    public SagaWeight InputWeight => _inputWeight;

    /// <summary>The weight of the saga after the decisions so far; zero before the first decision.</summary>
    public SagaWeight Weight { get; private set; }

    public List<DecidedDelivery> DecidedDeliveries { get; } = [];

    public IReadOnlyList<OutgoingMessage> Outgoing => _outgoing;

    /// <summary>Whether the saga has handled or buffered that message in the decisions so far.</summary>
    public bool HasSeen(MessageId messageId) => FindSeen(messageId) is not null;

    /// <summary>The entry of a message that the saga has handled or buffered in the decisions so far, or null.</summary>
    public SeenMessage? FindSeen(MessageId messageId) => _seen.Find(seen => seen.MessageId == messageId);

    /// <summary>
    /// Adds a decision and builds everything that is to be committed for it. If that fails, restores the previous state and throws, so
    /// that only this message fails.
    /// </summary>
    public void Apply(Decision decision, SagaEvent message, MessageWriter messages)
    {
        var before = (Saga, Version, _transitionId);
        ReadOnlySpan<int> counts =
            [_history.Count, _outgoing.Count, _payloads.Count, _deadLetters.Count, _items.Count, _joinedRequests.Count, _seen.Count];
        try
        {
            Add(decision, message, messages);
            _entry = CreateEntry();
        }
        catch
        {
            (Saga, Version, _transitionId) = before;
            Truncate(_history, counts[0]);
            Truncate(_outgoing, counts[1]);
            Truncate(_payloads, counts[2]);
            Truncate(_deadLetters, counts[3]);
            Truncate(_items, counts[4]);
            Truncate(_joinedRequests, counts[5]);
            Truncate(_seen, counts[6]);
            throw;
        }

        static void Truncate<T>(List<T> list, int count) => list.RemoveRange(count, list.Count - count);
    }

    /// <summary>Blocks a saga with an unreadable row, with the reason and without a timer, unless it has ended or is blocked.</summary>
    public void BlockUnreadable(MessageId causedBy, DateTimeOffset now)
    {
        if (_entry is not null || UnreadableRow is not ({ EndedAt: null, Status: not SagaStatus.Blocked } row, var reason))
        {
            return;
        }

        _transitionId = Identity.Transition(SagaId, row.Version + 1, causedBy);
        var blocked = SagaRows.ToBlocked(row, reason, _transitionId, now);
        Version = blocked.Version;
        _entry = new CommitEntry.Transition(
            blocked,
            ReadVersion,
            [
                new HistoryEntry(
                    Version, 0, blocked.UpdatedAt, HistoryKind.Blocked.ToText(), row.State, null,
                    RowJson.Json(writer => writer.WriteString("reason", reason))),
            ],
            [],
            [])
        {
            WasParked = row.Parked,
        };
    }

    private void Add(Decision decision, SagaEvent message, MessageWriter messages)
    {
        Version++;
        _transitionId = Identity.Transition(SagaId, Version, message.CausedBy);
        if (message is RequestJoined joined)
        {
            _joinedRequests.Add(new SeenMessage(joined.Waiter.Requester.RequestId, joined.Waiter.Requester.RequestHash));
        }

        var before = Saga;
        Saga = decision.State;
        foreach (var seen in decision.Seen)
        {
            _seen.Add(new SeenMessage(seen, (message as ExternalEvent)?.Requester.RequestHash));
        }

        _items.AddRange(decision.Items);
        var ordinal = 0;
        foreach (var note in decision.History)
        {
            _history.Add(new HistoryEntry(Version, ordinal++, note.At, note.Kind.ToText(), note.State, note.Step, note.Detail));
        }

        var messageOrdinal = 0;
        foreach (var command in decision.Commands)
        {
            // A remote worker cannot read the database, so it always gets the arguments themselves. The engine limits their size.
            var argumentsRef = command.Topic is null && command.Arguments.Utf8.Length > MessageSizes.InlineMax
                ? Store($"arguments:{command.CommandId}", command.Arguments)
                : null;
            _outgoing.Add(messages.Command(
                Saga, command, argumentsRef, Identity.Message(_transitionId, messageOrdinal++), Saga.UpdatedAt));
        }

        foreach (var cancelled in decision.Cancelled)
        {
            _outgoing.Add(messages.Cancel(Saga, cancelled, Identity.Message(_transitionId, messageOrdinal++), Saga.UpdatedAt));
        }

        foreach (var published in decision.Published)
        {
            _outgoing.Add(MessageWriter.DomainEvent(Saga, published, Identity.Message(_transitionId, messageOrdinal++), Saga.UpdatedAt));
        }

        foreach (var answer in decision.Answers)
        {
            _outgoing.Add(messages.Response(SagaId, answer, Identity.Message(_transitionId, messageOrdinal++), Saga.UpdatedAt));
        }

        foreach (var declined in decision.Declined)
        {
            Decline(declined, messages, ref messageOrdinal);
        }

        if (before?.EndedAt is null && Saga is { EndedAt: not null, Output: { } output })
        {
            Store("output", output);
        }

        if (before?.Response is null && Saga.Response is { } response)
        {
            Store("response", response);
        }
    }

    public CommitEntry ToEntry() => _entry ?? new CommitEntry.Check(SagaId, ReadVersion);

    private CommitEntry CreateEntry()
    {
        var row = SagaRows.ToRow(Saga!, Version, _transitionId);
        Weight = _inputWeight + SagaWeight.From(row.Data, row.Progress);
        if (ReadVersion > 0)
        {
            return new CommitEntry.Transition(row, ReadVersion, _history, _outgoing, _payloads)
            {
                JoinedRequests = _joinedRequests,
                SeenMessages = _seen,
                BufferedEvents = Saga!.BufferedEvents.IsEmpty
                    ? []
                    :
                    [
                        .. Saga.BufferedEvents.Where(buffered => !HasBuffered(InitialSaga!, buffered))
                            .Select(buffered => EarlyEventRows.ToRow(Saga.Facts, buffered)),
                    ],
                ReleasedEvents = InitialSaga!.BufferedEvents.IsEmpty
                    ? []
                    :
                    [
                        .. InitialSaga.BufferedEvents.Where(buffered => !HasBuffered(Saga, buffered))
                            .Select(buffered => buffered.MessageId),
                    ],
                WasParked = InitialSaga.EndedAt is null && InitialSaga.Parked,
                DeadLetters = _deadLetters,
                Items = _items,
            };
        }

        // TryWrite fails for values that must not be sent. If another version of Onex accepted such an input, it is stored nevertheless.
        if (
            !ValueJson.TryWrite(Saga!.Facts.Input, out var input, out var problem)
                && !ValueJson.TryWriteStored(Saga!.Facts.Input, out input, out problem))
        {
            throw new InvalidOperationException($"The saga's input has no JSON form: {problem}");
        }

        Store("input", input);
        _inputWeight = SagaWeight.From(input);
        Weight = _inputWeight + SagaWeight.From(row.Data, row.Progress);
        return new CommitEntry.Start(row, _history, _outgoing, _payloads) { DeadLetters = _deadLetters, Items = _items };
    }

    private void Decline(DeclinedEvent declined, MessageWriter messages, ref int ordinal)
    {
        var rejection = declined.ToRejection(SagaId);
        var at = Saga!.UpdatedAt;
        _outgoing.Add(messages.Rejection(rejection, Identity.Message(_transitionId, ordinal++), at));
        if (declined.BecomesDeadLetter)
        {
            var request = EventDeadLetter.Request(declined.Requester, declined.Event.Data);
            var id = Identity.Message(_transitionId, ordinal++);

            // A buffered event was recorded as seen, so under its old identity a redriven one would be a duplicate. The new identity is
            // stored with the dead letter, so a second redrive of an accepted event is still a duplicate.
            var redriven = EventDeadLetter.Request(declined.Requester with { EnvelopeId = null }, declined.Event.Data);
            var row = messages.DeadEventRow(rejection, redriven, id.Value, at, identity: id.Value);
            _deadLetters.Add(row);
            var isLarge = request.Utf8.Length > MessageSizes.DeadLetterValueMax;
            _outgoing.Add(messages.DeadEvent(rejection, request, isLarge ? row.Id : null, id, at));
        }
    }

    private static bool HasBuffered(SagaState saga, BufferedEvent buffered) =>
        saga.BufferedEvents.Any(other => other.MessageId == buffered.MessageId);

    private Guid? Store(string name, RawJson content)
    {
        var id = Identity.Payload(SagaId, name);
        if (_payloads.TrueForAll(payload => payload.Id != id))
        {
            _payloads.Add(new SagaPayload(id, SagaId, name, content));
        }

        return id;
    }
}
