using System.Text;
using System.Text.Json;
using Onex.Contracts.Messages;

namespace Onex.Effects.Operations;

internal static class JsonTexts
{
    /// <summary>How arguments and results are read. The depth is enough for any that Onex stores.</summary>
    public static JsonReaderOptions ReaderOptions { get; } = new() { MaxDepth = 1000 };

    /// <summary>Copies JSON with its texts and names changed by a function. A number that the function changes becomes a text.</summary>
    public static void Copy(RawJson json, Utf8JsonWriter writer, Func<string, string> change)
    {
        var reader = new Utf8JsonReader(json.Utf8.Span, ReaderOptions);
        while (reader.Read())
        {
            switch (reader.TokenType)
            {
                case JsonTokenType.PropertyName:
                    writer.WritePropertyName(change(reader.GetString()!));
                    break;
                case JsonTokenType.String:
                    writer.WriteStringValue(change(reader.GetString()!));
                    break;
                case JsonTokenType.StartObject:
                    writer.WriteStartObject();
                    break;
                case JsonTokenType.EndObject:
                    writer.WriteEndObject();
                    break;
                case JsonTokenType.StartArray:
                    writer.WriteStartArray();
                    break;
                case JsonTokenType.EndArray:
                    writer.WriteEndArray();
                    break;
                default:
                    CopyLiteral(ref reader, writer, change);
                    break;
            }
        }
    }

    private static void CopyLiteral(ref Utf8JsonReader reader, Utf8JsonWriter writer, Func<string, string> change)
    {
        var text = Encoding.UTF8.GetString(reader.ValueSpan);
        var changed = reader.TokenType == JsonTokenType.Number ? change(text) : text;
        if (changed != text)
        {
            writer.WriteStringValue(changed);
        }
        else
        {
            writer.WriteRawValue(reader.ValueSpan, skipInputValidation: true);
        }
    }
}
