using System.Buffers;

namespace Onex.Contracts.Messages;

/// <summary>
/// What memory JSON costs, in bytes, told from its text without reading it. A value of many small parts costs many times its text: each number, text,
/// list and map is an object.
/// </summary>
public static class JsonWeight
{
    private const int Fixed = 2 * 1024;

    // Measured on requests of main: their text, the parsed document, the values twice (as given, as typed), and the JSON of the row, the command
    // and the payloads that come of them.
    private const int HandledPerByte = 12;
    private const int HandledPerPart = 400;
    private const int KeptPerByte = 2;
    private const int KeptPerPart = 120;

    private static readonly SearchValues<byte> _parts = SearchValues.Create(",[{"u8);

    /// <summary>While it is read, decided on and written.</summary>
    public static long Handled(ReadOnlySpan<byte> json) => Fixed + ((long)json.Length * HandledPerByte) + (Parts(json) * HandledPerPart);

    /// <summary>As values that are kept for later.</summary>
    public static long Kept(ReadOnlySpan<byte> json) => Fixed + ((long)json.Length * KeptPerByte) + (Parts(json) * KeptPerPart);

    /// <summary>Of JSON that is not at hand, only its length: as of the usual mixture.</summary>
    public static long Handled(long bytes) => Fixed + (bytes * (HandledPerByte + (HandledPerPart / 12)));

    private static long Parts(ReadOnlySpan<byte> json)
    {
        var parts = 0L;
        for (var at = json.IndexOfAny(_parts); at >= 0; at = json.IndexOfAny(_parts))
        {
            parts++;
            json = json[(at + 1)..];
        }

        return parts;
    }
}
