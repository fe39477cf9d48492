using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Contracts.Catalogue;

namespace Onex.Workers.Operations;

/// <summary>The SHA-256 of a text's UTF-8 bytes.</summary>
[Operation("hash.sha256", Description = "Hashes a text with SHA-256.")]
internal sealed class HashSha256() : ComputeOperation<HashArguments, HashResult>(ComputeJson.Default.HashArguments, ComputeJson.Default.HashResult)
{
    protected override ValueTask<HashResult> RunAsync(HashArguments arguments, CancellationToken cancellation) =>
        new(new HashResult { Hex = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(arguments.Text))) });
}

/// <summary>Returns what main has evaluated.</summary>
[Operation("transform", Description = "Returns its values, which the orchestrator has evaluated, under the same names.")]
internal sealed class Transform()
    : ComputeOperation<TransformArguments, IReadOnlyDictionary<string, JsonElement>>(
        ComputeJson.Default.TransformArguments, ComputeJson.Default.IReadOnlyDictionaryStringJsonElement)
{
    protected override ValueTask<IReadOnlyDictionary<string, JsonElement>> RunAsync(
        TransformArguments arguments, CancellationToken cancellation) => new(arguments.Values);
}

/// <summary>Takes its time.</summary>
[Operation("delay", Description = "Completes after a delay; for tests. A contract that waits uses a step with 'wait'.")]
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
    [Argument("The text. Its UTF-8 bytes are hashed.")]
    public required string Text { get; init; }
}

internal sealed record HashResult
{
    [Result("The hash: 64 hexadecimal digits in lower case.")]
    public required string Hex { get; init; }
}

internal sealed record TransformArguments
{
    [Argument("The values to return, by name.")]
    public required IReadOnlyDictionary<string, JsonElement> Values { get; init; }
}

internal sealed record DelayArguments
{
    [Argument("The delay in milliseconds, 0 or more. It must be shorter than the step's timeout.")]
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
