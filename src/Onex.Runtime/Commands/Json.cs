using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Onex.Runtime.Commands;

/// <summary>Prints data as JSON on stdout, and reads and writes JSON.</summary>
internal static class Json
{
    private static readonly JsonWriterOptions _indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Options for reading responses. The depth is enough for the data of any saga.</summary>
    public static JsonDocumentOptions ReadOptions { get; } = new() { MaxDepth = 1000 };

    /// <summary>Prints one object.</summary>
    public static void Print(Action<Utf8JsonWriter> members) => Console.WriteLine(Text(_indented, writer => WriteObject(writer, members)));

    /// <summary>Prints a JSON element.</summary>
    public static void Print(JsonElement json) => Console.WriteLine(Indented(json));

    /// <summary>Indented JSON.</summary>
    public static string Indented(JsonElement json) => Text(_indented, json.WriteTo);

    /// <summary>An object on one line.</summary>
    public static string Compact(Action<Utf8JsonWriter> members) => Text(default, writer => WriteObject(writer, members));

    /// <summary>The text of a member; null if it is missing or is not text.</summary>
    public static string? Text(JsonElement json, string name) =>
        json.ValueKind == JsonValueKind.Object && json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    /// <summary>Writes a member that is an array of JSON elements.</summary>
    public static void Elements(this Utf8JsonWriter writer, string name, IEnumerable<JsonElement> elements)
    {
        writer.WriteStartArray(name);
        foreach (var element in elements)
        {
            element.WriteTo(writer);
        }

        writer.WriteEndArray();
    }

    /// <summary>Writes a member that is an array of objects.</summary>
    public static void Objects<T>(this Utf8JsonWriter writer, string name, IEnumerable<T> items, Action<T> members)
    {
        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            writer.WriteStartObject();
            members(item);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Writes a member that is an array of texts.</summary>
    public static void Texts(this Utf8JsonWriter writer, string name, IEnumerable<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    private static void WriteObject(Utf8JsonWriter writer, Action<Utf8JsonWriter> members)
    {
        writer.WriteStartObject();
        members(writer);
        writer.WriteEndObject();
    }

    private static string Text(JsonWriterOptions options, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, options))
        {
            write(writer);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
