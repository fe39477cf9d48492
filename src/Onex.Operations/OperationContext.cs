namespace Onex.Operations;

/// <summary>The attempt that an operation runs.</summary>
public abstract class OperationContext
{
    private protected OperationContext()
    {
    }

    /// <summary>The operation's name: a class may run several.</summary>
    public required string Operation { get; init; }

    /// <summary>The id of the command: the same in every delivery and attempt.</summary>
    public required Guid CommandId { get; init; }

    /// <summary>The number of the attempt, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The saga of the step.</summary>
    public required Guid SagaId { get; init; }

    /// <summary>The correlation id of the saga's request.</summary>
    public required Guid CorrelationId { get; init; }

    /// <summary>The time limit of the attempt, after which it is cancelled.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary>The clock. Tests replace it.</summary>
    public required TimeProvider Time { get; init; }

    internal Action<double?, string?> Progress { get; init; } = (_, _) => { };

    /// <summary>
    /// Reports that the operation makes progress, as often as it likes: the host sends at most one report a second. <c>onex sagas why</c>
    /// shows the last one, and so does the history if the attempt fails. Reports of a compute also keep the <c>heartbeat_timeout</c> of the
    /// step from ending the attempt.
    /// </summary>
    /// <param name="fraction">How much is done, from 0 to 1; null if it is not known.</param>
    /// <param name="text">What is being done, for people, without secrets; or null.</param>
    public void ReportProgress(double? fraction, string? text = null) =>
        Progress(fraction is { } done ? Math.Clamp(double.IsNaN(done) ? 0 : done, 0, 1) : null, text);
}

/// <summary>The attempt that a compute runs.</summary>
public sealed class ComputeContext : OperationContext
{
    internal ComputeContext()
    {
    }
}

/// <summary>The attempt that an effect runs.</summary>
public sealed class EffectContext : OperationContext
{
    internal EffectContext()
    {
    }

    /// <summary>
    /// The idempotency key: the same in every attempt. A service that recognises it does not repeat an effect. The HTTP client of the
    /// connection sends it in the header <c>Idempotency-Key</c>.
    /// </summary>
    public string IdempotencyKey => CommandId.ToString();

    /// <summary>Whether the command was run before, in this attempt or an earlier one, so that it may have taken effect.</summary>
    public required bool FollowsAttempt { get; init; }

    /// <summary>The connection that the step names.</summary>
    /// <exception cref="InvalidOperationException">The operation declares no type of connection, or the step names none.</exception>
    public OperationConnection Connection =>
        ConnectionOrNull ?? throw new InvalidOperationException($"The step that runs {Operation} names no connection.");

    /// <summary>The connection that the step names, or null.</summary>
    public OperationConnection? ConnectionOrNull { get; init; }

    internal Action Sending { get; init; } = () => { };

    /// <summary>
    /// Call this before the first byte or the commit that may take effect, unless the connection's HTTP client sends it. From then on a
    /// timeout or an exception leaves it unknown whether the attempt took effect. An operation that changes the world counts as having sent
    /// from its first session on with a connection of type <c>postgres</c>, and from the start without a connection.
    /// </summary>
    public void MarkSent() => Sending();
}
