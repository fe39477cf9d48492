using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace Onex.Effects.Operations;

/// <summary>Converts values to bytes (text as it is, anything else as JSON), and bytes to text that can be stored.</summary>
internal static class ValueText
{
    /// <summary>The maximum size of a value that an operation sends or writes.</summary>
    public const int BytesMax = 10 * 1024 * 1024;

    /// <summary>The maximum size of a value that an operation reads, where memory allows it.</summary>
    public const int ResultBytesMax = 50 * 1024 * 1024;

    public static byte[] ToBytes(JsonElement value) =>
        value.ValueKind == JsonValueKind.String
            ? Encoding.UTF8.GetBytes(value.GetString()!)
            : JsonMarshal.GetRawUtf8Value(value).ToArray();

    /// <summary>The bytes as text. Invalid UTF-8 and U+0000 become U+FFFD.</summary>
    public static string FromBytes(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes).Replace('\0', '\uFFFD');
}
