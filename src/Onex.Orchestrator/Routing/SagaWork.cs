using Onex.Contracts.Messages;
using Onex.Orchestrator.Engine;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Responses;
using Onex.Orchestrator.Storage;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>One saga in one commit: what was read of it, and the transitions that were decided on top of each other, all or none.</summary>
internal sealed class SagaWork(Guid sagaId, PlanPipe? pipe, SagaState? saga, long version)
{
    // What is larger than this does not travel: it is stored, and a reference travels.
    private const int TravellingBytesMax = 64 * 1024;

    private readonly List<HistoryEntry> _history = [];
    private readonly List<OutgoingMessage> _outgoing = [];
    private readonly List<SagaPayload> _payloads = [];
    private readonly List<Guid> _joined = [];
    private Guid _transitionId;

    public Guid SagaId { get; } = sagaId;

    public PlanPipe? Pipe { get; } = pipe;

    /// <summary>The saga after what was decided so far; null before a start.</summary>
    public SagaState? Saga { get; private set; } = saga;

    /// <summary>The version that was read; 0 if there is no such row.</summary>
    public long ReadVersion { get; } = version;

    /// <summary>The version after what was decided so far.</summary>
    public long Version { get; private set; } = version;

    /// <summary>The messages that were decided.</summary>
    public List<WorkItem> Items { get; } = [];

    public IReadOnlyList<OutgoingMessage> Outgoing => _outgoing;

    /// <summary>Takes a decision in.</summary>
    public void Apply(Decision decision, SagaEvent message, MessageWriter messages)
    {
        Version++;
        _transitionId = Identity.Transition(SagaId, Version, message.CausedBy);
        if (message is RequestJoined joined)
        {
            _joined.Add(joined.Waiter.Asker.RequestId);
        }

        var before = Saga;
        Saga = decision.State;
        var ordinal = 0;
        foreach (var note in decision.History)
        {
            _history.Add(new HistoryEntry(Version, ordinal++, note.At, note.Kind, note.State, note.Step, note.Detail));
        }

        var messageOrdinal = 0;
        foreach (var command in decision.Commands)
        {
            var argumentsRef = command.Arguments.Utf8.Length > TravellingBytesMax ? Store($"arguments:{command.CommandId}", command.Arguments) : null;
            _outgoing.Add(messages.Command(
                Saga, command, argumentsRef, Identity.Message(_transitionId, messageOrdinal++), Saga.UpdatedAt));
        }

        foreach (var answer in decision.Answers)
        {
            _outgoing.Add(messages.Response(SagaId, answer, Identity.Message(_transitionId, messageOrdinal++), Saga.UpdatedAt));
        }

        if (before?.EndedAt is null && Saga is { EndedAt: not null, Output: { } output })
        {
            Store("output", output);
        }
    }

    /// <summary>What is to be committed of it.</summary>
    public CommitEntry ToEntry()
    {
        if (Saga is null || Version == ReadVersion)
        {
            return new CommitEntry.Check(SagaId, ReadVersion);
        }

        var row = SagaRows.ToRow(Saga, Version, _transitionId);
        if (ReadVersion > 0)
        {
            return new CommitEntry.Move(row, ReadVersion, _history, _outgoing, _payloads) { JoinedRequests = _joined };
        }

        if (ValueJson.TryWrite(Saga.Facts.Input, out var input, out _))
        {
            Store("input", input);
        }

        return new CommitEntry.Start(row, _history, _outgoing, _payloads);
    }

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
