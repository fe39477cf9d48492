using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Outbox;

/// <summary>Writes responses to clients, and to parent sagas the results of their calls.</summary>
internal sealed class ResponseWriter(Topics topics)
{
    public OutgoingMessage Write(SagaId sagaId, Answer answer, MessageId messageId, DateTimeOffset at)
    {
        var failed = answer.Status == ResponseStatus.Error;
        if (answer.To.Parent is { } parent)
        {
            // A parent reads a large output from the store. A client cannot, so its response contains the output.
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
                Message = failed ? answer.Fault?.Message ?? "The saga failed." : null,
            });
        }

        return WriteResponse(answer.To, messageId, at, new Response
        {
            Success = failed ? false : null,
            Status = answer.IsDuplicate ? ResponseStatus.Duplicate : answer.Status,
            OriginalStatus = answer.IsDuplicate ? answer.Status : null,
            Payload = failed ? null : answer.Output ?? RawJson.EmptyObject,
            Error = failed ? answer.Fault?.Message ?? "The saga failed." : null,
            Code = failed ? answer.Fault?.Code ?? ErrorCodes.SagaFailed : null,
            Details = failed ? answer.Output : null,
            CorrelationId = answer.To.CorrelationId,
            Operation = answer.To.Operation,
            EnvelopeId = answer.To.EnvelopeId,
            SagaId = sagaId,
            Extra = answer.To.Extra,
        });
    }

    /// <summary>The response to a request that no saga handles. Its id is the same if the record is read again.</summary>
    public OutgoingMessage Write(Requester to, Rejection rejection, DateTimeOffset at) =>
        WriteRejection(to, rejection, new MessageId(Identity.OfRequest(to.RequestId, "refusal:" + to.Source)), at);

    /// <summary>The response to an event that a saga declined, or to an early one that was rejected.</summary>
    public OutgoingMessage WriteDeclined(Rejection rejection, MessageId messageId, DateTimeOffset at) =>
        WriteRejection(rejection.Requester!, rejection, messageId, at);

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

    private OutgoingMessage WriteRejection(Requester to, Rejection rejection, MessageId messageId, DateTimeOffset at) =>
        to.Parent is { } parent
            ? CreateOutcome(to, parent, messageId, at, new StepResult
            {
                CommandId = parent.CommandId,
                Attempt = parent.Attempt,
                SagaId = parent.SagaId,
                CorrelationId = to.CorrelationId,
                Outcome = StepOutcomes.Rejected,
                Code = rejection.Code,
                Message = rejection.Error,
            })
            : WriteResponse(to, messageId, at, Create(to, rejection));

    private OutgoingMessage WriteResponse(Requester client, MessageId messageId, DateTimeOffset at, Response response) => new()
    {
        MessageId = messageId,
        Topic = client.ReplyTo ?? topics.Responses,
        Key = client.CorrelationId.ToString(),
        Value = JsonSerializer.SerializeToUtf8Bytes(response, MessageJson.Readable.Response),
        Headers = MessageWriter.Headers(EventTypes.Response, messageId, client.CorrelationId, at).With(client.Headers),
    };
}
