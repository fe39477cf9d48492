using System.Buffers;

namespace Onex.Contracts.Messages;

/// <summary>
/// Estimates the memory that JSON takes, in bytes, from its text without parsing it. A value of many small parts takes many times its text,
/// because each number, string, list and map has an overhead of its own.
/// </summary>
public static class JsonWeight
{
    private const int Overhead = 2 * 1024;

    // Measured on requests to the orchestrator: their text, the parsed document, the values twice (as received, as typed), and the JSON of
    // the row, the command and the payloads.
    private const int HandledPerByte = 12;
    private const int HandledPerPart = 400;
    private const int BytesPerPart = 12;
    private const int CachedPerByte = 2;
    private const int CachedPerPart = 120;

    private static readonly SearchValues<byte> _parts = SearchValues.Create(",[{"u8);

    /// <summary>The memory while it is parsed, decided on and written.</summary>
    public static long Handled(ReadOnlySpan<byte> json) => Overhead + ((long)json.Length * HandledPerByte) + (Parts(json) * HandledPerPart);

    /// <summary>The memory of values that are kept for later.</summary>
    public static long Cached(ReadOnlySpan<byte> json) => Overhead + ((long)json.Length * CachedPerByte) + (Parts(json) * CachedPerPart);

    /// <summary>The memory of JSON whose length alone is known, if a part begins every 12 bytes.</summary>
    public static long Handled(long bytes) => Overhead + (bytes * (HandledPerByte + (HandledPerPart / BytesPerPart)));

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
