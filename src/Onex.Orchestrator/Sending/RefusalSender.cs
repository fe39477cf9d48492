using Microsoft.Extensions.Logging;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Orchestrator.Requests;
using Onex.Orchestrator.Responses;

namespace Onex.Orchestrator.Sending;

/// <summary>
/// Answers requests that start no saga. There is no row that would hold the answer, so the record's offset waits until the broker has it; every
/// copy has the same id, derived from the record's position.
/// </summary>
internal sealed class RefusalSender(ResponseWriter responses, IRecordProducer producer, TimeProvider time, ILogger<RefusalSender> logger)
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    /// <summary>Answers, if there is someone to answer, then settles the record: as dead if it is bad input, else as done.</summary>
    public async Task AnswerAsync(BatchEntry entry, Refusal refusal, bool dead, CancellationToken cancellation)
    {
        try
        {
            if (refusal.Asker is { } asker)
            {
                var response = responses.Write(asker, refusal, time.GetUtcNow());
                var record = new ProducedRecord(
                    response.Topic, response.Partition, response.Key, response.Value, MessageHeaders.ToList(response.Headers));
                var report = await producer.ProduceAsync(record, cancellation);
                while (report.Delivery == Delivery.Unavailable)
                {
                    await Task.Delay(_pause, time, cancellation);
                    report = await producer.ProduceAsync(record, cancellation);
                }

                if (report.Delivery == Delivery.Refused)
                {
                    logger.LogError("The answer to request {Source} is refused by the broker: {Reason}", asker.Source, report.Reason);
                }
            }

            entry.Settle(dead
                ? new RecordOutcome.Dead(refusal.Code, refusal.Error, refusal.ErrorType, refusal.Asker?.CorrelationId)
                : RecordOutcome.Done.Instance);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // Stopping: the record is not settled, so whoever comes next reads it again and answers.
        }
    }
}
