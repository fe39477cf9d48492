using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Onex.Contracts.Messages;

/// <summary>One JSON value as UTF-8 text that is passed on without being parsed and written again.</summary>
[JsonConverter(typeof(RawJsonConverter))]
public readonly record struct RawJson(ReadOnlyMemory<byte> Utf8)
{
    /// <summary>The JSON value <c>null</c>.</summary>
    public static RawJson Null { get; } = new("null"u8.ToArray());

    /// <summary>The JSON value <c>{}</c>.</summary>
    public static RawJson EmptyObject { get; } = new("{}"u8.ToArray());

    /// <summary>Whether it is empty or the JSON value <c>null</c>.</summary>
    public bool IsNull => Utf8.Length == 0 || Utf8.Span.SequenceEqual("null"u8);

    /// <summary>Wraps text that is known to be JSON.</summary>
    public static RawJson FromText(string json) => new(Encoding.UTF8.GetBytes(json));

    /// <summary>Compares by bytes, so that two equal texts are equal.</summary>
    public bool Equals(RawJson other) => Utf8.Span.SequenceEqual(other.Utf8.Span);

    /// <inheritdoc />
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Utf8.Span);
        return hash.ToHashCode();
    }

    /// <inheritdoc />
    public override string ToString() => Utf8.Length == 0 ? "null" : Encoding.UTF8.GetString(Utf8.Span);
}

/// <summary>Reads and writes <see cref="RawJson"/> byte for byte; an empty one is written as <c>null</c>.</summary>
public sealed class RawJsonConverter : JsonConverter<RawJson>
{
    /// <inheritdoc />
    public override bool HandleNull => true;

    /// <inheritdoc />
    public override RawJson Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.Position.GetObject() is null)
        {
            // The reader's text is one span, so the whole value follows its opening bracket in memory.
            ref var bracket = ref MemoryMarshal.GetReference(reader.ValueSpan);
            var begin = reader.TokenStartIndex;
            if (reader.TrySkip())
            {
                return new RawJson(MemoryMarshal.CreateReadOnlySpan(ref bracket, (int)(reader.BytesConsumed - begin)).ToArray());
            }
        }

        using var document = JsonDocument.ParseValue(ref reader);
        return new RawJson(JsonMarshal.GetRawUtf8Value(document.RootElement).ToArray());
    }

    /// <inheritdoc />
    public override void Write(Utf8JsonWriter writer, RawJson value, JsonSerializerOptions options)
    {
        if (value.Utf8.Length == 0)
        {
            writer.WriteNullValue();
            return;
        }

        // Only Onex itself creates these, from values that it parsed or wrote.
        writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
    }
}
