using System.Security.Cryptography;
using System.Text;
using Onex.Engine;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>Creates rows like those that the engine writes.</summary>
public static class Rows
{
    /// <summary>A time that every database stores exactly.</summary>
    public static DateTimeOffset Now { get; } =
        DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds());

    public static NewId Id() => new(Guid.CreateVersion7(TimeProvider.System.GetUtcNow()));

    public static string Key() => $"key-{Id()}";

    public static SagaRow New()
    {
        var id = Id();
        return new SagaRow
        {
            Id = id,
            Contract = "order",
            ContractVersion = "1",
            ContractHash = "abc",
            CorrelationId = Id(),
            RequestId = Id(),
            Source = $"requests/0/{id.Value:N}",
            State = "reserving",
            Status = SagaStatus.Running,
            Data = RawJson.EmptyObject,
            Progress = RawJson.EmptyObject,
            HomePartition = 0,
            Version = 1,
            LastTransitionId = Id(),
            StartedAt = Now,
            UpdatedAt = Now,
        };
    }

    public static SagaRow Next(SagaRow row) =>
        row with { Version = row.Version + 1, LastTransitionId = Id(), UpdatedAt = row.UpdatedAt.AddMilliseconds(5) };

    public static SagaRow Ended(SagaRow row) =>
        Next(row) with { State = "done", Status = SagaStatus.Completed, EndedAt = Now, NextWakeupAt = null, Parked = false };

    public static CommitEntry Start(SagaRow row) => new CommitEntry.Start(row, [Happened(row)], [], []);

    public static CommitEntry.Transition Transition(SagaRow from, SagaRow to) => new(to, from.Version, [Happened(to)], [], []);

    public static HistoryEntry Happened(SagaRow row) => new(row.Version, 0, row.UpdatedAt, "state_entered", row.State, null, null);

    public static OutgoingMessage Message(string text) => new()
    {
        MessageId = Id(),
        Topic = "effect-requests",
        Key = text,
        Value = Encoding.UTF8.GetBytes($"{{\"text\":\"{text}\"}}"),
        Headers = MessageHeaders.Empty.With("source", "onex-main"),
    };

    /// <summary>An early event with the correlation id of a saga.</summary>
    public static EarlyEvent Early(SagaRow row) => new()
    {
        MessageId = Id(),
        Contract = row.Contract,
        Event = "paid",
        CorrelationId = row.CorrelationId,
        Content = RawJson.FromText("""{"amount":12.50}"""),
        ReceivedAt = Now,
        ExpiresAt = Now.AddHours(1),
    };

    public static EventAddress Address(SagaRow row) => new(Id(), row.Contract, row.CorrelationId, null, null);

    public static SagaPayload Payload(SagaRow row, string name) =>
        new(new Guid(SHA256.HashData(Encoding.UTF8.GetBytes($"{row.Id}/{name}")).AsSpan(0, 16)), row.Id, name, RawJson.EmptyObject);
}

/// <summary>A new id, which can be used as an id of any kind.</summary>
public readonly record struct NewId(Guid Value)
{
    public static implicit operator Guid(NewId id) => id.Value;

    public static implicit operator SagaId(NewId id) => new(id.Value);

    public static implicit operator CommandId(NewId id) => new(id.Value);

    public static implicit operator MessageId(NewId id) => new(id.Value);

    public override string ToString() => Value.ToString();
}
