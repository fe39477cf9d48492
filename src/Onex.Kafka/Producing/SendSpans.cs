using System.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Kafka.Records;

namespace Onex.Kafka.Producing;

/// <summary>The spans of records that are sent, by the messaging conventions of OpenTelemetry.</summary>
internal static class SendSpans
{
    /// <summary>
    /// Starts the span of a record. Its parent is the current span if that has the record's trace or the record has none, else the span in
    /// the record's header; returns null without either, and if nobody records spans. A record for another role gets the span's id.
    /// </summary>
    public static Activity? Start(ref ProducedRecord record)
    {
        if (!Tracing.IsOn)
        {
            return null;
        }

        var parent = Tracing.ParentOf(Header(record, HeaderNames.TraceParent), Header(record, HeaderNames.TraceState));
        var current = Activity.Current?.Source == Tracing.Source ? Activity.Current : null;
        Activity? span = null;
        if (current is not null && (parent == default || current.TraceId == parent.TraceId))
        {
            span = Tracing.StartChild($"send {record.Topic}", ActivityKind.Producer, current);
        }
        else if (parent != default)
        {
            span = Tracing.Start($"send {record.Topic}", ActivityKind.Producer, parent);
        }

        if (span is { IsAllDataRequested: true })
        {
            RecordSpans.Describe(span, "send", record.Topic);
            span.SetTag("messaging.kafka.message.key", Tracing.Key(record.Key));
            span.SetTag("messaging.message.id", Header(record, HeaderNames.MessageId));
            span.SetTag("messaging.message.body.size", record.Value.Length);
        }

        if (span is { Recorded: true } && IsForRole(Header(record, HeaderNames.EventType)))
        {
            // Replaces the header, because a redriven record still has that of its first sending.
            record = record with
            {
                Headers =
                [
                    .. record.Headers.Where(header => header.Key != HeaderNames.SenderSpan),
                    new(HeaderNames.SenderSpan, span.Id!),
                ],
            };
        }

        return span;
    }

    private static bool IsForRole(string? type) =>
        type is EventTypes.Command or EventTypes.Cancel or EventTypes.Report or EventTypes.Result;

    /// <summary>Waits for the broker's answer and ends the span with it.</summary>
    public static async Task<DeliveryReport> EndAsync(Activity span, Task<DeliveryReport> sending)
    {
        try
        {
            var report = await sending;
            if (report.Delivery != DeliveryStatus.Acknowledged)
            {
                span.Fail(report.Delivery.ToString().ToLowerInvariant(), report.Reason);
            }

            return report;
        }
        finally
        {
            Tracing.End(span);
        }
    }

    private static string? Header(ProducedRecord record, string name)
    {
        foreach (var header in record.Headers)
        {
            if (header.Key == name)
            {
                return header.Value;
            }
        }

        return null;
    }
}
