namespace Onex.Operations;

/// <summary>The outcome of an attempt of an effect. The orchestrator applies the contract's rules to it.</summary>
/// <typeparam name="TResult">The record of the result.</typeparam>
public sealed record EffectOutcome<TResult>
    where TResult : class
{
    internal EffectOutcome(
        EffectStatus status, TResult? result, string? code, string? message, TimeSpan? retryAfter, AttemptReach reach) =>
        (Status, Result, Code, Message, RetryAfter, Reach) = (status, result, code, message, retryAfter, reach);

    /// <summary>Whether it took effect, was rejected for good, or failed.</summary>
    public EffectStatus Status { get; }

    /// <summary>The response, if there was one.</summary>
    public TResult? Result { get; }

    /// <summary>The code of the reason, unless completed.</summary>
    public string? Code { get; }

    /// <summary>The reason for people, unless completed. It must not contain secrets.</summary>
    public string? Message { get; }

    /// <summary>The delay that the external system requests before the next attempt, or null.</summary>
    public TimeSpan? RetryAfter { get; }

    /// <summary>How far the attempt came.</summary>
    public AttemptReach Reach { get; }

    /// <summary>Why the content of a response that has a status could not be read, or null.</summary>
    internal string? Unparsed { get; init; }

    /// <summary>It took effect.</summary>
    internal static EffectOutcome<TResult> Completed(TResult result) =>
        new(EffectStatus.Completed, result, null, null, null, AttemptReach.Done);

    /// <summary>Rejected before anything was sent.</summary>
    internal static EffectOutcome<TResult> Rejected(string code, string message) =>
        new(EffectStatus.Rejected, null, code, message, null, AttemptReach.NotSent);

    /// <summary>Rejected by the external system.</summary>
    internal static EffectOutcome<TResult> Refused(string code, string message, TResult? result = null) =>
        new(EffectStatus.Rejected, result, code, message, null, AttemptReach.Answered);

    /// <summary>Failed: the cause is transient, or it is unknown whether it took effect. The step's policy retries it.</summary>
    internal static EffectOutcome<TResult> Failed(
        AttemptReach reach, string code, string message, TResult? result = null, TimeSpan? retryAfter = null) =>
        new(EffectStatus.Failed, result, code, message, retryAfter, reach);
}

/// <summary>How an attempt of an effect ended.</summary>
public enum EffectStatus
{
    /// <summary>It took effect.</summary>
    Completed,

    /// <summary>A final "no", a business answer. It is never retried.</summary>
    Rejected,

    /// <summary>The cause is transient, or it is unknown whether it took effect. It is retried by the step's policy.</summary>
    Failed,
}
