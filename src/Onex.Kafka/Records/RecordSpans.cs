using System.Diagnostics;
using System.Globalization;
using System.Text;
using Onex.Contracts.Messages;

namespace Onex.Kafka.Records;

/// <summary>The spans of records that are handled, by the messaging conventions of OpenTelemetry.</summary>
internal static class RecordSpans
{
    /// <summary>Starts the span of handling a record; null if nobody records spans. It does not become the current span.</summary>
    public static Activity? Process(ConsumedRecord record, string? group)
    {
        if (!Tracing.IsOn)
        {
            return null;
        }

        var parent = Tracing.ParentOf(record.TextHeader(HeaderNames.TraceParent), record.TextHeader(HeaderNames.TraceState));
        var trace = parent == default ? Tracing.TraceId($"{record.Topic}/{RecordOrigin.For(record)}") : default;
        var span = Tracing.Start($"process {record.Topic}", ActivityKind.Consumer, parent, trace, links: Sender(record));
        if (span is { IsAllDataRequested: true })
        {
            Describe(span, "process", record.Topic);
            span.SetTag("messaging.consumer.group.name", group);
            span.SetTag("messaging.destination.partition.id", record.Partition.ToString(CultureInfo.InvariantCulture));
            span.SetTag("messaging.kafka.offset", record.Offset);
            span.SetTag("messaging.kafka.message.key", record.Key is { } key ? Tracing.Key(Encoding.UTF8.GetString(key)) : null);
            span.SetTag("messaging.message.id", record.TextHeader(HeaderNames.MessageId));
            span.SetTag("messaging.message.body.size", record.Value?.Length ?? 0);
        }

        return span;
    }

    // The sender's span is a link and not the parent, because a sender that is killed never exports it.
    private static ActivityLink[]? Sender(ConsumedRecord record) =>
        ActivityContext.TryParse(record.TextHeader(HeaderNames.SenderSpan), null, isRemote: true, out var sender)
            ? [new ActivityLink(sender)]
            : null;

    /// <summary>Adds the tags that every span of a record has.</summary>
    public static void Describe(Activity span, string operation, string topic)
    {
        span.SetTag("messaging.system", "kafka");
        span.SetTag("messaging.operation.name", operation);
        span.SetTag("messaging.operation.type", operation);
        span.SetTag("messaging.destination.name", topic);
    }
}
