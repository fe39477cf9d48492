using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Running;

namespace Onex.Effects.Operations;

/// <summary>What an operation knows about the attempt that it is.</summary>
/// <param name="Operation">The operation's name: a class may run several.</param>
/// <param name="CommandId">The same on every delivery and every attempt: the idempotency key.</param>
/// <param name="CorrelationId">The correlation id of the saga's request.</param>
/// <param name="TraceParent">W3C trace context.</param>
/// <param name="TraceState">Its vendor part, or null.</param>
/// <param name="Connection">The outside system to go through, or null if the step names none.</param>
/// <param name="Timeout">The attempt's run time, at whose end it is cancelled.</param>
/// <param name="Record">Where the outcome will be recorded.</param>
internal sealed record EffectContext(
    string Operation,
    CommandId CommandId,
    Guid CorrelationId,
    string TraceParent,
    string? TraceState,
    Connection? Connection,
    TimeSpan Timeout,
    AttemptRecord Record)
{
    /// <summary>Whether the attempt has left: until then it cannot have happened, however it ends.</summary>
    public AttemptProgress Progress { get; } = new();

    /// <summary>Where room for the result is made before it is read.</summary>
    public ResultRoom.Place Room { get; init; } = ResultRoom.Unbounded.Begin();
}

/// <summary>How far an attempt has come, for when it ends without an answer.</summary>
internal sealed class AttemptProgress
{
    private volatile bool _sent;
    private volatile bool _connected;

    /// <summary>Whether it came to the other end: what is rejected before says nothing about the system at the other end.</summary>
    public bool HasConnected => _connected || _sent;

    /// <summary>Whether it is unknown from here on whether it happens.</summary>
    public bool IsSent => _sent;

    /// <summary>How far an attempt came that breaks off now.</summary>
    public AttemptReach Reach => IsSent ? AttemptReach.Sent : AttemptReach.NotSent;

    /// <summary>To be called where the other end is known to answer before anything is sent that may make it happen.</summary>
    public void Connect() => _connected = true;

    /// <summary>To be called before the first byte leaves, or before the commit, that may make it happen.</summary>
    public void Send() => _sent = true;
}

/// <summary>What came of an attempt, classified coarsely: main applies the contract's own rules.</summary>
/// <param name="Outcome">One of <see cref="StepOutcomes"/>.</param>
/// <param name="Result">What the other side answered, if it did.</param>
/// <param name="Code">The reason's code, unless completed.</param>
/// <param name="Message">The reason for people, unless completed. Holds no secrets.</param>
/// <param name="RetryAfter">The other side's wish for when to try again.</param>
/// <param name="Reach">How far it came.</param>
internal sealed record EffectOutcome<TResult>(
    string Outcome, TResult? Result, string? Code, string? Message, TimeSpan? RetryAfter, AttemptReach Reach)
    where TResult : class
{
    /// <summary>See <see cref="StepResult.Unparsed"/>.</summary>
    public string? Unparsed { get; init; }

    /// <summary>It happened.</summary>
    public static EffectOutcome<TResult> Completed(TResult result) => new(StepOutcomes.Completed, result, null, null, null, AttemptReach.Done);

    /// <summary>A final "no" before anything was sent.</summary>
    public static EffectOutcome<TResult> Rejected(string code, string message) =>
        new(StepOutcomes.Rejected, null, code, message, null, AttemptReach.NotSent);

    /// <summary>A final "no" of the service.</summary>
    public static EffectOutcome<TResult> Refused(string code, string message, TResult? result = null) =>
        new(StepOutcomes.Rejected, result, code, message, null, AttemptReach.Answered);

    /// <summary>Unknown or transient.</summary>
    public static EffectOutcome<TResult> Failed(
        AttemptReach reach, string code, string message, TResult? result = null, TimeSpan? retryAfter = null) =>
        new(StepOutcomes.Failed, result, code, message, retryAfter, reach);
}

/// <summary>The same with the result as JSON, as it is recorded and sent.</summary>
internal sealed record AttemptOutcome(
    string Outcome, RawJson? Result, string? Code, string? Message, TimeSpan? RetryAfter, AttemptReach Reach)
{
    /// <summary>Whether it was rejected before its connection was reached, which says nothing about the system at the other end.</summary>
    public bool IsUntried { get; init; }

    /// <summary>See <see cref="StepResult.Unparsed"/>.</summary>
    public string? Unparsed { get; init; }

    public static AttemptOutcome Rejected(string code, string message) =>
        new(StepOutcomes.Rejected, null, code, message, null, AttemptReach.NotSent);

    public static AttemptOutcome Failed(AttemptReach reach, string code, string message, TimeSpan? retryAfter = null) =>
        new(StepOutcomes.Failed, null, code, message, retryAfter, reach);
}

/// <summary>One kind of touch on the outside world, as the runner calls it.</summary>
internal interface IEffectOperation
{
    /// <summary>Runs one attempt. Throws nothing for the other side's reasons; cancelled when the attempt's time is up.</summary>
    Task<AttemptOutcome> RunAsync(RawJson arguments, EffectContext context, CancellationToken cancellation);
}

/// <summary>
/// One kind of touch on the outside world. Carries <see cref="Contracts.Catalogue.OperationAttribute"/>; its constructor takes what it
/// needs from the role's services.
/// </summary>
internal abstract class EffectOperation<TArguments, TResult>(JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : IEffectOperation
    where TArguments : class
    where TResult : class
{
    /// <summary>Runs one attempt.</summary>
    protected abstract Task<EffectOutcome<TResult>> RunAsync(
        TArguments arguments, EffectContext context, CancellationToken cancellation);

    async Task<AttemptOutcome> IEffectOperation.RunAsync(RawJson arguments, EffectContext context, CancellationToken cancellation)
    {
        TArguments? typed;
        try
        {
            typed = JsonSerializer.Deserialize(arguments.Utf8.Span, argumentsType);
        }
        catch (JsonException exception)
        {
            // Only the path: what stands there may be a secret.
            return AttemptOutcome.Rejected("arguments_invalid", $"The arguments of {context.Operation} are wrong at {exception.Path}.");
        }

        if (typed is null)
        {
            return AttemptOutcome.Rejected("arguments_invalid", $"The arguments of {context.Operation} must be an object.");
        }

        var outcome = await RunAsync(typed, context, cancellation);
        return new AttemptOutcome(
            outcome.Outcome,
            outcome.Result is null ? null : new RawJson(JsonSerializer.SerializeToUtf8Bytes(outcome.Result, resultType)),
            outcome.Code,
            outcome.Message,
            outcome.RetryAfter,
            outcome.Reach)
        {
            Unparsed = outcome.Unparsed,
        };
    }
}
