using Onex.Contracts.Expressions;

namespace Onex.Effects.Operations;

/// <summary>Makes external JSON storable: PostgreSQL's jsonb accepts neither U+0000 nor half a surrogate pair.</summary>
internal static class StorableJson
{
    /// <summary>The maximum depth of a member of a result, which itself has up to <see cref="ExpressionLimits.KeptDepth"/>.</summary>
    public const int DepthMax = ExpressionLimits.KeptDepth - 1;

    /// <summary>Overwrites in place the escapes that cannot be stored: \u0000 and unpaired surrogates.</summary>
    public static void Sanitize(Span<byte> json)
    {
        for (var i = json.IndexOf((byte)'\\'); i >= 0 && i + 1 < json.Length;)
        {
            var code = json[i + 1] == 'u' ? ReadCodeUnit(json[i..]) : -1;
            // \n has 2 characters, \u0041 has 6, a surrogate pair 12.
            var length = code < 0 ? 2 : 6;
            if (code is >= 0xD800 and <= 0xDBFF && ReadCodeUnit(json[(i + 6)..]) is >= 0xDC00 and <= 0xDFFF)
            {
                length = 12;
            }
            else if (code is 0 or (>= 0xD800 and <= 0xDFFF))
            {
                "\\uFFFD"u8.CopyTo(json[i..]);
            }

            var next = json[(i + length)..].IndexOf((byte)'\\');
            i = next < 0 ? -1 : i + length + next;
        }
    }

    // The code unit of the escape at the beginning, or -1.
    private static int ReadCodeUnit(ReadOnlySpan<byte> json) =>
        json.Length >= 6 && json[0] == '\\' && json[1] == 'u'
        && System.Buffers.Text.Utf8Parser.TryParse(json.Slice(2, 4), out ushort code, out var read, 'x') && read == 4
            ? code
            : -1;
}
