using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Operations;
using Onex.Effects.Vault;
using Onex.Hosting.Logging;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
using Onex.Operations;
using Onex.Persistence;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;

namespace Onex.Effects.Running;

/// <summary>
/// Executes one attempt per command: lease, execute, record, send the result. A crash between any two is safe: without a record the lease
/// expires and the orchestrator sends a new attempt with the same idempotency key; with a record the next delivery is answered from the
/// ledger.
/// </summary>
internal sealed class EffectRunner(
    IReadOnlyDictionary<string, IEffectOperation> operations,
    ConnectionTable connections,
    ConnectionGates gates,
    IEffectLedger ledger,
    IParkedCommands parked,
    IPayloads payloads,
    ResultSender sender,
    TimeProvider time,
    ILogger<EffectRunner> logger,
    ResultRoom? room = null,
    SecretResolver? secrets = null,
    ISharedLimits? shared = null,
    MemoryGate? parkedMemory = null,
    ReportSender? reports = null,
    EffectMetrics? metrics = null)
{
    private static readonly MemoryGate _unbounded = new(long.MaxValue);
    private static readonly TimeSpan _recordFor = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _recordAgainAfter = TimeSpan.FromMilliseconds(500);

    /// <summary>Handles the command of a record.</summary>
    public Task HandleAsync(StepCommand command, ConsumedRecord record, CancellationToken cancellation) =>
        RunAsync(command, record.Trace(), cancellation);

    /// <summary>Handles a command. Throws only for problems that affect all commands: the store or the broker is unavailable.</summary>
    internal async Task RunAsync(StepCommand command, TraceContext? given, CancellationToken cancellation)
    {
        using var scope = logger.BeginScope(new CommandScope(command));

        // That of the request, not of the span here: this process may be killed before it exports that.
        var trace = given ?? NewTrace(command);

        using var use = connections.Use(command.Connection);
        var gate = gates.For(use.Connection);
        var arrived = time.GetTimestamp();
        using var permit = await gate.EnterAsync(command.Weight, cancellation);
        if (permit is null)
        {
            await ParkAsync(command, gate, arrived, trace, cancellation);
            return;
        }

        await using var limits = await SharedAsync(use.Connection, command, cancellation);
        if (!limits.MayBegin)
        {
            permit.Park();
            await ParkAsync(command, gate, arrived, trace, cancellation);
            return;
        }

        metrics?.Waited(gate.Name, arrived);
        var result = await ledger.ClaimAsync(command, cancellation);
        metrics?.Claimed(result);
        if (result is ClaimResult.Granted granted)
        {
            await RunGrantedAsync(command, use.Connection, permit, granted, trace, cancellation);
        }
        else
        {
            await AnswerAsync(command, gate, result, trace, cancellation);
        }
    }

    /// <summary>Runs a command that was parked, under the lease with which it was taken.</summary>
    internal async Task RunTakenAsync(TakenCommand taken, GatePermit permit, CancellationToken cancellation)
    {
        using var scope = logger.BeginScope(new CommandScope(taken.Command));
        var trace = taken.TraceParent is { } parent ? new TraceContext(parent, taken.TraceState) : NewTrace(taken.Command);
        using var use = connections.Use(taken.Command.Connection);
        var own = gates.For(use.Connection);
        if (taken.Connection != own.Name && use.Connection?.Name == taken.Command.Connection)
        {
            await MoveAsync(taken, own, permit, trace, cancellation);
            return;
        }

        using var memory = await EnterMemoryAsync(taken.Command, cancellation);
        await using var limits = memory is null
            ? new SharedTurn(null, MayBegin: false)
            : await SharedAsync(use.Connection, taken.Command, cancellation);
        if (!limits.MayBegin)
        {
            permit.GiveBack();
            await ParkAgainAsync(taken.Command, permit.Gate, taken.Lease, taken.Lease.FollowsUnrecordedLease, trace, cancellation);
            return;
        }

        await RunGrantedAsync(taken.Command, use.Connection, permit, taken.Lease, trace, cancellation);
    }

    // Why connections are unavailable, except the one whose gate let the attempt begin.
    private Func<string, string?> Outages(ConnectionGate own) => name =>
        name != own.Name && gates.For(connections.Find(name)).Read() is { Breaker: not BreakerState.Closed } gate
            ? gate.Reason ?? $"Connection '{name}' is unavailable."
            : null;

    // A command that waited for a Vault moves to the queue of its own connection. As the trial of the Vault it is resolved first.
    private async Task MoveAsync(
        TakenCommand taken, ConnectionGate own, GatePermit permit, TraceContext trace, CancellationToken cancellation)
    {
        var (command, target) = (taken.Command, own);
        if (permit.IsTrial && secrets is not null
            && (command.Arguments ?? await LoadArgumentsAsync(command.ArgumentsRef, cancellation)) is { } arguments)
        {
            var outcome = (await secrets.ResolveAsync(command, arguments, Outages(permit.Gate), cancellation)).Outcome;
            permit.Report(outcome?.WaitsFor == permit.Gate.Name ? outcome : AttemptOutcome.Works);
            if (outcome?.WaitsFor is { } vault && gates.For(connections.Find(vault)) is var unavailable
                && unavailable.OpenBreaker(outcome.Message))
            {
                target = unavailable;
            }
        }

        await ParkAgainAsync(command, target, taken.Lease, taken.Lease.FollowsUnrecordedLease, trace, cancellation);
        permit.GiveBack();
        gates.Changed();
    }

    // Null if there is no memory for the command soon: its lease runs already.
    private async Task<IDisposable?> EnterMemoryAsync(StepCommand command, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(GateSettings.LongestWait, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            return await (parkedMemory ?? _unbounded).EnterAsync(command.Weight, either.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    // Waits for the limits that processes share, as long as a command may wait in memory.
    private async Task<SharedTurn> SharedAsync(Connection? connection, StepCommand command, CancellationToken cancellation)
    {
        if (shared is null)
        {
            return new SharedTurn(null, MayBegin: true);
        }

        var began = time.GetTimestamp();
        while (true)
        {
            var permit = await shared.AcquireAsync(connection, command, cancellation);
            if (permit.Wait <= TimeSpan.Zero)
            {
                return new SharedTurn(permit.Held, MayBegin: true);
            }

            if (time.GetElapsedTime(began) + permit.Wait > GateSettings.LongestWait)
            {
                return new SharedTurn(null, MayBegin: false);
            }

            await Task.Delay(permit.Wait, time, cancellation);
        }
    }

    // The record's offset moves on: from here on the database holds the command.
    private async Task ParkAsync(StepCommand command, ConnectionGate gate, long arrived, TraceContext trace, CancellationToken cancellation)
    {
        ClaimResult? result = null;
        try
        {
            result = await parked.ParkAsync(ToPark(command, gate, time.GetElapsedTime(arrived), trace), cancellation);
        }
        finally
        {
            gate.EndParking(result is ClaimResult.Parked);
        }

        await AnswerAsync(command, gate, result, trace, cancellation);
    }

    private async Task AnswerAsync(
        StepCommand command, ConnectionGate gate, ClaimResult result, TraceContext trace, CancellationToken cancellation)
    {
        switch (result)
        {
            case ClaimResult.Recorded(var known):
                Log.AnsweredFromLedger(logger, command.Operation, known.Attempt);
                await sender.SendAsync(known, command.HomePartition, trace, cancellation);
                break;

            case ClaimResult.Leased:
                Log.LeasedElsewhere(logger, command.Operation, command.Attempt);
                break;

            case ClaimResult.Parked:
                metrics?.Parked(gate.Name);
                Log.Parked(logger, command.Operation, command.Attempt, gate.Name);
                break;

            case ClaimResult.Expired(var reason):
                Log.Expired(logger, command.Operation, command.Attempt, reason);
                break;
        }
    }

    private async Task RunGrantedAsync(
        StepCommand command, Connection? connection, GatePermit permit, ClaimResult.Granted lease, TraceContext trace,
        CancellationToken cancellation)
    {
        // The memory of the result is released once it was sent.
        using var place = (room ?? ResultRoom.Unbounded).Begin();
        using var held = metrics?.Begin() ?? default;
        var record = new AttemptRecord(ledger, payloads, command, lease);
        var began = time.GetTimestamp();
        var outcome = Tracing.IsOn
            ? await TraceAsync(command, connection, permit.Gate, record, place, trace, cancellation)
            : await AttemptAsync(command, connection, permit.Gate, record, place, trace, cancellation);
        metrics?.Ended(command.Operation, permit.Gate.Name, outcome.Outcome, began);
        if (outcome.WaitsFor is { } name)
        {
            var awaited = gates.For(connections.Find(name));
            permit.Report(outcome with { IsUntried = awaited != permit.Gate });
            if (awaited.OpenBreaker(outcome.Message))
            {
                await ParkAgainAsync(command, awaited, lease, lease.FollowsUnrecordedLease, trace, cancellation);
                gates.Changed();
                return;
            }
        }

        // An attempt that met an outage is not counted. The ledger remembers whether it may have taken effect.
        var mayRepeat = outcome.Reach == AttemptReach.NotSent || command.Once != true;
        var isFirst = command.Attempt == 1 && !lease.FollowsUnrecordedLease;
        if (permit.Report(outcome, isFirst) && mayRepeat && record.Committed is null && !record.IsInDoubt)
        {
            var maySent = lease.FollowsUnrecordedLease || outcome.Reach != AttemptReach.NotSent;
            await ParkAgainAsync(command, permit.Gate, lease, maySent, trace, cancellation);
        }
        else if ((record.Committed ?? await RecordAsync(command, record, outcome, cancellation)) is { } result)
        {
            await sender.SendAsync(result, command.HomePartition, trace, cancellation);
        }
    }

    private async Task ParkAgainAsync(
        StepCommand command, ConnectionGate gate, ClaimResult.Granted lease, bool maySent, TraceContext trace,
        CancellationToken cancellation)
    {
        var again = ToPark(command, gate, TimeSpan.Zero, trace);
        if (await RetryAsync(() => parked.ParkAgainAsync(lease.LeaseToken, again, maySent, cancellation), cancellation))
        {
            gate.MarkParked();
            metrics?.Parked(gate.Name);
            Log.Parked(logger, command.Operation, command.Attempt, gate.Name);
        }
        else
        {
            Log.LeaseLost(logger, command.Operation, command.Attempt);
        }
    }

    private static CommandToPark ToPark(StepCommand command, ConnectionGate gate, TimeSpan age, TraceContext trace) =>
        new(command, gate.Name, age) { TraceParent = trace.Parent, TraceState = trace.State };

    // Giving up at once would repeat the effect.
    private async Task<T> RetryAsync<T>(Func<Task<T>> write, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await write();
            }
            catch (StoreUnavailableException) when (time.GetElapsedTime(began) < _recordFor)
            {
                await Task.Delay(_recordAgainAfter, time, cancellation);
            }
        }
    }

    // Parked commands run without a record, so below the request.
    private async Task<AttemptOutcome> TraceAsync(
        StepCommand command,
        Connection? connection,
        ConnectionGate gate,
        AttemptRecord record,
        ResultRoom.Place place,
        TraceContext trace,
        CancellationToken cancellation)
    {
        var name = $"attempt {command.Operation}";
        using var span = Activity.Current is { } around && around.Source == Tracing.Source
            ? Tracing.StartChild(name, ActivityKind.Internal, around)
            : Tracing.Start(name, ActivityKind.Internal, Tracing.ParentOf(trace.Parent, trace.State));
        span.Describe(command);
        Activity.Current = span ?? Activity.Current;
        var outcome = await AttemptAsync(command, connection, gate, record, place, trace, cancellation);
        if (outcome.Outcome != StepOutcomes.Completed)
        {
            span.Fail(outcome.Code ?? outcome.Outcome, outcome.Message);
        }

        return outcome;
    }

    private async Task<AttemptOutcome> AttemptAsync(
        StepCommand command,
        Connection? connection,
        ConnectionGate gate,
        AttemptRecord record,
        ResultRoom.Place place,
        TraceContext trace,
        CancellationToken cancellation)
    {
        // The orchestrator checked both against its own configuration, which may differ from this process's during a deployment.
        if (!operations.TryGetValue(command.Operation, out var operation))
        {
            return AttemptOutcome.Failed(
                AttemptReach.NotSent, StepCodes.OperationUnknown, $"This runtime-effects has no operation '{command.Operation}'.");
        }

        if (command.Connection is not null && connection is null)
        {
            return AttemptOutcome.Failed(
                AttemptReach.NotSent, "connection_unknown", $"This runtime-effects has no connection '{command.Connection}'.");
        }

        if (connection is { Unknown: { Count: > 0 } unknown })
        {
            return AttemptOutcome.Failed(
                AttemptReach.NotSent, "connection_failed",
                $"Connection '{connection.Name}' waits for a secret of Vault: {string.Join(", ", unknown)}.") with
            { WaitsFor = connection.Name };
        }

        var timeout = TimeSpan.FromMilliseconds(command.TimeoutMs);
        using var timer = new CancellationTokenSource(timeout, time);
        using var stopping = cancellation.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), timer);
        return await GuardedAsync(timer.Token);

        async Task<AttemptOutcome> GuardedAsync(CancellationToken ends)
        {
            var context = new AttemptContext(
                command.Operation, command.CommandId, command.CorrelationId, trace.Parent, trace.State, connection, timeout, record)
            {
                Room = place,
                SagaId = command.SagaId,
                Attempt = command.Attempt,
                BeginReports = () => reports?.For(command, trace),
                FollowsAttempt = record.FollowsAttempt,
            };
            try
            {
                var arguments = command.Arguments ?? await LoadArgumentsAsync(command.ArgumentsRef, ends);
                if (arguments is null)
                {
                    return AttemptOutcome.Rejected(
                        StepCodes.ArgumentsMissing, "The stored arguments of this command no longer exist.") with
                    { IsUntried = true };
                }

                if (secrets is not null)
                {
                    var resolved = await secrets.ResolveAsync(command, arguments.Value, Outages(gate), ends);
                    if (resolved.Outcome is { } unresolved)
                    {
                        return unresolved with { IsUntried = true };
                    }

                    (arguments, record.Mask) = (resolved.Arguments, resolved.Mask);
                }

                var outcome = await operation.RunAsync(arguments.Value, context, ends);
                return outcome with
                {
                    IsUntried = outcome is { Outcome: StepOutcomes.Rejected } && !context.Progress.HasConnected,
                    Message = record.Mask.Apply(outcome.Message),
                };
            }
            catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancellation.IsCancellationRequested)
            {
                return AttemptOutcome.Failed(
                    context.Progress.Reach,
                    StepCodes.StepTimedOut,
                    context.Progress.IsSent
                        ? $"No response within {command.TimeoutMs} ms."
                        : $"Nothing was sent within {command.TimeoutMs} ms.");
            }
            catch (Exception exception) when (exception is not (OperationCanceledException or StoreUnavailableException))
            {
                // Without its message, which may contain credentials.
                Log.OperationThrew(logger, command.Operation, exception.GetType().Name, exception.StackTrace);
                return AttemptOutcome.Failed(
                    context.Progress.Reach, StepCodes.OperationFailed, $"{command.Operation} threw {exception.GetType().Name}.");
            }
        }
    }

    private async Task<RawJson?> LoadArgumentsAsync(Guid? reference, CancellationToken cancellation) =>
        reference is not { } id ? RawJson.EmptyObject
        : (await payloads.LoadPayloadsAsync([id], cancellation)).TryGetValue(id, out var payload) ? payload.Content
        : null;

    // The recorded result, or null if the lease was lost: another attempt may have another outcome, and only the recorded one may be sent.
    private async Task<StepResult?> RecordAsync(
        StepCommand command, AttemptRecord record, AttemptOutcome outcome, CancellationToken cancellation)
    {
        var result = record.ResultOf(outcome);
        StepResult? recorded;
        while (true)
        {
            try
            {
                recorded = await RetryAsync(() => record.RecordAsync(result, cancellation), cancellation);
                break;
            }
            catch (Exception exception)
                when (exception is not (OperationCanceledException or StoreUnavailableException)
                    && result is not { Result: null, ResultRef: null })
            {
                // The database rejects the value. The attempt has ended all the same, and the orchestrator needs its result.
                Log.ResultRefused(logger, command.Operation, exception);
                result = result with
                {
                    Outcome = StepOutcomes.Failed,
                    Reach = result.Outcome == StepOutcomes.Completed ? StepReaches.Done : result.Reach,
                    Result = null,
                    Code = StepCodes.ResultInvalid,
                    Message = "The result cannot be stored as JSON.",
                    RetryAfterMs = null,
                };
            }
        }

        if (recorded is null)
        {
            Log.LeaseLost(logger, command.Operation, command.Attempt);
        }

        return recorded;
    }

    // A command without a trace starts one, the same in every delivery.
    private static TraceContext NewTrace(StepCommand command) =>
        new($"00-{command.CorrelationId:N}-{command.CommandId.Value.ToString("N")[..16]}-00", null);

    private readonly record struct SharedTurn(IAsyncDisposable? Held, bool MayBegin) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Held?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
