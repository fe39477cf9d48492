using System.Diagnostics;
using System.Globalization;
using System.Text;
using Onex.Contracts.Messages;
using Onex.Kafka.Producing;

namespace Onex.Kafka.Records;

/// <summary>The spans of records, by the messaging conventions of OpenTelemetry. Null if nobody records them.</summary>
internal static class RecordSpans
{
    /// <summary>Starts the span of a record that is handled. It does not become the current one.</summary>
    public static Activity? Process(ConsumedRecord record, string? group)
    {
        if (!Tracing.IsOn)
        {
            return null;
        }

        var parent = Tracing.ParentOf(record.TextHeader(HeaderNames.TraceParent), record.TextHeader(HeaderNames.TraceState));
        var trace = parent == default ? Tracing.TraceId($"{record.Topic}/{RecordOrigin.For(record)}") : default;
        var span = Tracing.Start($"process {record.Topic}", ActivityKind.Consumer, parent, trace);
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

    /// <summary>Starts the span of a record that is sent: below the current span if that has its trace, else below the request.</summary>
    public static Activity? Send(ProducedRecord record)
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
            Describe(span, "send", record.Topic);
            span.SetTag("messaging.kafka.message.key", Tracing.Key(record.Key));
            span.SetTag("messaging.message.id", Header(record, HeaderNames.MessageId));
            span.SetTag("messaging.message.body.size", record.Value.Length);
        }

        return span;
    }

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

    private static void Describe(Activity span, string operation, string topic)
    {
        span.SetTag("messaging.system", "kafka");
        span.SetTag("messaging.operation.name", operation);
        span.SetTag("messaging.operation.type", operation);
        span.SetTag("messaging.destination.name", topic);
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
