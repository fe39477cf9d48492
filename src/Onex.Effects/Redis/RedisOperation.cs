using System.Text;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Catalogue;
using Onex.Effects.Operations;
using Onex.Operations;
using StackExchange.Redis;

namespace Onex.Effects.Redis;

/// <summary>Base class of the operations of Redis. A command here is one of Redis; each is sent at most once.</summary>
internal abstract class RedisOperation<TArguments, TResult>(
    RedisConnections connections, JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : EffectOperation<TArguments, TResult>(argumentsType, resultType)
    where TArguments : class
    where TResult : class
{
    /// <summary>The problem of the arguments, or null.</summary>
    protected virtual string? FindProblem(TArguments arguments) => null;

    /// <summary>The size of what the command writes, in bytes.</summary>
    protected virtual long CountBytes(TArguments arguments) => 0;

    /// <summary>Sends the command. Returns null if the value is larger than the result may be.</summary>
    protected abstract Task<TResult?> SendAsync(
        IDatabaseAsync redis, TArguments arguments, AttemptContext context, CancellationToken cancellation);

    protected override async Task<EffectOutcome<TResult>> RunAsync(
        TArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        if (context.Connection is not { Redis: not null } connection)
        {
            return EffectOutcome<TResult>.Rejected(StepCodes.ArgumentsInvalid, $"{context.Operation} needs a connection to Redis.");
        }

        if (FindProblem(arguments) is { } problem)
        {
            return EffectOutcome<TResult>.Rejected(StepCodes.ArgumentsInvalid, $"{context.Operation}: {problem}.");
        }

        if (CountBytes(arguments) > ValueText.BytesMax)
        {
            return EffectOutcome<TResult>.Rejected(
                "request_too_large", $"{context.Operation}: at most {ValueText.BytesMax} bytes can be written.");
        }

        try
        {
            var redis = await connections.ForAsync(connection, cancellation);
            context.Progress.MarkSent();
            return await SendAsync(redis, arguments, context, cancellation) is { } result
                ? EffectOutcome<TResult>.Completed(result)
                : EffectOutcome<TResult>.Refused(
                    "result_too_large", $"The value is larger than {context.LargestResult / (1024 * 1024)} MiB.");
        }
        catch (Exception exception) when (exception is RedisException or RedisTimeoutException or ObjectDisposedException)
        {
            return RedisErrors.ToOutcome<TResult>(exception, connection.Name);
        }
    }

    /// <summary>Reads a value after its length, so that its memory is reserved first.</summary>
    protected static async Task<RedisValueResult?> ReadAsync(
        AttemptContext context, Task<long> length, Func<Task<RedisValue>> read, CancellationToken cancellation)
    {
        var bytesMax = context.LargestResult;
        var bytes = await length.WaitAsync(cancellation);
        if (bytes > bytesMax)
        {
            return null;
        }

        await context.Memory.ReserveAsync(bytes, cancellation);
        var value = await read().WaitAsync(cancellation);
        return value.IsNull ? new RedisValueResult { Value = null }
            : value.Length() > bytesMax ? null
            : new RedisValueResult { Value = ValueText.FromBytes((byte[])value!) };
    }
}

[Operation("redis.get", ConnectionType = "redis", Description = "Reads a key of Redis.")]
internal sealed class RedisGet(RedisConnections connections)
    : RedisOperation<RedisKeyArguments, RedisValueResult>(
        connections, RedisJson.Default.RedisKeyArguments, RedisJson.Default.RedisValueResult)
{
    protected override Task<RedisValueResult?> SendAsync(
        IDatabaseAsync redis, RedisKeyArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        ReadAsync(context, redis.StringLengthAsync(arguments.Key), () => redis.StringGetAsync(arguments.Key), cancellation);
}

[Operation("redis.set", ConnectionType = "redis", ChangesWorld = true, Description = "Writes a key of Redis.")]
internal sealed class RedisSet(RedisConnections connections)
    : RedisOperation<RedisSetArguments, RedisWritten>(
        connections, RedisJson.Default.RedisSetArguments, RedisJson.Default.RedisWritten)
{
    protected override string? FindProblem(RedisSetArguments arguments) => RedisTimes.FindProblem(arguments.Ttl);

    protected override long CountBytes(RedisSetArguments arguments) => ValueText.ToBytes(arguments.Value).Length;

    protected override async Task<RedisWritten?> SendAsync(
        IDatabaseAsync redis, RedisSetArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        new()
        {
            Written = await redis.StringSetAsync(
                arguments.Key, ValueText.ToBytes(arguments.Value),
                arguments.Ttl is { } seconds ? TimeSpan.FromSeconds(seconds) : null, keepTtl: false,
                arguments.IfAbsent == true ? When.NotExists : When.Always, CommandFlags.None).WaitAsync(cancellation),
        };
}

[Operation(
    "redis.delete", ConnectionType = "redis", ChangesWorld = true, Idempotent = true, Description = "Removes a key of Redis.")]
internal sealed class RedisDelete(RedisConnections connections)
    : RedisOperation<RedisKeyArguments, RedisDeleted>(
        connections, RedisJson.Default.RedisKeyArguments, RedisJson.Default.RedisDeleted)
{
    protected override async Task<RedisDeleted?> SendAsync(
        IDatabaseAsync redis, RedisKeyArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        new() { Deleted = await redis.KeyDeleteAsync(arguments.Key).WaitAsync(cancellation) };
}

[Operation("redis.exists", ConnectionType = "redis", Description = "Tests whether a key of Redis exists.")]
internal sealed class RedisExistsOperation(RedisConnections connections)
    : RedisOperation<RedisKeyArguments, RedisExists>(
        connections, RedisJson.Default.RedisKeyArguments, RedisJson.Default.RedisExists)
{
    protected override async Task<RedisExists?> SendAsync(
        IDatabaseAsync redis, RedisKeyArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        new() { Exists = await redis.KeyExistsAsync(arguments.Key).WaitAsync(cancellation) };
}

[Operation("redis.increment", ConnectionType = "redis", ChangesWorld = true, Description = "Adds to a number of Redis.")]
internal sealed class RedisIncrement(RedisConnections connections)
    : RedisOperation<RedisIncrementArguments, RedisNumber>(
        connections, RedisJson.Default.RedisIncrementArguments, RedisJson.Default.RedisNumber)
{
    protected override async Task<RedisNumber?> SendAsync(
        IDatabaseAsync redis, RedisIncrementArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        new() { Value = (long)await redis.ExecuteAsync("INCRBY", (RedisKey)arguments.Key, arguments.By ?? 1).WaitAsync(cancellation) };
}

[Operation(
    "redis.expire", ConnectionType = "redis", ChangesWorld = true, Idempotent = true, Description = "Lets a key of Redis expire.")]
internal sealed class RedisExpire(RedisConnections connections)
    : RedisOperation<RedisExpireArguments, RedisFound>(
        connections, RedisJson.Default.RedisExpireArguments, RedisJson.Default.RedisFound)
{
    protected override string? FindProblem(RedisExpireArguments arguments) => RedisTimes.FindProblem(arguments.Ttl);

    protected override async Task<RedisFound?> SendAsync(
        IDatabaseAsync redis, RedisExpireArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        new() { Found = await redis.KeyExpireAsync(arguments.Key, TimeSpan.FromSeconds(arguments.Ttl)).WaitAsync(cancellation) };
}

[Operation("redis.publish", ConnectionType = "redis", ChangesWorld = true, Description = "Publishes a message on a channel of Redis.")]
internal sealed class RedisPublish(RedisConnections connections)
    : RedisOperation<RedisPublishArguments, RedisReceivers>(
        connections, RedisJson.Default.RedisPublishArguments, RedisJson.Default.RedisReceivers)
{
    protected override long CountBytes(RedisPublishArguments arguments) => ValueText.ToBytes(arguments.Value).Length;

    protected override async Task<RedisReceivers?> SendAsync(
        IDatabaseAsync redis, RedisPublishArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        new()
        {
            Receivers = await redis.PublishAsync(RedisChannel.Literal(arguments.Channel), ValueText.ToBytes(arguments.Value))
                .WaitAsync(cancellation),
        };
}

[Operation("redis.hash_get", ConnectionType = "redis", Description = "Reads a field of a hash of Redis.")]
internal sealed class RedisHashGet(RedisConnections connections)
    : RedisOperation<RedisHashGetArguments, RedisValueResult>(
        connections, RedisJson.Default.RedisHashGetArguments, RedisJson.Default.RedisValueResult)
{
    protected override Task<RedisValueResult?> SendAsync(
        IDatabaseAsync redis, RedisHashGetArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        ReadAsync(
            context, redis.HashStringLengthAsync(arguments.Key, arguments.Field), () => redis.HashGetAsync(arguments.Key, arguments.Field),
            cancellation);
}

[Operation(
    "redis.hash_set", ConnectionType = "redis", ChangesWorld = true, Idempotent = true, Description = "Writes fields of a hash of Redis.")]
internal sealed class RedisHashSet(RedisConnections connections)
    : RedisOperation<RedisHashSetArguments, RedisAdded>(
        connections, RedisJson.Default.RedisHashSetArguments, RedisJson.Default.RedisAdded)
{
    protected override string? FindProblem(RedisHashSetArguments arguments) =>
        arguments.Fields.Count == 0 ? "'fields' is empty"
        : arguments.Fields.FirstOrDefault(field => field.Value is null) is { Key: { } name } ? $"the field '{name}' is null"
        : null;

    protected override long CountBytes(RedisHashSetArguments arguments) =>
        arguments.Fields.Sum(field => (long)Encoding.UTF8.GetByteCount(field.Key) + Encoding.UTF8.GetByteCount(field.Value));

    // The client's own method for several fields does not say how many are new.
    protected override async Task<RedisAdded?> SendAsync(
        IDatabaseAsync redis, RedisHashSetArguments arguments, AttemptContext context, CancellationToken cancellation) =>
        new()
        {
            Added = (long)await redis.ExecuteAsync(
                "HSET", [(RedisKey)arguments.Key, .. arguments.Fields.SelectMany(field => new object[] { field.Key, field.Value })])
                .WaitAsync(cancellation),
        };
}

/// <summary>How long keys of Redis may live.</summary>
internal static class RedisTimes
{
    // 100 years.
    private const long SecondsMax = 100L * 366 * 24 * 3600;

    /// <summary>The problem of a time to live, or null.</summary>
    public static string? FindProblem(long? seconds) =>
        seconds is null or (>= 1 and <= SecondsMax) ? null : $"'ttl' must be a number of seconds from 1 to {SecondsMax}";
}
