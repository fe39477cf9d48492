using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Workers.Operations;

/// <summary>A compute operation as the runner calls it.</summary>
internal interface IComputeOperation
{
    /// <summary>
    /// The bytes that a run may hold beyond the command's weight, which covers the arguments, their objects and a result of about their
    /// size.
    /// </summary>
    long MemoryMax => 0;

    /// <summary>Further bytes that a run may hold per byte of its arguments, for results that repeat parts of them.</summary>
    int MemoryPerByte => 0;

    /// <summary>
    /// Computes the result. Throws <see cref="JsonException"/> for arguments of wrong types, <see cref="ComputeRejectedException"/> for
    /// other rejections, and <see cref="ComputeFailedException"/> or any other exception if the attempt has failed.
    /// </summary>
    Task<RawJson> RunAsync(RawJson arguments, ComputeContext context);
}

/// <summary>
/// Base class of compute operations: the same arguments give the same result. A subclass has
/// <see cref="OperationAttribute"/>, and a constructor whose parameters are services of the role.
/// </summary>
internal abstract class ComputeOperation<TArguments, TResult>(JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : IComputeOperation
    where TArguments : class
    where TResult : class
{
    // Does not escape for HTML, because the JSON does not become a part of a page.
    private static readonly JsonWriterOptions _writerOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Computes the result. A loop checks <see cref="ComputeContext.Cancellation"/>.</summary>
    protected abstract ValueTask<TResult> RunAsync(TArguments arguments, ComputeContext context);

    public virtual long MemoryMax => 0;

    public virtual int MemoryPerByte => 0;

    async Task<RawJson> IComputeOperation.RunAsync(RawJson arguments, ComputeContext context)
    {
        var typed = JsonSerializer.Deserialize(arguments.Utf8.Span, argumentsType) ?? throw new JsonException("They must be an object.");
        var result = await RunAsync(typed, context);
        var buffer = new ResultBuffer(ComputeLimits.ResultBytesMax);
        await using var writer = new Utf8JsonWriter(buffer, _writerOptions);
        JsonSerializer.Serialize(writer, result, resultType);
        await writer.FlushAsync(CancellationToken.None);
        return new RawJson(buffer.Written);
    }
}
