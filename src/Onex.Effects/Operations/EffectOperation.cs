using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Kafka.Producing;
using Onex.Operations;

namespace Onex.Effects.Operations;

/// <summary>The attempt that an operation executes.</summary>
/// <param name="Operation">The operation's name, because one class may implement several operations.</param>
/// <param name="CommandId">The idempotency key: the same in every delivery and attempt.</param>
/// <param name="CorrelationId">The correlation id of the saga's request.</param>
/// <param name="TraceParent">W3C trace context.</param>
/// <param name="TraceState">Its vendor part, or null.</param>
/// <param name="Connection">The connection, or null if the step names none.</param>
/// <param name="Timeout">The time limit, after which the attempt is cancelled.</param>
/// <param name="Record">Records the outcome.</param>
internal sealed record AttemptContext(
    string Operation,
    CommandId CommandId,
    Guid CorrelationId,
    string TraceParent,
    string? TraceState,
    Connection? Connection,
    TimeSpan Timeout,
    AttemptRecord Record)
{
    public SagaId SagaId { get; init; }

    /// <summary>The number of the attempt, from 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>
    /// Ends the attempt without an outcome, because the process stops. The token of the operation is then cancelled too, as it is at the
    /// time limit.
    /// </summary>
    public CancellationToken Stopping { get; init; }

    /// <summary>How far the attempt has come. Before anything was sent, it cannot have taken effect.</summary>
    public AttemptProgress Progress { get; } = new();

    /// <summary>The maximum size of a result in bytes.</summary>
    public int LargestResult => Math.Min(ValueText.ResultBytesMax, Memory.Largest);

    /// <summary>Begins the reports of progress, which end when the result is disposed of; the result is null if none are sent.</summary>
    public Func<RunReports?> BeginReports { get; init; } = () => null;

    /// <summary>Reserves memory for the result before it is read.</summary>
    public ResultMemory.Reservation Memory { get; init; } = ResultMemory.Unbounded.Begin();
}

/// <summary>How far an attempt has come, in case it ends without a response.</summary>
internal sealed class AttemptProgress
{
    private volatile bool _isSent;
    private volatile bool _isConnected;

    /// <summary>Whether it reached the external system, or may have. A rejection before that says nothing about the system.</summary>
    public bool HasConnected => _isConnected || _isSent;

    /// <summary>Whether it was sent: from here on it is unknown whether it takes effect.</summary>
    public bool IsSent => _isSent;

    /// <summary>How far the attempt came if it is interrupted now.</summary>
    public AttemptReach Reach => IsSent ? AttemptReach.Sent : AttemptReach.NotSent;

    /// <summary>Call once the external system is reached, before anything is sent that may take effect.</summary>
    public void MarkConnected() => _isConnected = true;

    /// <summary>Call before the first byte, or the commit, that may take effect.</summary>
    public void MarkSent() => _isSent = true;

    /// <summary>Call when the external system has answered that it did nothing, before the request is sent again.</summary>
    public void MarkUnsent() => (_isConnected, _isSent) = (true, false);
}

/// <summary>The outcome with its result as JSON, as it is recorded and sent.</summary>
internal sealed record AttemptOutcome(
    string Outcome, RawJson? Result, string? Code, string? Message, TimeSpan? RetryAfter, AttemptReach Reach)
{
    /// <summary>Whether the attempt ended before it tried to reach the external system, so it says nothing about that system.</summary>
    public bool IsUntried { get; init; }

    /// <summary>
    /// The connection that kept the attempt from beginning, or null: a Vault whose secret the arguments need, or the attempt's own
    /// connection while a secret of it is not known yet. If that connection has a circuit breaker, the command waits for it.
    /// </summary>
    public string? WaitsFor { get; init; }

    /// <summary>An outcome from which a circuit breaker sees that the external system works.</summary>
    public static AttemptOutcome Works { get; } = new(StepOutcomes.Completed, null, null, null, null, AttemptReach.Done);

    /// <summary>See <see cref="StepResult.Unparsed"/>.</summary>
    public string? Unparsed { get; init; }

    /// <summary>The outcome of an operation, with its result as JSON.</summary>
    public static AttemptOutcome From<TResult>(EffectOutcome<TResult> outcome, RawJson? result)
        where TResult : class =>
        new(
            outcome.Status switch
            {
                EffectStatus.Completed => StepOutcomes.Completed,
                EffectStatus.Rejected => StepOutcomes.Rejected,
                _ => StepOutcomes.Failed,
            },
            result, outcome.Code, outcome.Message, outcome.RetryAfter, outcome.Reach)
        {
            Unparsed = outcome.Unparsed,
        };

    public static AttemptOutcome Rejected(string code, string message) =>
        new(StepOutcomes.Rejected, null, code, message, null, AttemptReach.NotSent);

    public static AttemptOutcome Failed(AttemptReach reach, string code, string message, TimeSpan? retryAfter = null) =>
        new(StepOutcomes.Failed, null, code, message, retryAfter, reach);
}

/// <summary>An effect operation as the runner calls it.</summary>
internal interface IEffectOperation
{
    /// <summary>Runs one attempt, cancelled at its timeout. Problems of the external system are outcomes, not exceptions.</summary>
    Task<AttemptOutcome> RunAsync(RawJson arguments, AttemptContext context, CancellationToken cancellation);
}

/// <summary>
/// Base class of the effect operations of Onex itself. A subclass has <see cref="OperationAttribute"/>, and a constructor whose parameters
/// are services of the role.
/// </summary>
internal abstract class EffectOperation<TArguments, TResult>(JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : IEffectOperation
    where TArguments : class
    where TResult : class
{
    protected abstract Task<EffectOutcome<TResult>> RunAsync(
        TArguments arguments, AttemptContext context, CancellationToken cancellation);

    async Task<AttemptOutcome> IEffectOperation.RunAsync(RawJson arguments, AttemptContext context, CancellationToken cancellation)
    {
        TArguments? typed;
        try
        {
            typed = JsonSerializer.Deserialize(arguments.Utf8.Span, argumentsType);
        }
        catch (JsonException exception)
        {
            // Only the path, because the value may be a secret.
            return AttemptOutcome.Rejected(
                StepCodes.ArgumentsInvalid, $"The arguments of {context.Operation} are invalid at {exception.Path}.");
        }

        if (typed is null)
        {
            return AttemptOutcome.Rejected(StepCodes.ArgumentsInvalid, $"The arguments of {context.Operation} must be an object.");
        }

        var outcome = await RunAsync(typed, context, cancellation);
        return AttemptOutcome.From(
            outcome, outcome.Result is null ? null : new RawJson(JsonSerializer.SerializeToUtf8Bytes(outcome.Result, resultType)));
    }
}
