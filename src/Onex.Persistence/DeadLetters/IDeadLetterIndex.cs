namespace Onex.Persistence.DeadLetters;

/// <summary>An index of what went to dead-letter topics, and the values that were too large for them.</summary>
public interface IDeadLetterIndex
{
    /// <summary>Adds an entry. Adding one twice is harmless: its id is derived from the record's position.</summary>
    Task AddAsync(DeadLetterRow row, CancellationToken cancellation);
}

/// <summary>A row of <c>dead_letters</c>.</summary>
/// <param name="Id">Derived from the record's position.</param>
/// <param name="Topic">The topic that it was read from.</param>
/// <param name="Partition">The partition.</param>
/// <param name="Offset">The offset.</param>
/// <param name="Code">Why, as a code.</param>
/// <param name="Reason">Why, for people.</param>
/// <param name="CorrelationId">Where one can be read.</param>
/// <param name="Value">bytea: the value, where it is too large for the topic; otherwise null.</param>
/// <param name="At">When it was given up.</param>
public sealed record DeadLetterRow(
    Guid Id, string Topic, int Partition, long Offset, string Code, string Reason, Guid? CorrelationId, byte[]? Value, DateTimeOffset At);
