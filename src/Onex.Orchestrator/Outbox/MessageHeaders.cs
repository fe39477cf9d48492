using System.Buffers;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Orchestrator.Outbox;

/// <summary>The headers of what main sends.</summary>
internal static class MessageHeaders
{
    private const string Source = "onex-main";

    /// <summary>Names whose values are ours; a client's own values of them are not carried through.</summary>
    public static FrozenSet<string> Own { get; } = FrozenSet.ToFrozenSet(
        [
            HeaderNames.ContentType, HeaderNames.CorrelationId, HeaderNames.MessageId, HeaderNames.Timestamp, HeaderNames.Source,
            HeaderNames.EventType, HeaderNames.SchemaVersion, HeaderNames.RetryCount,
        ],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>Our headers and those that are carried through, as a JSON object.</summary>
    public static RawJson Of(
        string eventType, MessageId messageId, Guid correlationId, DateTimeOffset at, ImmutableSortedDictionary<string, string> carried)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using var writer = new Utf8JsonWriter(buffer, ValueJson.Writing);
        writer.WriteStartObject();
        writer.WriteString(HeaderNames.ContentType, "application/json");
        writer.WriteString(HeaderNames.CorrelationId, correlationId);
        writer.WriteString(HeaderNames.MessageId, messageId);
        writer.WriteString(HeaderNames.Timestamp, at);
        writer.WriteString(HeaderNames.Source, Source);
        writer.WriteString(HeaderNames.EventType, eventType);
        writer.WriteString(HeaderNames.SchemaVersion, EventTypes.SchemaVersion);
        writer.WriteString(HeaderNames.RetryCount, "0");
        foreach (var (name, value) in carried)
        {
            writer.WriteString(name, value);
        }

        writer.WriteEndObject();
        writer.Flush();
        return new RawJson(buffer.WrittenMemory);
    }

    /// <summary>The same as a list for the producer.</summary>
    public static IReadOnlyList<KeyValuePair<string, string>> ToList(RawJson headers)
    {
        using var document = JsonDocument.Parse(headers.Utf8);
        return [.. document.RootElement.EnumerateObject().Select(header => new KeyValuePair<string, string>(header.Name, header.Value.GetString() ?? ""))];
    }
}
