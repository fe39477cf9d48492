using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Messages;

namespace Onex.Workers.Operations;

/// <summary>One kind of computation, as the runner calls it.</summary>
internal interface IComputeOperation
{
    /// <summary>Computes the result. Throws <see cref="JsonException"/> for arguments that are none; cancelled when the attempt's time is up.</summary>
    Task<RawJson> RunAsync(RawJson arguments, CancellationToken cancellation);
}

/// <summary>
/// One kind of computation: the same arguments give the same result. Carries <see cref="Contracts.Catalogue.OperationAttribute"/>; its
/// constructor takes what it needs from the role's services.
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
