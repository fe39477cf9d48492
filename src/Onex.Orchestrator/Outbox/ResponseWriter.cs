using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Outbox;

/// <summary>Writes responses to clients and to parent sagas.</summary>
internal sealed class ResponseWriter(Topics topics)
{
    public OutgoingMessage Write(SagaId sagaId, Answer answer, MessageId messageId, DateTimeOffset at)
    {
        var failed = answer.Status == ResponseStatus.Error;
        if (answer.To.Parent is { } parent)
        {
            var output = failed ? null : answer.Output;
            var isLarge = output?.Utf8.Length > MessageSizes.InlineMax;
            return CreateOutcome(answer.To, parent, messageId, at, new StepResult
            {
                CommandId = parent.CommandId,
                Attempt = parent.Attempt,
                SagaId = parent.SagaId,
                CorrelationId = answer.To.CorrelationId,
                Outcome = failed ? StepOutcomes.Rejected : StepOutcomes.Completed,
                Result = isLarge ? null : output,
                ResultRef = isLarge ? answer.OutputRef : null,
                Code = failed ? answer.Fault?.Code ?? ErrorCodes.SagaFailed : null,
                Message = failed ? answer.Fault?.Message ?? "The process failed." : null,
            });
        }

        return Write(answer.To, messageId, at, new Response
        {
            Success = failed ? false : null,
            Status = answer.IsDuplicate ? ResponseStatus.Duplicate : answer.Status,
            OriginalStatus = answer.IsDuplicate ? answer.Status : null,
            Payload = failed ? null : answer.Output ?? RawJson.EmptyObject,
            Error = failed ? answer.Fault?.Message ?? "The process failed." : null,
            Code = failed ? answer.Fault?.Code ?? ErrorCodes.SagaFailed : null,
            Details = failed ? answer.Output : null,
            CorrelationId = answer.To.CorrelationId,
            Operation = answer.To.Operation,
            EnvelopeId = answer.To.EnvelopeId,
            SagaId = sagaId,
            Extra = answer.To.Extra,
        });
    }

    /// <summary>The response to a rejected request. No saga handles the request, so the id is derived from the request's source.</summary>
    public OutgoingMessage Write(Requester to, Rejection rejection, DateTimeOffset at) =>
        Write(to, new MessageId(Identity.OfRequest(to.RequestId, "refusal:" + to.Source)), at, Create(to, rejection));

    /// <summary>The response to a buffered event that was declined.</summary>
    public OutgoingMessage Write(Rejection rejection, MessageId messageId, DateTimeOffset at) =>
        Write(rejection.Requester!, messageId, at, Create(rejection.Requester!, rejection));

    public static Response Create(Requester to, Rejection rejection) => new()
    {
        Success = false,
        Status = ResponseStatus.Error,
        Error = rejection.Error,
        Code = rejection.Code,
        Details = rejection.Details,
        CorrelationId = to.CorrelationId,
        Operation = to.Operation.Length == 0 ? null : to.Operation,
        EnvelopeId = to.EnvelopeId,
        SagaId = rejection.SagaId,
        Extra = to.Extra,
    };

    // The message to a parent saga with the outcome of the step that called this saga.
    private OutgoingMessage CreateOutcome(
        Requester to, ParentLink parent, MessageId messageId, DateTimeOffset at, StepResult result) => new()
        {
            MessageId = messageId,
            Topic = topics.SagaEvents,
            Partition = parent.HomePartition,
            Key = parent.CommandId.ToString(),
            Value = JsonSerializer.SerializeToUtf8Bytes(new SagaMessage { Result = result }, MessageJson.Default.SagaMessage),
            Headers = MessageWriter.Headers(EventTypes.Result, messageId, to.CorrelationId, at).With(to.Headers),
        };

    private OutgoingMessage Write(Requester to, MessageId messageId, DateTimeOffset at, Response response) => to.Parent is { } parent
        ? CreateOutcome(to, parent, messageId, at, new StepResult
        {
            CommandId = parent.CommandId,
            Attempt = parent.Attempt,
            SagaId = parent.SagaId,
            CorrelationId = to.CorrelationId,
            Outcome = StepOutcomes.Rejected,
            Code = response.Code,
            Message = response.Error,
        })
        : new()
        {
            MessageId = messageId,
            Topic = to.ReplyTo ?? topics.Responses,
            Key = to.CorrelationId.ToString(),
            Value = JsonSerializer.SerializeToUtf8Bytes(response, MessageJson.Readable.Response),
            Headers = MessageWriter.Headers(EventTypes.Response, messageId, to.CorrelationId, at).With(to.Headers),
        };
}
