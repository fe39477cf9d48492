using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Onex.Kafka.DeadLetters;

/// <summary>Replaces the values of fields whose names suggest a secret by <c>***</c>.</summary>
public static class SecretMask
{
    /// <summary>The replacement.</summary>
    public const string Mask = "***";

    private static readonly SearchValues<string> _names = SearchValues.Create(
        ["authorization", "cookie", "token", "password", "secret", "api-key", "api_key", "apikey"], StringComparison.OrdinalIgnoreCase);

    // Beyond the default of 64 levels, secrets would stay unmasked.
    private static readonly JsonDocumentOptions _readOptions = new() { MaxDepth = 1000 };

    /// <summary>Whether a field or header of that name may hold a secret, because it contains one of the words.</summary>
    public static bool IsSecret(string name) => name.AsSpan().ContainsAny(_names);

    /// <summary>Masks the secret fields of JSON text; returns other text as it is.</summary>
    public static string Apply(string text)
    {
        // Most texts contain no such name, and need not be parsed.
        if (!IsSecret(text))
        {
            return text;
        }

        try
        {
            using var document = JsonDocument.Parse(text, _readOptions);
            if (!HasSecret(document.RootElement))
            {
                return text;
            }

            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer))
            {
                Copy(document.RootElement, writer);
            }

            return Encoding.UTF8.GetString(buffer.WrittenSpan);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // Not JSON, nested too deeply, or with half a surrogate pair: names cannot be told from values.
            return text;
        }
    }

    private static bool HasSecret(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().Any(field => IsSecret(field.Name) || HasSecret(field.Value)),
        JsonValueKind.Array => element.EnumerateArray().Any(HasSecret),
        _ => false,
    };

    private static void Copy(JsonElement element, Utf8JsonWriter writer)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var field in element.EnumerateObject())
                {
                    writer.WritePropertyName(field.Name);
                    if (IsSecret(field.Name))
                    {
                        writer.WriteStringValue(Mask);
                    }
                    else
                    {
                        Copy(field.Value, writer);
                    }
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in element.EnumerateArray())
                {
                    Copy(item, writer);
                }

                writer.WriteEndArray();
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }
}
