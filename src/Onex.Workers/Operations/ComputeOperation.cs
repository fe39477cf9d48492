using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Messages;

namespace Onex.Workers.Operations;

/// <summary>A compute operation as the runner calls it.</summary>
internal interface IComputeOperation
{
    /// <summary>
    /// Computes the result. Throws <see cref="JsonException"/> for invalid arguments. Cancelled at the attempt's timeout.
    /// </summary>
    Task<RawJson> RunAsync(RawJson arguments, CancellationToken cancellation);
}

/// <summary>
/// Base class of compute operations: the same arguments give the same result. A subclass has
/// <see cref="Contracts.Catalogue.OperationAttribute"/>, and a constructor whose parameters are services of the role.
/// </summary>
internal abstract class ComputeOperation<TArguments, TResult>(JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : IComputeOperation
    where TArguments : class
    where TResult : class
{
    /// <summary>Computes the result.</summary>
    protected abstract ValueTask<TResult> RunAsync(TArguments arguments, CancellationToken cancellation);

    async Task<RawJson> IComputeOperation.RunAsync(RawJson arguments, CancellationToken cancellation)
    {
        var typed = JsonSerializer.Deserialize(arguments.Utf8.Span, argumentsType) ?? throw new JsonException("They must be an object.");
        return new RawJson(JsonSerializer.SerializeToUtf8Bytes(await RunAsync(typed, cancellation), resultType));
    }
}
