using System.Text;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Api;

/// <summary>Handles requests and operator commands of the HTTP API through the same router as records.</summary>
internal sealed class SagaControl(
    RequestReader requests,
    RequestRules rules,
    SagaRouter router,
    SagaReader reader,
    SagaSignals signals,
    SagaHomes homes,
    KnownRequests known,
    ResponseWriter responses,
    ParkedReasons parked,
    DatabaseClock clock,
    TimeProvider time,
    RequestMetrics? metrics = null) : ISagaControl
{
    // The poll interval for sagas that other orchestrators handle; this orchestrator signals its own at once.
    private static readonly TimeSpan _pollInterval = TimeSpan.FromMilliseconds(250);

    public async Task<Submission> SubmitAsync(
        ReadOnlyMemory<byte> body, IReadOnlyList<KeyValuePair<string, string>> headers, CancellationToken cancellation)
    {
        var now = clock.Now;
        var id = MessageId.Create(now);
        var origin = new RequestOrigin(
            id, $"http/{id}", RequestReader.HeadersToPassOn(
                headers.Select(header => new KeyValuePair<string, byte[]?>(header.Key, Encoding.UTF8.GetBytes(header.Value)))));
        var (parsed, rejection) = requests.Read(body, origin);
        if (parsed is null)
        {
            metrics?.Count(rejection!.Requester?.Operation, "http", "rejected");
            return Reject(rejection!, origin);
        }

        var sagaId = SagaId.Create(now);
        (var accepted, rejection) = rules.Accept(parsed, sagaId, await homes.FindAsync(sagaId, cancellation), now);
        var caller = new TaskCompletionSource<DeliveryOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        var delivery = accepted is not null
            ? Delivery.For(accepted, OutcomeSink.For(caller))
            : (await known.FindAsync(rejection!.Requester, cancels: false, OutcomeSink.For(caller), cancellation))?.Delivery;
        metrics?.Count(
            parsed.Requester.Operation, "http", accepted is not null ? "accepted" : delivery is not null ? "known" : "rejected");
        if (delivery is null)
        {
            return Reject(rejection!, origin);
        }

        return await HandleAsync(delivery, caller, cancellation) switch
        {
            DeliveryOutcome.Done done =>
                new Submission.Accepted(done.SagaId, parsed.Requester.RequestId, parsed.Requester.CorrelationId) { Source = origin.Source },
            DeliveryOutcome.Rejected rejected => Reject(rejected.Rejection, origin),
            DeliveryOutcome.Failed { Failure: var failure } => Reject(failure.ToRejection(parsed.Requester), origin),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    public async Task<ReadOnlyMemory<byte>?> WaitForResponseAsync(
        Submission.Accepted request, TimeSpan within, CancellationToken cancellation)
    {
        if (request.SagaId is not { } sagaId)
        {
            return null;
        }

        using var listener = signals.Listen(sagaId);
        var started = time.GetTimestamp();
        var (exists, saga) = await TryReadAsync(sagaId, cancellation);
        while (exists)
        {
            if (saga is not null)
            {
                // An accepted event has no answer.
                if (SagaAnswers.FindWaiter(saga, request) is not { } waiter)
                {
                    return null;
                }

                if (SagaAnswers.FindAnswer(saga, waiter) is { } answer)
                {
                    return responses.Write(sagaId, answer, default, saga.UpdatedAt).Value;
                }
            }

            var remaining = within - time.GetElapsedTime(started);
            if (remaining <= TimeSpan.Zero)
            {
                return null;
            }

            await Task.WhenAny(
                listener.Answered, Task.Delay(remaining < _pollInterval ? remaining : _pollInterval, time, cancellation));
            cancellation.ThrowIfCancellationRequested();
            (exists, saga) = listener.Answered.IsCompletedSuccessfully
                ? (true, await listener.Answered)
                : await TryReadAsync(sagaId, cancellation);
        }

        return null;
    }

    public async Task<(bool Exists, ReadOnlyMemory<byte>? Response)> FindResponseAsync(SagaId sagaId, CancellationToken cancellation)
    {
        if (await reader.ReadAsync([sagaId], cancellation) is not [{ Saga: { } saga }])
        {
            return (false, null);
        }

        // Not as one conditional expression: there 'null' would convert to an empty ReadOnlyMemory<byte>, and the caller would get that.
        if (SagaAnswers.FindAnswer(saga, new Waiter(saga.Facts.Requester with { Parent = null }, IsDuplicate: false)) is not { } answer)
        {
            return (true, null);
        }

        return (true, responses.Write(sagaId, answer, default, saga.UpdatedAt).Value);
    }

    public async Task<OperatorAnswer> OperateAsync(
        SagaId sagaId, OperatorCommand command, string operatorName, string? reason, CancellationToken cancellation)
    {
        var request = new OperatorRequested
        {
            SagaId = sagaId,
            CausedBy = MessageId.Create(clock.Now),
            Command = command,
            By = operatorName,
            Reason = reason,
        };
        var caller = new TaskCompletionSource<DeliveryOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        return await HandleAsync(new Delivery(request, OutcomeSink.For(caller)), caller, cancellation) switch
        {
            DeliveryOutcome.Done { Saga: { } saga, Decision: { } decision } => decision.WhyNotDone is { } objection
                ? new OperatorAnswer(OperatorOutcome.NotAllowed, objection, saga.Status.ToText())
                : new OperatorAnswer(
                    OperatorOutcome.Done, $"The saga is {saga.Status.ToText()} in state '{saga.State}' now.", saga.Status.ToText()),
            DeliveryOutcome.Done { Saga: { EndedAt: { } ended } saga } => new OperatorAnswer(
                OperatorOutcome.NotAllowed,
                $"The saga has ended in state '{saga.State}' at {TimeText.Format(ended)}. An ended saga does not change.",
                saga.Status.ToText()),
            DeliveryOutcome.Failed { Failure.Reason: var cause } => new OperatorAnswer(OperatorOutcome.NotAllowed, cause, null),
            _ => new OperatorAnswer(OperatorOutcome.NotFound, $"There is no saga {sagaId}.", null),
        };
    }

    public async Task<WaitReason?> WhyAsync(SagaId sagaId, CancellationToken cancellation) =>
        await reader.ReadAsync([sagaId], cancellation) switch
        {
            [{ Saga: { } saga, Machine: { } machine, Row: { } row }] =>
                Describe(machine, saga, row, await parked.ReadAsync(saga, cancellation)),
            [{ Problem: { } problem, Row: { } row }] => Blocked(row, problem),
            [{ Row: { } row }] => new WaitReason(
                $"It waits for its contract: '{row.Contract}' {row.ContractVersion} ({row.ContractHash[..12]}) is not registered here. "
                + $"Put that version back: the orchestrators load it within seconds ({ErrorCodes.PlanMissing}).",
                row.Status.ToText(), row.State, row.UpdatedAt, row.NextWakeupAt, [], []),
            _ => null,
        };

    // A saga whose messages cannot be handled may be impossible to describe, too. Then only the reason is returned.
    private WaitReason Describe(PlanMachine machine, SagaState saga, SagaRow row, IReadOnlyDictionary<CommandId, string> reasons)
    {
        try
        {
            return Waits.Describe(machine.Plan, saga, clock.Now, reasons);
        }
#pragma warning disable CA1031 // Whatever the exception, the caller gets an answer: the saga is blocked.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            return Blocked(row, saga.BlockedBecause ?? failure.Message);
        }
    }

    private static WaitReason Blocked(SagaRow row, string reason) => new(
        $"It is blocked and waits for an operator: {reason} ({ErrorCodes.SagaUnreadable})",
        row.Status.ToText(), row.State, row.UpdatedAt, row.NextWakeupAt, ["an operator"], [$"sagas retry {row.Id}"]);

    // A caller that stops waiting changes nothing: the work continues to its end.
    private async Task<DeliveryOutcome> HandleAsync(
        Delivery delivery, TaskCompletionSource<DeliveryOutcome> caller, CancellationToken cancellation)
    {
        await router.HandleAsync([delivery], CancellationToken.None).WaitAsync(cancellation);
        return await caller.Task.WaitAsync(cancellation);
    }

    // Returns true and no saga if the database is unavailable or the saga cannot be read here: the wait continues.
    private async Task<(bool Exists, SagaState? Saga)> TryReadAsync(SagaId sagaId, CancellationToken cancellation)
    {
        try
        {
            return await reader.ReadAsync([sagaId], cancellation) is [var stored] ? (true, stored.Saga) : (false, null);
        }
        catch (StoreUnavailableException)
        {
            return (true, null);
        }
    }

    private static Submission.Rejected Reject(Rejection rejection, RequestOrigin origin) => new(ResponseWriter.Create(
        rejection.Requester ?? new Requester
        {
            RequestId = origin.RequestId,
            CorrelationId = Identity.OfRequest(origin.RequestId, "correlation"),
            Operation = "",
            Source = origin.Source,
        },
        rejection));
}
