using Onex.Kafka.Records;
using Onex.Orchestrator.Intake;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// Reports the outcome of a delivery to its sink: completes the record, or returns the outcome to the caller in this process.
/// </summary>
internal sealed class OutcomeReporter(RejectionSender rejections)
{
    /// <summary>Reports an outcome. If a rejection is still to be answered, its record is completed only after the answer.</summary>
    public void Report(OutcomeSink sink, DeliveryOutcome outcome, CancellationToken cancellation)
    {
        if (sink.Record is { } record)
        {
            switch (outcome)
            {
                case DeliveryOutcome.Rejected { IsAnswered: false, Rejection: var rejection, Disposition: var disposition }:
                    _ = rejections.AnswerAsync(record, rejection, disposition, cancellation);
                    break;
                case DeliveryOutcome.Failed { Failure: var failure }:
                    record.Complete(new RecordOutcome.Dead(failure.Code, failure.Reason, failure.ErrorType, null));
                    break;
                default:
                    record.Complete(RecordOutcome.Handled.Instance);
                    break;
            }
        }

        sink.Caller?.TrySetResult(outcome);
    }
}
