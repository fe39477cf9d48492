using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;

namespace Onex.Orchestrator.Mapping;

/// <summary>Reads and writes fields of the JSON columns. Null, counts of zero, false and empty arrays are left out.</summary>
internal static class RowJson
{
    public static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    public static DateTimeOffset? Time(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? value.GetDateTimeOffset() : null;

    public static int? Number(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetInt32() : null;

    public static bool Flag(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.GetBoolean();

    public static int Count(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetInt32() : 0;

    public static JsonElement? Member(JsonElement? json, string name) =>
        json is { ValueKind: JsonValueKind.Object } there && there.TryGetProperty(name, out var member) ? member : null;

    public static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset? at)
    {
        if (at is { } time)
        {
            writer.WriteString(name, time);
        }
    }

    public static void WriteText(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(name, text);
        }
    }

    public static void WriteCount(Utf8JsonWriter writer, string name, int count)
    {
        if (count > 0)
        {
            writer.WriteNumber(name, count);
        }
    }

    public static void WriteNumber(Utf8JsonWriter writer, string name, int? number)
    {
        if (number is { } value)
        {
            writer.WriteNumber(name, value);
        }
    }

    public static void WriteFlag(Utf8JsonWriter writer, string name, bool flag)
    {
        if (flag)
        {
            writer.WriteBoolean(name, true);
        }
    }

    public static ImmutableArray<T> ReadArray<T>(JsonElement json, string name, Func<JsonElement, T> read) =>
        json.TryGetProperty(name, out var items) ? [.. items.EnumerateArray().Select(read)] : [];

    public static void WriteArray<T>(Utf8JsonWriter writer, string name, ImmutableArray<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.IsEmpty)
        {
            return;
        }

        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            writer.WriteStartObject();
            write(writer, item);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Writes a value under a name, and beside it the types that plain JSON does not have.</summary>
    public static void WriteValue(Utf8JsonWriter writer, string name, CelValue value)
    {
        writer.WritePropertyName(name);
        Write(writer, value);
        if (StoredValues.NeedsMark(value))
        {
            writer.WritePropertyName(name + "_kinds");
            StoredValues.WriteMark(value, writer);
        }
    }

    /// <summary>Reads what <see cref="WriteValue"/> wrote; null if it does not exist.</summary>
    public static CelValue? ReadValue(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? StoredValues.Read(value, Member(json, name + "_kinds")) : null;

    /// <summary>Writes a value that has a JSON form.</summary>
    public static void Write(Utf8JsonWriter writer, CelValue value)
    {
        if (!StoredValues.TryWrite(value, writer, out var problem))
        {
            throw new InvalidOperationException($"A value without JSON reached the store: {problem}");
        }
    }

    /// <summary>A JSON object. Passing the content allows a static function, which is not allocated for each call.</summary>
    public static RawJson Json<T>(T content, Action<Utf8JsonWriter, T> write)
    {
        using var rented = RentedJsonWriter.Rent();
        rented.Writer.WriteStartObject();
        write(rented.Writer, content);
        rented.Writer.WriteEndObject();
        return rented.ToJson();
    }

    public static RawJson Json(Action<Utf8JsonWriter> write)
    {
        using var rented = RentedJsonWriter.Rent();
        rented.Writer.WriteStartObject();
        write(rented.Writer);
        rented.Writer.WriteEndObject();
        return rented.ToJson();
    }
}
