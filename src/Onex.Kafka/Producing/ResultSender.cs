using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Producing;

/// <summary>Sends the result of an attempt to the home partition of the saga that waits for it.</summary>
/// <param name="producer">The process's producer.</param>
/// <param name="time">The clock of the <c>timestamp</c> header.</param>
/// <param name="topic">The role's response topic.</param>
/// <param name="source">The role, for the <c>source</c> header.</param>
public sealed class ResultSender(IRecordProducer producer, TimeProvider time, string topic, string source)
{
    /// <summary>The code of the rejection that is sent instead of a result that the broker rejects.</summary>
    public const string ResultUndeliverable = "result_undeliverable";

    /// <summary>
    /// Produces the result and waits until it is durable. If the broker rejects it for good, sends a rejection of the step instead, without
    /// the result's value. Throws <see cref="BrokerUnavailableException"/> if no broker answers, and
    /// <see cref="InvalidOperationException"/> if the broker rejects for good even what has no value.
    /// </summary>
    /// <param name="result">The result.</param>
    /// <param name="homePartition">The partition that the command named.</param>
    /// <param name="trace">The command's trace context, or null.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task SendAsync(StepResult result, int homePartition, TraceContext? trace, CancellationToken cancellation)
    {
        var headers = MessageHeaders
            .Create(
                source, EventTypes.Result, Identity.ResultMessage(result.CommandId, result.Attempt), result.CorrelationId,
                time.GetUtcNow())
            .WithTrace(trace?.Parent, trace?.State);

        var value = JsonSerializer.SerializeToUtf8Bytes(result, MessageJson.Default.StepResult);
        var report = await producer.ProduceAsync(
            new ProducedRecord(topic, homePartition, result.CommandId.ToString(), value, headers.Items), cancellation);

        switch (report.Delivery)
        {
            case DeliveryStatus.Acknowledged:
                return;
            case DeliveryStatus.Unavailable:
                throw new BrokerUnavailableException($"The result of command {result.CommandId} was not acknowledged: {report.Reason}");
            case DeliveryStatus.Undeliverable when result.Result is not null:
                // The saga must learn of this, so that its step is rejected with a code instead of never ending.
                await SendAsync(
                    result with
                    {
                        Outcome = StepOutcomes.Rejected,
                        Result = null,
                        Reach = result.Outcome == StepOutcomes.Completed ? StepReaches.Done : result.Reach,
                        Code = ResultUndeliverable,
                        Message = $"The broker rejects the result on '{topic}' (length in bytes: {value.Length}): {report.Reason}",
                        RetryAfterMs = null,
                    },
                    homePartition, trace, cancellation);
                return;
            default:
                throw new InvalidOperationException(
                    $"The broker rejects the result of command {result.CommandId} on {topic}/{homePartition}: {report.Reason}");
        }
    }
}
