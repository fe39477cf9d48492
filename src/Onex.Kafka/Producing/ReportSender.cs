using System.Text.Json;
using Onex.Contracts.Messages;

namespace Onex.Kafka.Producing;

/// <summary>Sends reports of running attempts. Nobody waits for their delivery, because the next report replaces a lost one.</summary>
/// <param name="producer">The process's producer.</param>
/// <param name="time">The clock of the <c>timestamp</c> header, and of the intervals.</param>
/// <param name="topic">The topic of the results.</param>
/// <param name="source">The role, for the <c>source</c> header.</param>
/// <param name="worker">The name of this process.</param>
public sealed class ReportSender(IRecordProducer producer, TimeProvider time, string topic, string source, string worker)
{
    /// <summary>The reports of one run of a command.</summary>
    /// <param name="command">The command.</param>
    /// <param name="trace">Its trace context, or null.</param>
    public RunReports For(StepCommand command, TraceContext? trace) => new(this, time, command, trace);

    internal void Send(
        StepCommand command, TraceContext? trace, MessageId messageId, string report, double? progress, string? text)
    {
        var headers = MessageHeaders.Create(source, EventTypes.Report, messageId, command.CorrelationId, time.GetUtcNow())
            .WithTrace(trace?.Parent, trace?.State);
        var message = new StepReport
        {
            CommandId = command.CommandId,
            Attempt = command.Attempt,
            SagaId = command.SagaId,
            CorrelationId = command.CorrelationId,
            Report = report,
            Progress = progress is { } fraction && double.IsFinite(fraction) ? Math.Clamp(fraction, 0, 1) : null,
            Text = text,
            Worker = worker,
        };
        _ = producer.ProduceAsync(
            new ProducedRecord(
                topic, command.HomePartition, command.CommandId.ToString(),
                JsonSerializer.SerializeToUtf8Bytes(message, MessageJson.Default.StepReport), headers.Items),
            CancellationToken.None);
    }
}
