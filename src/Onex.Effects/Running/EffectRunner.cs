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
/// Executes the attempt that a command asks for: lease, execute, record the result in the ledger, send it. A crash between any two of these
/// is safe: if no result is recorded, the lease expires and the orchestrator decides about a further attempt with the same idempotency key;
/// otherwise the next delivery is answered from the ledger, or the orchestrator finds the result there.
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
    ResultMemory? resultMemory = null,
    SecretResolver? secrets = null,
    ISharedLimits? sharedLimits = null,
    MemoryGate? parkedMemory = null,
    ReportSender? reports = null,
    EffectMetrics? metrics = null)
{
    private static readonly MemoryGate _unbounded = new(long.MaxValue);
    private static readonly TimeSpan _recordTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _recordRetryDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _recordAfterStop = TimeSpan.FromSeconds(2);

    /// <summary>Handles the command of a record.</summary>
    public Task HandleAsync(StepCommand command, ConsumedRecord record, CancellationToken cancellation) =>
        RunAsync(command, record.Trace(), cancellation);

    /// <summary>Handles a command. Throws if the store or the broker is unavailable, which affects all commands, or if cancelled.</summary>
    internal async Task RunAsync(StepCommand command, TraceContext? recordTrace, CancellationToken cancellation)
    {
        using var scope = logger.BeginScope(new CommandScope(command));

        // The trace context of the request. A span of this process is lost if the process is killed before the export.
        var trace = recordTrace ?? NewTrace(command);

        using var use = connections.Use(command.Connection);
        var gate = gates.For(use.Connection);
        var arrived = time.GetTimestamp();
        using var permit = await gate.EnterAsync(command.Weight, cancellation);
        if (permit is null)
        {
            await ParkAsync(command, gate, arrived, trace, cancellation);
            return;
        }

        await using var limits = await WaitForSharedLimitsAsync(use.Connection, command, cancellation);
        if (!limits.MayBegin)
        {
            permit.Park();
            await ParkAsync(command, gate, arrived, trace, cancellation);
            return;
        }

        metrics?.RecordWait(gate.Name, arrived);
        var result = await ledger.ClaimAsync(command, cancellation);
        metrics?.CountClaim(result);
        if (result is ClaimResult.Granted granted)
        {
            await RunGrantedAsync(command, use.Connection, permit, granted, trace, cancellation);
        }
        else
        {
            await EndWithoutLeaseAsync(command, gate, result, trace, cancellation);
        }
    }

    /// <summary>Runs a command that was parked, under the lease with which it was taken.</summary>
    internal async Task RunTakenAsync(TakenCommand taken, GatePermit permit, CancellationToken cancellation)
    {
        using var scope = logger.BeginScope(new CommandScope(taken.Command));
        var trace = taken.TraceParent is { } parent ? new TraceContext(parent, taken.TraceState) : NewTrace(taken.Command);
        using var use = connections.Use(taken.Command.Connection);
        var ownGate = gates.For(use.Connection);
        if (taken.Connection != ownGate.Name && use.Connection?.Name == taken.Command.Connection)
        {
            await MoveAsync(taken, ownGate, permit, trace, cancellation);
            return;
        }

        using var memory = await EnterMemoryAsync(taken.Command, cancellation);
        await using var limits = memory is null
            ? new SharedLimitsPermit(null, MayBegin: false)
            : await WaitForSharedLimitsAsync(use.Connection, taken.Command, cancellation);
        if (!limits.MayBegin)
        {
            permit.GiveBack();
            await ParkAgainAsync(taken.Command, permit.Gate, taken.Lease, taken.Lease.FollowsUnrecordedLease, trace, cancellation);
            return;
        }

        await RunGrantedAsync(taken.Command, use.Connection, permit, taken.Lease, trace, cancellation);
    }

    // The function says why a connection is unavailable; null if it is available, or its gate let the attempt begin, perhaps as a trial.
    private Func<string, string?> OutagesExcept(ConnectionGate ownGate) => name =>
        name != ownGate.Name && gates.For(connections.Find(name)).Read() is { Breaker: not BreakerState.Closed } gate
            ? gate.Reason ?? $"Connection '{name}' is unavailable."
            : null;

    // A command that waited for a Vault moves to the queue of its own connection. If it is the trial of the Vault, its secrets are resolved
    // first, to see whether the Vault works. If a secret cannot be read then, the command waits for the Vault of that secret.
    private async Task MoveAsync(
        TakenCommand taken, ConnectionGate ownGate, GatePermit permit, TraceContext trace, CancellationToken cancellation)
    {
        var (command, target) = (taken.Command, ownGate);
        if (permit.IsTrial && secrets is not null
            && (command.Arguments ?? await LoadArgumentsAsync(command.ArgumentsRef, cancellation)) is { } arguments)
        {
            var outcome = (await secrets.ResolveAsync(command, arguments, OutagesExcept(permit.Gate), cancellation)).Outcome;
            permit.Report(outcome?.WaitsFor == permit.Gate.Name ? outcome : AttemptOutcome.Works);
            if (outcome?.WaitsFor is { } vault)
            {
                var vaultGate = gates.For(connections.Find(vault));
                target = vaultGate.OpenBreaker(outcome.Message) ? vaultGate : target;
            }
        }

        await ParkAgainAsync(command, target, taken.Lease, taken.Lease.FollowsUnrecordedLease, trace, cancellation);
        permit.GiveBack();
        gates.Changed();
    }

    // Returns null if there is no memory for the command soon. It cannot wait longer, because its lease has begun.
    private async Task<IDisposable?> EnterMemoryAsync(StepCommand command, CancellationToken cancellation)
    {
        using var timer = new CancellationTokenSource(GateSettings.LongestWait, time);
        using var stopWaiting = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            return await (parkedMemory ?? _unbounded).EnterAsync(command.Weight, stopWaiting.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return null;
        }
    }

    // Waits for the limits that are counted per key or by all processes, at most as long as a command may wait in memory.
    private async Task<SharedLimitsPermit> WaitForSharedLimitsAsync(
        Connection? connection, StepCommand command, CancellationToken cancellation)
    {
        if (sharedLimits is null)
        {
            return new SharedLimitsPermit(null, MayBegin: true);
        }

        var began = time.GetTimestamp();
        while (true)
        {
            var permit = await sharedLimits.AcquireAsync(connection, command, cancellation);
            if (permit.Wait <= TimeSpan.Zero)
            {
                return new SharedLimitsPermit(permit.Held, MayBegin: true);
            }

            if (time.GetElapsedTime(began) + permit.Wait > GateSettings.LongestWait)
            {
                return new SharedLimitsPermit(null, MayBegin: false);
            }

            await Task.Delay(permit.Wait, time, cancellation);
        }
    }

    // Once the database holds the command, the caller completes its record.
    private async Task ParkAsync(StepCommand command, ConnectionGate gate, long arrived, TraceContext trace, CancellationToken cancellation)
    {
        ClaimResult? result = null;
        try
        {
            result = await parked.ParkAsync(CreateCommandToPark(command, gate, time.GetElapsedTime(arrived), trace), cancellation);
        }
        finally
        {
            gate.EndParking(result is ClaimResult.Parked);
        }

        await EndWithoutLeaseAsync(command, gate, result, trace, cancellation);
    }

    // Sends the result if the ledger has it already; else nothing is to be done.
    private async Task EndWithoutLeaseAsync(
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
                metrics?.CountParked(gate.Name);
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
        // Holds the memory of the result until it was sent.
        using var memory = (resultMemory ?? ResultMemory.Unbounded).Begin();
        using var leaseCount = metrics?.BeginLease() ?? default;
        var record = new AttemptRecord(ledger, payloads, command, lease);
        var began = time.GetTimestamp();
        var outcome = Tracing.IsOn
            ? await TraceAsync(command, connection, permit.Gate, record, memory, trace, cancellation)
            : await AttemptAsync(command, connection, permit.Gate, record, memory, trace, cancellation);
        metrics?.RecordAttempt(command.Operation, permit.Gate.Name, outcome.Outcome, began);
        if (outcome.WaitsFor is { } name)
        {
            var awaitedGate = gates.For(connections.Find(name));
            permit.Report(outcome with { IsUntried = awaitedGate != permit.Gate });
            if (awaitedGate.OpenBreaker(outcome.Message))
            {
                await ParkAgainAsync(command, awaitedGate, lease, lease.FollowsUnrecordedLease, trace, cancellation);
                gates.Changed();
                return;
            }
        }

        // An attempt that meets an outage does not count: its command is parked, unless it must not be repeated or the operation recorded
        // a result. The ledger remembers whether it may have taken effect.
        var mayRepeat = outcome.Reach == AttemptReach.NotSent || command.Once != true;
        var isFirst = command.Attempt == 1 && !lease.FollowsUnrecordedLease;
        if (permit.Report(outcome, isFirst) && mayRepeat && record.Committed is null && !record.IsInDoubt)
        {
            var mayHaveBeenSent = lease.FollowsUnrecordedLease || outcome.Reach != AttemptReach.NotSent;
            await ParkAgainAsync(command, permit.Gate, lease, mayHaveBeenSent, trace, cancellation);
        }
        else if ((record.Committed ?? await RecordAsync(command, record, outcome, cancellation)) is { } result)
        {
            await sender.SendAsync(result, command.HomePartition, trace, cancellation);
        }
    }

    private async Task ParkAgainAsync(
        StepCommand command, ConnectionGate gate, ClaimResult.Granted lease, bool mayHaveBeenSent, TraceContext trace,
        CancellationToken cancellation)
    {
        var parkedCommand = CreateCommandToPark(command, gate, TimeSpan.Zero, trace);
        if (await RetryAsync(token => parked.ParkAgainAsync(lease.LeaseToken, parkedCommand, mayHaveBeenSent, token), cancellation))
        {
            gate.MarkParked();
            metrics?.CountParked(gate.Name);
            Log.Parked(logger, command.Operation, command.Attempt, gate.Name);
        }
        else
        {
            Log.LeaseLost(logger, command.Operation, command.Attempt);
        }
    }

    private static CommandToPark CreateCommandToPark(StepCommand command, ConnectionGate gate, TimeSpan age, TraceContext trace) =>
        new(command, gate.Name, age) { TraceParent = trace.Parent, TraceState = trace.State };

    // Retries a write of the ledger for a while, and continues briefly after a stop, because without it the effect may be repeated.
    private async Task<T> RetryAsync<T>(Func<CancellationToken, Task<T>> write, CancellationToken cancellation)
    {
        using var end = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var stopping = cancellation.UnsafeRegister(
            static source => ((CancellationTokenSource)source!).CancelAfter(_recordAfterStop), end);
        var began = time.GetTimestamp();
        while (true)
        {
            try
            {
                return await write(end.Token);
            }
            catch (StoreUnavailableException) when (time.GetElapsedTime(began) < _recordTimeout)
            {
                await Task.Delay(_recordRetryDelay, time, end.Token);
            }
        }
    }

    // The parent is the span that handles the record. A parked command runs without a record; the parent is then the request's span.
    private async Task<AttemptOutcome> TraceAsync(
        StepCommand command,
        Connection? connection,
        ConnectionGate gate,
        AttemptRecord record,
        ResultMemory.Reservation memory,
        TraceContext trace,
        CancellationToken cancellation)
    {
        var name = $"attempt {command.Operation}";
        using var span = Activity.Current is { } current && current.Source == Tracing.Source
            ? Tracing.StartChild(name, ActivityKind.Internal, current)
            : Tracing.Start(name, ActivityKind.Internal, Tracing.ParentOf(trace.Parent, trace.State));
        span.Describe(command);
        Activity.Current = span ?? Activity.Current;
        var outcome = await AttemptAsync(command, connection, gate, record, memory, trace, cancellation);
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
        ResultMemory.Reservation memory,
        TraceContext trace,
        CancellationToken cancellation)
    {
        // The orchestrator checked operation and connection against its own configuration, which may differ during a deployment.
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

        if (connection is { UnknownSecrets: { Count: > 0 } unknown })
        {
            return AttemptOutcome.Failed(
                AttemptReach.NotSent, "connection_failed",
                $"Connection '{connection.Name}' waits for a secret of Vault: {string.Join(", ", unknown)}.") with
            { WaitsFor = connection.Name };
        }

        var timeout = TimeSpan.FromMilliseconds(command.TimeoutMs);
        using var timer = new CancellationTokenSource(timeout, time);
        using var stopping = cancellation.UnsafeRegister(static source => ((CancellationTokenSource)source!).Cancel(), timer);
        return await RunOperationAsync(timer.Token);

        async Task<AttemptOutcome> RunOperationAsync(CancellationToken attemptCancellation)
        {
            var context = new AttemptContext(
                command.Operation, command.CommandId, command.CorrelationId, trace.Parent, trace.State, connection, timeout, record)
            {
                Memory = memory,
                SagaId = command.SagaId,
                Attempt = command.Attempt,
                BeginReports = () => reports?.For(command, trace),
                Stopping = cancellation,
            };
            try
            {
                var arguments = command.Arguments ?? await LoadArgumentsAsync(command.ArgumentsRef, attemptCancellation);
                if (arguments is null)
                {
                    return AttemptOutcome.Rejected(
                        StepCodes.ArgumentsMissing, "The stored arguments of this command no longer exist.") with
                    { IsUntried = true };
                }

                if (secrets is not null)
                {
                    var resolved = await secrets.ResolveAsync(command, arguments.Value, OutagesExcept(gate), attemptCancellation);
                    if (resolved.Outcome is { } unresolved)
                    {
                        return unresolved with { IsUntried = true };
                    }

                    (arguments, record.Mask) = (resolved.Arguments, resolved.Mask);
                }

                var outcome = await operation.RunAsync(arguments.Value, context, attemptCancellation);
                return outcome with
                {
                    IsUntried = outcome is { Outcome: StepOutcomes.Rejected } && !context.Progress.HasConnected,
                    Message = record.Mask.Apply(outcome.Message),
                };
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                throw;
            }
            catch (OperationCanceledException) when (timer.IsCancellationRequested)
            {
                return AttemptOutcome.Failed(
                    context.Progress.Reach,
                    StepCodes.StepTimedOut,
                    context.Progress.IsSent
                        ? $"No response within {command.TimeoutMs} ms."
                        : $"Nothing was sent within {command.TimeoutMs} ms.");
            }
            catch (Exception exception) when (exception is not StoreUnavailableException)
            {
                // The exception's message is left out, because it may contain credentials.
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

    // Returns the recorded result, or null if the lease was lost: another attempt may have another outcome, and only the recorded one may
    // be sent.
    private async Task<StepResult?> RecordAsync(
        StepCommand command, AttemptRecord record, AttemptOutcome outcome, CancellationToken cancellation)
    {
        StepResult? recorded;
        while (true)
        {
            try
            {
                var result = record.CreateResult(outcome);
                recorded = await RetryAsync(token => record.RecordAsync(result, token), cancellation);
                break;
            }
            catch (Exception exception)
                when (exception is not (OperationCanceledException or StoreUnavailableException) && outcome.Result is not null)
            {
                // Its secrets cannot be hidden, or the database rejects it. The attempt has ended all the same, and the orchestrator needs
                // to know.
                Log.ResultRejected(logger, command.Operation, exception);
                outcome = outcome with
                {
                    Outcome = StepOutcomes.Failed,
                    Reach = outcome.Outcome == StepOutcomes.Completed ? AttemptReach.Done : outcome.Reach,
                    Result = null,
                    Code = StepCodes.ResultInvalid,
                    Message = "The result cannot be stored as JSON.",
                    RetryAfter = null,
                };
            }
        }

        if (recorded is null)
        {
            Log.LeaseLost(logger, command.Operation, command.Attempt);
        }

        return recorded;
    }

    // A command without a trace starts one. It is derived from ids, so that it is the same in every delivery.
    private static TraceContext NewTrace(StepCommand command) =>
        new($"00-{command.CorrelationId:N}-{command.CommandId.Value.ToString("N")[..16]}-00", null);

    private readonly record struct SharedLimitsPermit(IAsyncDisposable? Held, bool MayBegin) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => Held?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}
