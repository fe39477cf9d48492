using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Kafka.Brokers;
using Onex.Persistence;
using Onex.Persistence.Ledger;

namespace Onex.Effects.Running;

/// <summary>
/// Runs parked commands when their connections let them begin, and reports connections that are unavailable. One statement takes commands
/// for all connections of the process. It runs when a slot becomes free, a trial is due, or a command was parked; otherwise at growing
/// intervals, for commands that other processes have parked.
/// </summary>
internal sealed class ParkedCommandLoop(
    EffectRunner runner,
    ConnectionTable connections,
    ConnectionGates gates,
    IParkedCommands parked,
    TimeProvider time,
    ILogger<ParkedCommandLoop> logger) : BackgroundService
{
    private static readonly TimeSpan _firstPollDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPollDelay = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan _reportInterval = LedgerTimes.ConnectionReport / 3;
    private static readonly TimeSpan _failureDelay = TimeSpan.FromSeconds(1);

    private readonly Guid _processId = Guid.CreateVersion7(time.GetUtcNow());
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _lock = new();
    private readonly HashSet<Task> _running = [];
    private TaskCompletionSource _signal = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TimeSpan _pollDelay = _firstPollDelay;
    private long _polledAt;
    private bool _hasPolled;
    private long _reportedAt;
    private string _reportedText = "";

    /// <summary>Takes and starts what may begin now. Returns how long the next call may be delayed if nothing changes.</summary>
    internal async Task<TimeSpan> RunOnceAsync(CancellationToken cancellation)
    {
        var isPoll = !_hasPolled || time.GetElapsedTime(_polledAt) >= _pollDelay;
        var permitsByGate = TakePermits(isPoll);
        var taken = permitsByGate.Count > 0 ? await TakeAsync(permitsByGate, cancellation) : 0;
        if (isPoll)
        {
            (_hasPolled, _polledAt) = (true, time.GetTimestamp());
            _pollDelay = taken > 0 ? _firstPollDelay : _pollDelay * 2 < _longestPollDelay ? _pollDelay * 2 : _longestPollDelay;
        }

        await ReportAsync(cancellation);
        var delay = _hasPolled ? _pollDelay - time.GetElapsedTime(_polledAt) : _pollDelay;
        foreach (var wait in gates.UntilWork().Append(_reportedText.Length > 0 ? _reportInterval : null).OfType<TimeSpan>())
        {
            delay = wait < delay ? wait : delay;
        }

        return delay > TimeSpan.Zero ? delay : TimeSpan.Zero;
    }

    /// <summary>Completes when no parked command runs.</summary>
    internal Task WhenIdleAsync()
    {
        lock (_lock)
        {
            return Task.WhenAll(_running);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        gates.Changed = Signal;
        var hasFailed = false;
        while (!stoppingToken.IsCancellationRequested)
        {
            // Renewed before the work, so that a change during it is not missed.
            var signal = RenewSignal();
            TimeSpan delay;
            try
            {
                delay = await RunOnceAsync(stoppingToken);
                hasFailed = false;
            }
            catch (StoreUnavailableException exception)
            {
                if (!hasFailed)
                {
                    Log.ParkedStoreUnavailable(logger, exception.Message);
                }

                // A signal that never comes, so that the whole delay passes.
                (hasFailed, delay, signal) = (true, _failureDelay, new TaskCompletionSource());
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }

            using var wait = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            await Task.WhenAny(signal.Task, Task.Delay(delay, time, wait.Token));
            await wait.CancelAsync();
        }
    }

    /// <summary>
    /// Takes no further commands and waits for those that run. The lease of a command that does not end in time expires, and the
    /// orchestrator decides about a further attempt.
    /// </summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        try
        {
            await WhenIdleAsync().WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            await _ending.CancelAsync();
        }
    }

    public override void Dispose()
    {
        _ending.Dispose();
        base.Dispose();
    }

    // Takes permits of each gate where commands may be parked, with its ParkedVersion before.
    private List<(ConnectionGate Gate, long Version, IReadOnlyList<GatePermit> Permits)> TakePermits(bool isPoll)
    {
        var permitsByGate = new List<(ConnectionGate, long, IReadOnlyList<GatePermit>)>();
        foreach (var gate in connections.Connections.Select(gates.For).Append(gates.For(null)))
        {
            var version = gate.ParkedVersion;
            if ((isPoll || gate.IsMarkedParked) && gate.TakePermits() is { Count: > 0 } permits)
            {
                permitsByGate.Add((gate, version, permits));
            }
        }

        return permitsByGate;
    }

    private async Task<int> TakeAsync(
        List<(ConnectionGate Gate, long Version, IReadOnlyList<GatePermit> Permits)> permitsByGate, CancellationToken cancellation)
    {
        ILookup<string, TakenCommand> taken;
        try
        {
            TakeLimit[] limits = [.. permitsByGate.Select(entry => new TakeLimit(entry.Gate.Name, entry.Permits.Count))];
            taken = (await parked.TakeAsync(limits, cancellation)).ToLookup(command => command.Connection, StringComparer.Ordinal);
        }
        catch
        {
            foreach (var permit in permitsByGate.SelectMany(entry => entry.Permits))
            {
                permit.GiveBack();
            }

            throw;
        }

        var count = 0;
        foreach (var (gate, version, permits) in permitsByGate)
        {
            var commands = taken[gate.Name].ToList();
            count += commands.Count;
            if (commands.Count < permits.Count)
            {
                gate.MarkDrained(version);
            }
            else
            {
                gate.MarkParked();
            }

            for (var index = 0; index < permits.Count; index++)
            {
                if (index < commands.Count)
                {
                    Start(commands[index], permits[index]);
                }
                else
                {
                    permits[index].GiveBack();
                }
            }
        }

        return count;
    }

    private void Start(TakenCommand command, GatePermit permit)
    {
        var run = Task.Run(() => RunAsync(command, permit), CancellationToken.None);
        lock (_lock)
        {
            _running.Add(run);
        }

        _ = run.ContinueWith(
            ended =>
            {
                lock (_lock)
                {
                    _running.Remove(ended);
                }
            },
            CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    private async Task RunAsync(TakenCommand command, GatePermit permit)
    {
        using (permit)
        {
            try
            {
                await runner.RunTakenAsync(command, permit, _ending.Token);
            }
            catch (OperationCanceledException) when (_ending.IsCancellationRequested)
            {
                // The process stops; the lease expires.
            }
            catch (StoreUnavailableException exception)
            {
                Log.ParkedStoreUnavailable(logger, exception.Message);
            }
            catch (BrokerUnavailableException exception)
            {
                Log.ParkedResultNotSent(logger, command.Command.Operation, exception.Message);
            }
#pragma warning disable CA1031 // Other parked commands must run.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.ParkedNotRun(logger, command.Command.Operation, exception);
            }
        }
    }

    private async Task ReportAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        UnavailableConnection[] unavailable =
        [
            .. gates.Read()
                .Where(gate => gate.Breaker != BreakerState.Closed)
                .OrderBy(gate => gate.Name, StringComparer.Ordinal)
                .Select(gate => new UnavailableConnection(gate.Name, now - (gate.Since ?? now), gate.UntilTrial, gate.Reason)),
        ];
        var text = string.Join('\n', unavailable.Select(entry => $"{entry.Name} {now + entry.UntilTrial:s} {entry.Reason}"));
        if (text != _reportedText || (text.Length > 0 && time.GetElapsedTime(_reportedAt) >= _reportInterval))
        {
            await parked.ReportAsync(_processId, unavailable, cancellation);
            (_reportedText, _reportedAt) = (text, time.GetTimestamp());
        }
    }

    private TaskCompletionSource RenewSignal()
    {
        var signal = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _signal, signal);
        return signal;
    }

    private void Signal() => Volatile.Read(ref _signal).TrySetResult();
}
