using System.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Kafka.Records;

namespace Onex.Kafka.Producing;

/// <summary>The spans of records that are sent, by the messaging conventions of OpenTelemetry.</summary>
internal static class SendSpans
{
    /// <summary>
    /// Starts one, below the current span if that has its trace, else below the request; null if nobody records spans. A record for another
    /// role gets the span's context, so that the span of its handling is linked to this one.
    /// </summary>
    public static Activity? Start(ref ProducedRecord record)
    {
        if (!Tracing.IsOn)
        {
            return null;
        }

        var parent = Tracing.ParentOf(Header(record, HeaderNames.TraceParent), Header(record, HeaderNames.TraceState));
        var current = Activity.Current is { } own && own.Source == Tracing.Source ? own : null;
        var span = (current, parent) switch
        {
            (null, var none) when none == default => null,
            ({ } around, _) when parent == default || around.TraceId == parent.TraceId =>
                Tracing.StartChild($"send {record.Topic}", ActivityKind.Producer, around),
            _ => Tracing.Start($"send {record.Topic}", ActivityKind.Producer, parent),
        };
        if (span is { IsAllDataRequested: true })
        {
            RecordSpans.Describe(span, "send", record.Topic);
            span.SetTag("messaging.kafka.message.key", Tracing.Key(record.Key));
            span.SetTag("messaging.message.id", Header(record, HeaderNames.MessageId));
            span.SetTag("messaging.message.body.size", record.Value.Length);
        }

        if (span is { Recorded: true } && IsForRole(Header(record, HeaderNames.EventType)))
        {
            // A redriven record may have the header of its first sending.
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

    /// <summary>Ends the span of a record that is sent with the broker's answer.</summary>
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
