using System.Text;
using Onex.Contracts.Messages;

namespace Onex.Kafka.Records;

/// <summary>Reads headers of records.</summary>
public static class RecordHeaders
{
    /// <summary>The trace context of a record, or null if it has none.</summary>
    public static TraceContext? Trace(this ConsumedRecord record) => record.TextHeader(HeaderNames.TraceParent) is { } parent
        ? new TraceContext(parent, record.TextHeader(HeaderNames.TraceState))
        : null;

    /// <summary>The last header of that name as text; null if there is none or it has no value.</summary>
    public static string? TextHeader(this ConsumedRecord record, string name)
    {
        for (var i = record.Headers.Count - 1; i >= 0; i--)
        {
            if (record.Headers[i].Key == name)
            {
                return record.Headers[i].Value is { } value ? Encoding.UTF8.GetString(value) : null;
            }
        }

        return null;
    }
}
