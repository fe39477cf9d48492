using System.Text.Json;
using System.Text.Json.Serialization;

namespace Onex.Contracts.Messages;

/// <summary>Identifies a saga.</summary>
[JsonConverter(typeof(IdConverter<SagaId>))]
public readonly record struct SagaId(Guid Value) : IId<SagaId>
{
    /// <summary>A new id, of UUID version 7: ids sort by their time, in milliseconds.</summary>
    public static SagaId Create(DateTimeOffset now) => new(Guid.CreateVersion7(now));

    /// <inheritdoc />
    public static SagaId From(Guid value) => new(value);

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>Identifies the work of a step or of its compensation: the same on every redelivery and every attempt.</summary>
[JsonConverter(typeof(IdConverter<CommandId>))]
public readonly record struct CommandId(Guid Value) : IId<CommandId>
{
    /// <inheritdoc />
    public static CommandId From(Guid value) => new(value);

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>
/// Identifies a message, so that a duplicate is recognised: a request, an event, a result, a wake-up, an outgoing message.
/// </summary>
[JsonConverter(typeof(IdConverter<MessageId>))]
public readonly record struct MessageId(Guid Value) : IId<MessageId>
{
    /// <summary>A new id, of UUID version 7: ids sort by their time, in milliseconds.</summary>
    public static MessageId Create(DateTimeOffset now) => new(Guid.CreateVersion7(now));

    /// <inheritdoc />
    public static MessageId From(Guid value) => new(value);

    /// <inheritdoc />
    public override string ToString() => Value.ToString();
}

/// <summary>A UUID that identifies one kind of thing, so that the compiler distinguishes it from others.</summary>
public interface IId<TSelf>
    where TSelf : struct, IId<TSelf>
{
    /// <summary>The UUID.</summary>
    Guid Value { get; }

    /// <summary>The id with this UUID.</summary>
    static abstract TSelf From(Guid value);
}

/// <summary>Reads and writes an id as its UUID.</summary>
public sealed class IdConverter<TId> : JsonConverter<TId>
    where TId : struct, IId<TId>
{
    /// <inheritdoc />
    public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => TId.From(reader.GetGuid());

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) => writer.WriteStringValue(value.Value);
}

/// <summary>Writes ids as fields of an object.</summary>
public static class IdWriting
{
    /// <summary>Writes the UUID.</summary>
    public static void WriteString<TId>(this Utf8JsonWriter writer, string name, TId id)
        where TId : struct, IId<TId> => writer.WriteString(name, id.Value);
}
