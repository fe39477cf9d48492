using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Effects.Operations;
using Onex.Kafka.Producing;
using Onex.Operations;

namespace Onex.Effects.Kafka;

/// <summary>
/// Writes one record to a topic of the connection's broker. Without a connection that is the runtime's broker, or its in-memory log. An
/// interrupted attempt may have written it, so consumers must recognise duplicates by the command's id.
/// </summary>
/// <param name="producer">The process's producer.</param>
/// <param name="connectionProducers">The producers of connections.</param>
/// <param name="runtimeTopics">The topics to which only Onex writes.</param>
/// <param name="time">The clock of the <c>timestamp</c> header.</param>
[Operation(
    "kafka.produce", ConnectionType = "kafka", IsConnectionOptional = true, ChangesWorld = true,
    Description = "Writes a record to a topic of the connection's broker, or of the runtime's without a connection.")]
internal sealed class ProduceOperation(
    IRecordProducer producer, KafkaProducers connectionProducers, Topics runtimeTopics, TimeProvider time)
    : EffectOperation<ProduceArguments, ProduceResult>(ProduceJson.Default.ProduceArguments, ProduceJson.Default.ProduceResult)
{
    protected override async Task<EffectOutcome<ProduceResult>> RunAsync(
        ProduceArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        var topic = arguments.Topic;
        if (runtimeTopics.All.Contains(topic, StringComparer.Ordinal) || topic.EndsWith(Topics.DeadLetterSuffix, StringComparison.Ordinal))
        {
            return EffectOutcome<ProduceResult>.Rejected(
                "topic_refused", $"'{topic}' is a topic of the runtime itself or one for dead letters, which only Onex writes to.");
        }

        var key = arguments.Key ?? context.CorrelationId.ToString();
        var record = new ProducedRecord(topic, null, key, ValueText.ToBytes(arguments.Value), CreateHeaders(arguments, context).Items);
        context.Progress.MarkSent();
        var report = await (context.Connection is { } connection
            ? connectionProducers.For(connection).ProduceAsync(record, cancellation)
            : producer.ProduceAsync(record, cancellation));
        return report.Delivery switch
        {
            DeliveryStatus.Acknowledged => EffectOutcome<ProduceResult>.Completed(new ProduceResult { Topic = topic, Key = key }),
            DeliveryStatus.Undeliverable =>
                EffectOutcome<ProduceResult>.Rejected("record_refused", $"The broker rejects the record for '{topic}': {report.Reason}"),
            _ => EffectOutcome<ProduceResult>.Failed(
                report.IsUnwritten ? AttemptReach.NotSent : AttemptReach.Sent, "broker_unavailable",
                $"The broker did not acknowledge the record for '{topic}': {report.Reason}"),
        };
    }

    private MessageHeaders CreateHeaders(ProduceArguments arguments, AttemptContext context) =>
        MessageHeaders.Empty
            .With(HeaderNames.ContentType, arguments.Value.ValueKind == JsonValueKind.String ? "text/plain" : "application/json")
            .With(
                (arguments.Headers ?? new Dictionary<string, string>()).Select(
                    header => KeyValuePair.Create(header.Key, header.Value ?? "")))
            .With(MessageHeaders.Identify("onex-effects", new(context.CommandId.Value), context.CorrelationId, time.GetUtcNow()).Items)
            .WithTrace(context.TraceParent, context.TraceState);
}
