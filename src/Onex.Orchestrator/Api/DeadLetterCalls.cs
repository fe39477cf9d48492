using System.Text.Json;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.DeadLetters;

namespace Onex.Orchestrator.Api;

/// <summary>Calls that show, redrive and discard dead letters.</summary>
internal sealed class DeadLetterCalls(
    IDeadLetterIndex deadLetters,
    HandledRecords handledRecords,
    OutgoingSender sender,
    TimeProvider time,
    ILogger<DeadLetterCalls> logger)
{
    public async Task ListAsync(ApiCall call)
    {
        var filter = new DeadLetterFilter
        {
            Topic = call.Query("topic"),
            Code = call.Query("code"),
            Statuses = call.Values<DeadLetterStatus>("status", DeadLetterStatusText.ToText),
            Text = call.Query("q"),
            After = call.Query("after"),
            Limit = call.Number("limit", @default: 50, max: 500),
        };
        await call.AnswerPageAsync(
            "dead_letters",
            async () =>
            {
                var page = await deadLetters.ListAsync(filter, call.Aborted);
                return (page.DeadLetters, page.Next);
            },
            DeadLetterJson.WriteSummary);
    }

    public async Task ShowAsync(ApiCall call)
    {
        var id = call.DeadLetterId;
        var row = await deadLetters.FindAsync(id, call.Aborted) ?? throw Unknown(id);
        var handled = await handledRecords.FindAsync(row, call.Aborted);
        await call.AnswerAsync(200, writer => DeadLetterJson.WriteDetail(writer, row, handled));
    }

    public async Task RedriveAsync(ApiCall call)
    {
        var id = call.DeadLetterId;
        var body = await call.CommandAsync();
        var (reason, force) = (ApiCall.Reason(body), Force(body));
        var row = await deadLetters.FindAsync(id, call.Aborted) ?? throw Unknown(id);
        if (row.Status != DeadLetterStatus.Open && !force)
        {
            throw AlreadyDecided(row);
        }

        if (row.Value is null)
        {
            throw new CallException(
                409, ErrorCodes.DeadLetterIncomplete, $"The value of dead letter {id} is not stored here, so it cannot be sent again.",
                $"Send the record again yourself: it was on {row.Topic}, partition {row.Partition}, offset {row.Offset}, and its "
                + $"dead letter is on {Topics.DeadLetterTopicOf(row.Topic)}.");
        }

        if (!force && await handledRecords.FindAsync(row, call.Aborted) is { } handled)
        {
            throw new CallException(
                409, ErrorCodes.DeadLetterRecordHandled, $"The record of dead letter {id} was handled nevertheless. {handled.Reason}",
                $"Show the saga: onex sagas show {handled.SagaId}. The dead letter can be discarded: onex dlq discard {id} --reason TEXT. "
                + "Sending the record all the same does no harm: onex dlq redrive --force, or \"force\": true.");
        }

        var now = time.GetUtcNow();
        var decisionId = Guid.CreateVersion7(now);
        var message = Redrive.Create(row, decisionId, now);
        var decided = await DecideAsync(
            call, new DeadLetterDecision(decisionId, id, DeadLetterStatus.Redriven, call.Caller, reason, force, message));

        // The message is in the outbox: if this process dies now, the sweep of another orchestrator sends it.
        sender.Send(new SagaId(id), [message]);
        await AnswerAsync(call, decided);
    }

    public async Task DiscardAsync(ApiCall call)
    {
        var id = call.DeadLetterId;
        var reason = ApiCall.Reason(await call.CommandAsync());
        if (string.IsNullOrWhiteSpace(reason))
        {
            throw new CallException(
                400,
                ErrorCodes.CallInvalid,
                "'reason' is missing.",
                "Give the reason why it is discarded: {\"reason\": \"sent twice by mistake\"}.");
        }

        var decisionId = Guid.CreateVersion7(time.GetUtcNow());
        await AnswerAsync(call, await DecideAsync(
            call, new DeadLetterDecision(decisionId, id, DeadLetterStatus.Discarded, call.Caller, reason, Force: false, Message: null)));
    }

    private async Task<DeadLetterRow> DecideAsync(ApiCall call, DeadLetterDecision decision)
    {
        // Not cancelled: a caller that disconnects must not leave the message to the sweep.
        var row = await deadLetters.DecideAsync(decision, CancellationToken.None) ?? throw Unknown(decision.DeadLetterId);
        // Not written: the dead letter was no longer open, and the decision is not forced.
        if (row.DecisionId != decision.Id)
        {
            throw AlreadyDecided(row);
        }

        Log.DeadLetterDecided(logger, row.Id, row.Topic, row.Status.ToText(), call.Caller);
        return row;
    }

    private static Task AnswerAsync(ApiCall call, DeadLetterRow row) => call.AnswerAsync(200, writer =>
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("topic", row.Topic);
        writer.WriteString("status", row.Status.ToText());
        writer.WriteNumber("redrives", row.Redrives);
    });

    private static CallException Unknown(Guid id) => new(
        404, ErrorCodes.DeadLetterUnknown, $"There is no dead letter {id}.", "Search for it: onex dlq list --q TEXT.");

    private static CallException AlreadyDecided(DeadLetterRow row) => new(
        409, ErrorCodes.DeadLetterAlreadyHandled,
        $"Dead letter {row.Id} was {row.Status.ToText()} already, at {TimeText.Format(row.DecidedAt ?? row.At)} by {row.DecidedBy}.",
        "'onex dlq show' shows why. To send its record all the same: onex dlq redrive --force, or \"force\": true.");

    private static bool Force(JsonElement body)
    {
        if (!body.TryGetProperty("force", out var force))
        {
            return false;
        }

        return force.ValueKind is JsonValueKind.True or JsonValueKind.False
            ? force.GetBoolean()
            : throw new CallException(
                400,
                ErrorCodes.CallInvalid,
                "'force' is neither true nor false.",
                "Give true to send a record that was redriven, discarded or handled already.");
    }
}
