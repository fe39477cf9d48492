using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;

namespace Onex.Orchestrator.Api;

/// <summary>
/// Bounds the memory of concurrent requests over HTTP, because reading one needs many times its bytes. A caller that waits too long gets an
/// error and calls again; a caller that sends too slowly keeps the memory for no longer than that.
/// </summary>
internal sealed class CallRoom(MemoryGate gate, TimeProvider time)
{
    private static readonly TimeSpan _turnWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _bodyWithin = TimeSpan.FromSeconds(30);

    /// <summary>Waits for a turn, reads the body and handles it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="bytesMax">The maximum size of the body.</param>
    /// <param name="read">Reads it.</param>
    /// <param name="take">Handles it.</param>
    /// <exception cref="CallException">There was no turn in time, or the body did not arrive in time.</exception>
    public async Task<TResult> TakeAsync<TBody, TResult>(
        ApiCall call, int bytesMax, Func<CancellationToken, Task<TBody>> read, Func<TBody, Task<TResult>> take)
    {
        using var place = await EnterAsync(call, Math.Min(call.Http.Request.ContentLength ?? bytesMax, bytesMax));
        return await take(await ReadAsync(call, read));
    }

    private async Task<IDisposable> EnterAsync(ApiCall call, long bytes)
    {
        using var late = new CancellationTokenSource(_turnWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, call.Aborted);
        try
        {
            return await gate.EnterAsync(JsonWeight.Handled(bytes), either.Token);
        }
        catch (OperationCanceledException) when (!call.Aborted.IsCancellationRequested)
        {
            throw new CallException(
                503,
                ErrorCodes.CallsTooMany,
                $"There was no memory for the request within {_turnWithin.TotalSeconds} s, because other requests are being read.",
                "Call again in a while, with fewer large requests at a time, or send them to the topic.");
        }
    }

    private async Task<TBody> ReadAsync<TBody>(ApiCall call, Func<CancellationToken, Task<TBody>> read)
    {
        using var late = new CancellationTokenSource(_bodyWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, call.Aborted);
        try
        {
            return await read(either.Token);
        }
        catch (OperationCanceledException) when (!call.Aborted.IsCancellationRequested)
        {
            throw new CallException(
                408,
                ErrorCodes.CallInvalid,
                $"The body did not arrive within {_bodyWithin.TotalSeconds} s.",
                "Send it faster, or a reference instead of the data.");
        }
    }
}
