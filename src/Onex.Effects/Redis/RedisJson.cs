using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Operations;

namespace Onex.Effects.Redis;

/// <summary>The arguments of operations that take a key alone.</summary>
internal sealed record RedisKeyArguments
{
    [Argument("The key.")]
    public required string Key { get; init; }
}

internal sealed record RedisSetArguments
{
    [Argument("The key.")]
    public required string Key { get; init; }

    [Argument("The value: text as it is, anything else as JSON; at most 10 MiB.")]
    public required JsonElement Value { get; init; }

    [Argument("After how many seconds the key expires.", Default = "never")]
    public long? Ttl { get; init; }

    [Argument("Writes only if the key does not exist.", Default = "false")]
    public bool? IfAbsent { get; init; }
}

internal sealed record RedisIncrementArguments
{
    [Argument("The key.")]
    public required string Key { get; init; }

    [Argument("How much to add.", Default = "1")]
    public long? By { get; init; }
}

internal sealed record RedisExpireArguments
{
    [Argument("The key.")]
    public required string Key { get; init; }

    [Argument("After how many seconds.")]
    public required long Ttl { get; init; }
}

internal sealed record RedisPublishArguments
{
    [Argument("The channel.")]
    public required string Channel { get; init; }

    [Argument("The message: text as it is, anything else as JSON; at most 10 MiB.")]
    public required JsonElement Value { get; init; }
}

internal sealed record RedisHashGetArguments
{
    [Argument("The key.")]
    public required string Key { get; init; }

    [Argument("The field.")]
    public required string Field { get; init; }
}

internal sealed record RedisHashSetArguments
{
    [Argument("The key.")]
    public required string Key { get; init; }

    [Argument("The fields with their values; at least one, at most 10 MiB together.")]
    public required IReadOnlyDictionary<string, string> Fields { get; init; }
}

internal sealed record RedisValueResult
{
    [Result("The value as text, at most 50 MiB; null if there is none.")]
    public required string? Value { get; init; }
}

internal sealed record RedisWritten
{
    [Result("Whether the value was written.")]
    public required bool Written { get; init; }
}

internal sealed record RedisDeleted
{
    [Result("Whether the key existed.")]
    public required bool Deleted { get; init; }
}

internal sealed record RedisExists
{
    [Result("Whether the key exists.")]
    public required bool Exists { get; init; }
}

internal sealed record RedisNumber
{
    [Result("The number afterwards.")]
    public required long Value { get; init; }
}

internal sealed record RedisFound
{
    [Result("Whether the key exists.")]
    public required bool Found { get; init; }
}

internal sealed record RedisReceivers
{
    [Result("How many subscribers received it.")]
    public required long Receivers { get; init; }
}

internal sealed record RedisAdded
{
    [Result("How many fields are new.")]
    public required long Added { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(RedisKeyArguments))]
[JsonSerializable(typeof(RedisSetArguments))]
[JsonSerializable(typeof(RedisIncrementArguments))]
[JsonSerializable(typeof(RedisExpireArguments))]
[JsonSerializable(typeof(RedisPublishArguments))]
[JsonSerializable(typeof(RedisHashGetArguments))]
[JsonSerializable(typeof(RedisHashSetArguments))]
[JsonSerializable(typeof(RedisValueResult))]
[JsonSerializable(typeof(RedisWritten))]
[JsonSerializable(typeof(RedisDeleted))]
[JsonSerializable(typeof(RedisExists))]
[JsonSerializable(typeof(RedisNumber))]
[JsonSerializable(typeof(RedisFound))]
[JsonSerializable(typeof(RedisReceivers))]
[JsonSerializable(typeof(RedisAdded))]
internal sealed partial class RedisJson : JsonSerializerContext;
