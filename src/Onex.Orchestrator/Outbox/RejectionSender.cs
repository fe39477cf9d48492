using Microsoft.Extensions.Logging;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// Sends the answers to rejected requests. No row stores such an answer, so the record's offset waits until the broker has acknowledged
/// it. Every copy of the answer has the same id, derived from the request's id and source.
/// </summary>
internal sealed class RejectionSender(
    ResponseWriter responses, IRecordProducer producer, ResentMessages resent, TimeProvider time, ILogger<RejectionSender> logger)
{
    private static readonly TimeSpan _retryAfter = TimeSpan.FromSeconds(1);

    /// <summary>Answers if there is a requester, then completes the record as its disposition says.</summary>
    public async Task AnswerAsync(BatchEntry entry, Rejection rejection, Disposition disposition, CancellationToken cancellation)
    {
        try
        {
            if (rejection.Requester is { } requester)
            {
                await SendAsync(responses.Write(requester, rejection, time.GetUtcNow()), cancellation);
            }

            entry.Complete(disposition == Disposition.DeadLetter
                ? new RecordOutcome.Dead(rejection.Code, rejection.Error, rejection.ErrorType, rejection.Requester?.CorrelationId)
                : RecordOutcome.Handled.Instance);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The process stops. The record is not completed, so it is read again and answered then.
        }
    }

    /// <summary>Sends a message, again and again until the broker has it or rejects it for good.</summary>
    public async Task SendAsync(OutgoingMessage message, CancellationToken cancellation)
    {
        var record = new ProducedRecord(message.Topic, message.Partition, message.Key, message.Value, message.Headers.Items);
        var report = await producer.ProduceAsync(record, cancellation);
        while (report.Delivery == DeliveryStatus.Unavailable)
        {
            await Task.Delay(_retryAfter, time, cancellation);
            if (!report.IsUnwritten)
            {
                resent.Add(message.Topic);
                Log.ResponseResent(logger, message.MessageId, message.Topic);
            }

            report = await producer.ProduceAsync(record, cancellation);
        }

        if (report.Delivery == DeliveryStatus.Undeliverable)
        {
            if (ShortResponse.For(message, report.Reason ?? "no reason given") is { } shortResponse)
            {
                await SendAsync(shortResponse, cancellation);
                return;
            }

            Log.MessageWithoutSagaUndeliverable(logger, message.MessageId, message.Topic, report.Reason);
        }
    }
}
