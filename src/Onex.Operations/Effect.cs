using System.Text.Json;

namespace Onex.Operations;

/// <summary>
/// Base class of an effect: external I/O. The class is public, has an <see cref="OperationAttribute"/>, and a constructor without
/// parameters or with a <see cref="TimeProvider"/>. One instance runs all attempts, several at a time.
/// </summary>
/// <typeparam name="TArguments">A record whose properties have an <see cref="ArgumentAttribute"/>.</typeparam>
/// <typeparam name="TResult">A record whose properties have a <see cref="ResultAttribute"/>.</typeparam>
public abstract class Effect<TArguments, TResult> : IEffect
    where TArguments : class
    where TResult : class
{
    /// <summary>
    /// Runs one attempt, and returns its outcome with one of the methods below. An <see cref="OperationRejectedException"/> counts as
    /// <see cref="Refused"/>, an exception of the connection's HTTP client is classified as in <c>http.*</c>, and any other exception is a
    /// failure, which is retried. The token is cancelled at the attempt's timeout.
    /// </summary>
    protected abstract Task<EffectOutcome<TResult>> RunAsync(TArguments arguments, EffectContext context, CancellationToken cancellation);

    /// <summary>It took effect.</summary>
    protected static EffectOutcome<TResult> Completed(TResult result) => EffectOutcome<TResult>.Completed(result);

    /// <summary>A final "no" before anything was sent. It is never retried.</summary>
    /// <param name="code">The code that contracts catch.</param>
    /// <param name="message">The reason for people, without secrets.</param>
    protected static EffectOutcome<TResult> Rejected(string code, string message) => EffectOutcome<TResult>.Rejected(code, message);

    /// <summary>A final "no" of the external system. It is never retried.</summary>
    /// <param name="code">The code that contracts catch.</param>
    /// <param name="message">The reason for people, without secrets.</param>
    /// <param name="result">The response, or null.</param>
    protected static EffectOutcome<TResult> Refused(string code, string message, TResult? result = null) =>
        EffectOutcome<TResult>.Refused(code, message, result);

    /// <summary>A failure, which the step's policy retries: transient, or it is unknown whether the attempt took effect.</summary>
    /// <param name="reach">How far the attempt came.</param>
    /// <param name="code">The code of the reason.</param>
    /// <param name="message">The reason for people, without secrets.</param>
    /// <param name="result">The response, or null.</param>
    /// <param name="retryAfter">The delay that the external system requests before the next attempt, or null.</param>
    protected static EffectOutcome<TResult> Failed(
        AttemptReach reach, string code, string message, TResult? result = null, TimeSpan? retryAfter = null) =>
        EffectOutcome<TResult>.Failed(reach, code, message, result, retryAfter);

    async Task<EffectOutcome<byte[]>> IEffect.RunAsync(
        ReadOnlyMemory<byte> arguments, EffectContext context, CancellationToken cancellation)
    {
        TArguments typed;
        try
        {
            typed = OperationJson.Read<TArguments>(arguments.Span);
        }
        catch (OperationRejectedException rejected)
        {
            return EffectOutcome<byte[]>.Rejected(rejected.Code, rejected.Message);
        }

        var outcome = await RunClassifiedAsync(typed, context, cancellation).ConfigureAwait(false);
        if (outcome is null or { Status: EffectStatus.Completed, Result: null })
        {
            throw new InvalidOperationException($"{context.Operation} returned null.");
        }

        try
        {
            return new EffectOutcome<byte[]>(
                outcome.Status,
                outcome.Result is { } result ? JsonSerializer.SerializeToUtf8Bytes(result, OperationJson.Options) : null,
                outcome.Code, outcome.Message, outcome.RetryAfter, outcome.Reach);
        }
#pragma warning disable CA1031 // Whatever the serializer throws, the effect has happened.
        catch (Exception failure) when (outcome.Status == EffectStatus.Completed)
#pragma warning restore CA1031
        {
            return EffectOutcome<byte[]>.Failed(
                AttemptReach.Done, "result_invalid", $"The result cannot be written as JSON: {failure.GetType().Name}.");
        }
    }

    // Classifies exceptions. HttpResponseMessage.EnsureSuccessStatusCode throws one for an unsuccessful status.
    private async Task<EffectOutcome<TResult>> RunClassifiedAsync(
        TArguments arguments, EffectContext context, CancellationToken cancellation)
    {
        try
        {
            return await RunAsync(arguments, context, cancellation).ConfigureAwait(false);
        }
        catch (OperationRejectedException rejected)
        {
            return Refused(rejected.Code, rejected.Message);
        }
        catch (HttpRequestException exception) when ((int?)exception.StatusCode is { } status)
        {
            var (code, message) = (HttpStatuses.Code(status), $"The service answered {status}.");
            return HttpStatuses.Classify(status) == HttpAnswer.Failed
                ? Failed(HttpStatuses.ReachOf(status), code, message)
                : Refused(code, message);
        }
    }
}

/// <summary>An effect as the host calls it.</summary>
internal interface IEffect
{
    /// <summary>Runs one attempt; the result is JSON.</summary>
    Task<EffectOutcome<byte[]>> RunAsync(ReadOnlyMemory<byte> arguments, EffectContext context, CancellationToken cancellation);
}
