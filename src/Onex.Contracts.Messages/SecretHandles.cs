using System.Text.Json;

namespace Onex.Contracts.Messages;

/// <summary>Recognizes handles of secrets, which stand for a secret in the data of a saga.</summary>
public static class SecretHandles
{
    /// <summary>What every handle begins with.</summary>
    public const string Prefix = "onex-secret:";

    private static readonly JsonReaderOptions _options = new() { MaxDepth = 1000 }; // deeper than any value of a saga

    /// <summary>Whether a string or a field's name in the JSON contains a handle, even if it is written with escapes.</summary>
    public static bool AreIn(ReadOnlySpan<byte> json)
    {
        if (json.IndexOf("onex-secret:"u8) >= 0)
        {
            return true;
        }

        if (json.IndexOf((byte)'\\') < 0)
        {
            return false;
        }

        var reader = new Utf8JsonReader(json, _options);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName
                && reader.ValueIsEscaped
                && reader.ValueSpan.IndexOf("\\u"u8) >= 0 // no character of the prefix has another escape
                && Unescaped(ref reader).Contains(Prefix, StringComparison.Ordinal))
            {
                return true;
            }
        }

        return false;
    }

    // GetString throws for half of a surrogate pair. Such JSON is rejected when it is read as a value, so no handle in it reaches a saga.
    private static string Unescaped(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return "";
        }
    }
}
