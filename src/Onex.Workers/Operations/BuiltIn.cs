using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Catalogue;

namespace Onex.Workers.Operations;

/// <summary>The SHA-256 of a text's UTF-8 bytes.</summary>
[Operation("hash.sha256", Description = "The SHA-256 of a text, in lower-case hex.")]
internal sealed class HashSha256() : ComputeOperation<HashArguments, HashResult>(ComputeJson.Default.HashArguments, ComputeJson.Default.HashResult)
{
    protected override ValueTask<HashResult> RunAsync(HashArguments arguments, CancellationToken cancellation) =>
        new(new HashResult { Hex = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(arguments.Text))) });
}

/// <summary>Returns what main has evaluated.</summary>
[Operation("transform", Description = "Evaluates its values and returns them under the same names.")]
internal sealed class Transform()
    : ComputeOperation<TransformArguments, IReadOnlyDictionary<string, JsonElement>>(
        ComputeJson.Default.TransformArguments, ComputeJson.Default.IReadOnlyDictionaryStringJsonElement)
{
    protected override ValueTask<IReadOnlyDictionary<string, JsonElement>> RunAsync(
        TransformArguments arguments, CancellationToken cancellation) => new(arguments.Values);
}

/// <summary>Takes its time.</summary>
[Operation("delay", Description = "Waits before it completes; for tests.")]
internal sealed class Delay(TimeProvider time)
    : ComputeOperation<DelayArguments, DelayResult>(ComputeJson.Default.DelayArguments, ComputeJson.Default.DelayResult)
{
    protected override async ValueTask<DelayResult> RunAsync(DelayArguments arguments, CancellationToken cancellation)
    {
        if (arguments.Ms < 0)
        {
            throw new JsonException("'ms' is below 0.", "$.ms", null, null);
        }

        await Task.Delay(TimeSpan.FromMilliseconds(arguments.Ms), time, cancellation);
        return new DelayResult();
    }
}

internal sealed record HashArguments
{
    [Argument("The text.")]
    public required string Text { get; init; }
}

internal sealed record HashResult
{
    public required string Hex { get; init; }
}

internal sealed record TransformArguments
{
    [Argument("Values by name.")]
    public required IReadOnlyDictionary<string, JsonElement> Values { get; init; }
}

internal sealed record DelayArguments
{
    [Argument("How long to wait, in milliseconds.")]
    public required int Ms { get; init; }
}

internal sealed record DelayResult;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(HashArguments))]
[JsonSerializable(typeof(HashResult))]
[JsonSerializable(typeof(TransformArguments))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, JsonElement>))]
[JsonSerializable(typeof(DelayArguments))]
[JsonSerializable(typeof(DelayResult))]
internal sealed partial class ComputeJson : JsonSerializerContext;
