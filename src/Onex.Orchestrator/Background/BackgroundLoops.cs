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
/// Runs the periodic jobs of an orchestrator: fires timers, delivers early events, deletes sent messages from the outbox, sends unsent
/// ones, reports undeliverable ones, starts scheduled sagas, runs the maintenance and measures the database's clock.
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
    JobHealth health,
    IStoreMaintenance maintenance,
    RuntimeSettings settings,
    TimeProvider time,
    ILogger<BackgroundLoops> logger,
    TimerMetrics? timers = null) : BackgroundService
{
    private const int WakeupsPerBatch = 500;
    private const int DeletedPerBatch = 2_000;
    private static readonly TimeSpan _pauseBetweenRuns = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan _sweepUnsentEvery = TimeSpan.FromSeconds(2.5);
    private static readonly TimeSpan _unsentAge = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan _sweepEarlyEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _scheduleEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _measureEvery = TimeSpan.FromSeconds(10);

    // The broker acknowledges the last messages within this time, if it can be reached.
    private static readonly TimeSpan _acknowledgementTimeout = TimeSpan.FromSeconds(4);

    private static readonly TimeSpan _maintenanceEvery = TimeSpan.FromHours(1);

    // Longer than a database call may take, including its retries.
    private static readonly TimeSpan _runMax = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan _retryAfter = TimeSpan.FromSeconds(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(
        RunEveryAsync("timers", _pauseBetweenRuns, WakeAsync, stoppingToken),
        RunEveryAsync("sent messages", _pauseBetweenRuns, null, DeleteSentAsync, stoppingToken),
        RunEveryAsync("undeliverable messages", _pauseBetweenRuns, null, WaitForUndeliverableAsync, stoppingToken),
        RunEveryAsync("unsent messages", _sweepUnsentEvery, cancellation => home.SweepUnsentAsync(_unsentAge, cancellation), stoppingToken),
        RunEveryAsync("loading of timers", HomePartitions.SweepEvery, home.SweepWakeupsAsync, stoppingToken),
        RunEveryAsync("early events", _sweepEarlyEvery, early.SweepAsync, stoppingToken),
        RunEveryAsync("schedules", _scheduleEvery, scheduler.RunAsync, stoppingToken),
        RunEveryAsync(
            "maintenance",
            _maintenanceEvery,
            _maintenanceEvery,
            cancellation => maintenance.RemoveExpiredAsync(settings.Retention, settings.HistoryRetention, cancellation),
            stoppingToken),
        RunEveryAsync("the database's clock", _measureEvery, cancellation => clock.MeasureAsync(store, cancellation), stoppingToken));

    // The consumers have stopped by now. Waits until the broker has acknowledged the messages of their last batches and the outbox's rows
    // are deleted, so that no other orchestrator sends them again.
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        using var timeout = new CancellationTokenSource(_acknowledgementTimeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            while (sender.HasInFlight)
            {
                await DeleteSentAsync(linked.Token);
            }

            await ReportUndeliverableAsync(linked.Token);
        }
        catch (Exception failure) when (failure is OperationCanceledException or StoreUnavailableException)
        {
            Log.OutboxNotCleared(logger);
        }
    }

    private async Task WakeAsync(CancellationToken cancellation)
    {
        var now = clock.Now;
        var due = wakeups.TakeDue(now, WakeupsPerBatch);
        if (due.Count == 0)
        {
            return;
        }

        timers?.Count(due.Count);

        // If this throws, nothing is lost: each saga's row still has its timer, and the sweep of its home partition reads that.
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
        var acknowledged = sender.TakeAcknowledged(DeletedPerBatch);
        if (acknowledged.Count == 0)
        {
            return;
        }

        try
        {
            await outbox.DeleteAsync(acknowledged, cancellation);
        }
        catch
        {
            sender.ReturnAcknowledged(acknowledged);
            throw;
        }

        sender.MarkDeleted(acknowledged);
    }

    private async Task WaitForUndeliverableAsync(CancellationToken cancellation)
    {
        await sender.UndeliverableMessages.WaitToReadAsync(cancellation);
        await ReportUndeliverableAsync(cancellation);
    }

    private async Task ReportUndeliverableAsync(CancellationToken cancellation)
    {
        while (sender.UndeliverableMessages.TryRead(out var message))
        {
            try
            {
                if (await undeliverable.ConvertAsync(message, cancellation) is { } delivery)
                {
                    await router.HandleAsync([delivery], cancellation);
                    await undeliverable.CloseDeadLetterAsync(message.Message, delivery, cancellation);
                }
            }
#pragma warning disable CA1031 // One message that cannot be reported must not stop the others.
            catch (Exception failure) when (failure is not OperationCanceledException || !cancellation.IsCancellationRequested)
#pragma warning restore CA1031
            {
                Log.UndeliverableNotReported(logger, message.Message.MessageId, message.Message.Topic, failure);
            }
        }
    }

    private Task RunEveryAsync(string job, TimeSpan period, Func<CancellationToken, Task> work, CancellationToken cancellation) =>
        RunEveryAsync(job, period, _runMax, work, cancellation);

    // Logs once that a job fails, and once that it succeeds again. A job that waits for work has no maximum duration (null).
    private async Task RunEveryAsync(
        string job, TimeSpan period, TimeSpan? runMax, Func<CancellationToken, Task> work, CancellationToken cancellation)
    {
        var failing = false;
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                health.Began(job, runMax);
                await work(cancellation);
                health.Ended(job, null);
                if (failing)
                {
                    failing = false;
                    Log.JobWorksAgain(logger, job);
                }

                await Task.Delay(period, time, cancellation);
            }
            catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
            {
                return;
            }
#pragma warning disable CA1031 // A loop that ends because of one failure would stop its job for good.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                health.Ended(job, failure.Message.Split(Environment.NewLine)[0]);
                if (!failing)
                {
                    failing = true;
                    Log.JobFailed(logger, job, failure.Message);
                }

                try
                {
                    await Task.Delay(_retryAfter, time, cancellation);
                }
                catch (OperationCanceledException)
                {
                    return;
                }
            }
        }
    }
}
