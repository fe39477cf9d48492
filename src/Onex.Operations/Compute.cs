using System.Buffers;
using System.Text.Json;

namespace Onex.Operations;

/// <summary>
/// Base class of a compute: the same arguments give the same result, and nothing else changes. The class is public, has an
/// <see cref="OperationAttribute"/>, and a constructor without parameters or with a <see cref="TimeProvider"/>. One instance runs all
/// attempts, several at a time.
/// </summary>
/// <typeparam name="TArguments">A record whose properties have an <see cref="ArgumentAttribute"/>.</typeparam>
/// <typeparam name="TResult">A record whose properties have a <see cref="ResultAttribute"/>.</typeparam>
public abstract class Compute<TArguments, TResult> : ICompute
    where TArguments : class
    where TResult : class
{
    /// <summary>
    /// Computes the result. Loops must check the token: it is cancelled at the attempt's timeout, and when the result is no longer needed.
    /// Throw an <see cref="OperationRejectedException"/> for a final "no"; another exception is a failure, which is retried.
    /// </summary>
    protected abstract Task<TResult> RunAsync(TArguments arguments, ComputeContext context, CancellationToken cancellation);

    async Task ICompute.RunAsync(
        ReadOnlyMemory<byte> arguments, ComputeContext context, IBufferWriter<byte> result, CancellationToken cancellation)
    {
        var computed = await RunAsync(OperationJson.Read<TArguments>(arguments.Span), context, cancellation).ConfigureAwait(false);
        _ = computed ?? throw new InvalidOperationException($"{context.Operation} returned null.");
        var writer = new Utf8JsonWriter(result, OperationJson.WriterOptions);
        await using (writer.ConfigureAwait(false))
        {
            JsonSerializer.Serialize(writer, computed, OperationJson.Options);
        }
    }
}

/// <summary>A compute as the host calls it.</summary>
internal interface ICompute
{
    /// <summary>Computes the result as JSON. Throws <see cref="OperationRejectedException"/> for arguments of wrong types.</summary>
    Task RunAsync(ReadOnlyMemory<byte> arguments, ComputeContext context, IBufferWriter<byte> result, CancellationToken cancellation);
}
