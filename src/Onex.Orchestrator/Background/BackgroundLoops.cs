using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Hosting.Settings;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence;
using Onex.Persistence.Maintenance;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Background;

/// <summary>
/// The periodic jobs of an orchestrator: fires timers, delivers early events, deletes sent messages from the outbox, sends unsent ones,
/// reports undeliverable ones, starts scheduled sagas, deletes old rows and measures the database's clock.
/// </summary>
internal sealed class BackgroundLoops(
    SagaRouter router,
    ISagaStore store,
    IOutbox outbox,
    OutgoingSender sender,
    WakeupQueue wakeups,
    HomePartitions home,
    EarlySweep early,
    UndeliverableMessages undeliverable,
    Scheduler scheduler,
    DatabaseClock clock,
    IStoreMaintenance maintenance,
    RuntimeSettings settings,
    TimeProvider time,
    ILogger<BackgroundLoops> logger,
    TimerMetrics? timers = null) : BackgroundService
{
    private const int WakeupsAtOnce = 500;
    private const int DeletedAtOnce = 2_000;
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _sweepUnsentEvery = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan _unsentAge = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _sweepEarlyEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _scheduleEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _measureEvery = TimeSpan.FromSeconds(10);

    // The broker acknowledges the last messages within this time, if it can be reached.
    private static readonly TimeSpan _lastAcknowledgements = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan _maintenanceEvery = TimeSpan.FromHours(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        EveryAsync("wake-ups", _tick, WakeAsync, stoppingToken),
        EveryAsync("sent messages", _tick, DeleteSentAsync, stoppingToken),
        EveryAsync("undeliverable messages", _tick, WaitForUndeliverableAsync, stoppingToken),
        EveryAsync("unsent messages", _sweepUnsentEvery, cancellation => home.SweepUnsentAsync(_unsentAge, cancellation), stoppingToken),
        EveryAsync("wake-ups to come", HomePartitions.SweepEvery, home.SweepWakeupsAsync, stoppingToken),
        EveryAsync("early events", _sweepEarlyEvery, early.SweepAsync, stoppingToken),
        EveryAsync("schedules", _scheduleEvery, scheduler.RunAsync, stoppingToken),
        EveryAsync(
            "old and coming rows",
            _maintenanceEvery,
            cancellation => maintenance.RemoveExpiredAsync(settings.Retention, settings.HistoryRetention, cancellation),
            stoppingToken),
        EveryAsync("the database's clock", _measureEvery, cancellation => clock.MeasureAsync(store, cancellation), stoppingToken));

    // The rider has stopped and drained before. Waits until the broker has acknowledged the messages of its last batches, so that the next
    // orchestrator does not send them again.
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var end = new CancellationTokenSource(_lastAcknowledgements, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(end.Token, cancellationToken);
        try
        {
            while (sender.HasInFlight)
            {
                await DeleteSentAsync(either.Token);
            }

            await ReportUndeliverableAsync(either.Token);
        }
        catch (Exception late) when (late is OperationCanceledException or StoreUnavailableException)
        {
            Log.OutboxNotCleared(logger);
        }
    }

    private async Task WakeAsync(CancellationToken cancellation)
    {
        var now = clock.Now;
        var due = wakeups.TakeDue(now, WakeupsAtOnce);
        if (due.Count == 0)
        {
            return;
        }

        timers?.Count(due.Count);

        // If this throws, nothing is lost: each saga's row still has its next timer, and the sweep reads it.
        await router.HandleAsync(
            [
                .. due.Select(sagaId => new Delivery(
                    new TimerFired
                    {
                        SagaId = sagaId,
                        CausedBy = Identity.Wakeup(sagaId, now),
                        Leases = new Dictionary<CommandId, Lease>(),
                    },
                    OutcomeSink.None)),
            ],
            cancellation);
    }

    private async Task DeleteSentAsync(CancellationToken cancellation)
    {
        await sender.WaitForAcknowledgedAsync(cancellation);
        var acknowledged = sender.TakeAcknowledged(DeletedAtOnce);
        if (acknowledged.Count == 0)
        {
            return;
        }

        try
        {
            await outbox.MarkSentAsync(acknowledged, cancellation);
        }
        catch
        {
            sender.ReturnAcknowledged(acknowledged);
            throw;
        }

        sender.Deleted(acknowledged);
    }

    private async Task WaitForUndeliverableAsync(CancellationToken cancellation)
    {
        await sender.Undeliverable.WaitToReadAsync(cancellation);
        await ReportUndeliverableAsync(cancellation);
    }

    // Reports the messages that the broker rejected for good to their sagas.
    private async Task ReportUndeliverableAsync(CancellationToken cancellation)
    {
        while (sender.Undeliverable.TryRead(out var message))
        {
            try
            {
                if (await undeliverable.ReadAsync(message, cancellation) is { } delivery)
                {
                    await router.HandleAsync([delivery], cancellation);
                    await undeliverable.CloseDeadLetterAsync(message.Message, delivery, cancellation);
                }
            }
#pragma warning disable CA1031 // One message that cannot be reported must not stop the others.
            catch (Exception failure) when (failure is not OperationCanceledException)
#pragma warning restore CA1031
            {
                Log.BackgroundFailed(logger, failure);
            }
        }
    }

    // Logs once that a job fails, and once that it succeeds again.
    private async Task EveryAsync(string what, TimeSpan period, Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        var failing = false;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                await work(cancellation);
                if (failing)
                {
                    failing = false;
                    Log.JobWorksAgain(logger, what);
                }

                await Task.Delay(period, time, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A loop that ends because of one failure would leave sagas asleep.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                if (!failing)
                {
                    failing = true;
                    Log.JobFailed(logger, what, failure.Message);
                }

                try
                {
                    await Task.Delay(TimeSpan.FromSeconds(1), time, cancellation);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }
}
