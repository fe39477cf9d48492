using Onex.Contracts.Messages;
using Onex.Kafka.Consuming;

namespace Onex.Orchestrator.Api;

/// <summary>
/// Bounds the memory of concurrent requests over HTTP, because reading one needs many times its bytes. Both waits have a time limit: a
/// caller that gets no memory in time gets an error and may call again; a caller that sends too slowly gets an error and loses the memory.
/// </summary>
internal sealed class CallMemory(MemoryGate gate, TimeProvider time)
{
    private static readonly TimeSpan _memoryTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _bodyTimeout = TimeSpan.FromSeconds(30);

    /// <summary>Waits for memory, then reads the body and handles it.</summary>
    /// <param name="call">The call.</param>
    /// <param name="bytesMax">The maximum size of the body.</param>
    /// <param name="read">Reads the body.</param>
    /// <param name="handle">Handles the body.</param>
    /// <exception cref="CallException">There was no memory in time, or the body did not arrive in time.</exception>
    public async Task<TResult> HandleAsync<TBody, TResult>(
        ApiCall call, int bytesMax, Func<CancellationToken, Task<TBody>> read, Func<TBody, Task<TResult>> handle)
    {
        using var memory = await EnterAsync(call, Math.Min(call.Http.Request.ContentLength ?? bytesMax, bytesMax));
        return await handle(await ReadAsync(call, read));
    }

    private async Task<IDisposable> EnterAsync(ApiCall call, long bytes)
    {
        using var timeout = new CancellationTokenSource(_memoryTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, call.Aborted);
        try
        {
            return await gate.EnterAsync(JsonWeight.Handled(bytes), linked.Token);
        }
        catch (OperationCanceledException) when (!call.Aborted.IsCancellationRequested)
        {
            throw new CallException(
                503,
                ErrorCodes.NotEnoughMemory,
                $"There was no memory for the request within {_memoryTimeout.TotalSeconds} s, because other requests are being read.",
                "Call again in a while, with fewer large requests at a time, or send them to the topic.");
        }
    }

    private async Task<TBody> ReadAsync<TBody>(ApiCall call, Func<CancellationToken, Task<TBody>> read)
    {
        using var timeout = new CancellationTokenSource(_bodyTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, call.Aborted);
        try
        {
            return await read(linked.Token);
        }
        catch (OperationCanceledException) when (!call.Aborted.IsCancellationRequested)
        {
            throw new CallException(
                408,
                ErrorCodes.CallInvalid,
                $"The body did not arrive within {_bodyTimeout.TotalSeconds} s.",
                "Send it faster, or a reference instead of the data.");
        }
    }
}
