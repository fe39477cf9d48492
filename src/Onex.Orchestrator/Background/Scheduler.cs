using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Sagas;
using Onex.Persistence.Schedules;

namespace Onex.Orchestrator.Background;

/// <summary>
/// Starts sagas at the times of their contracts' schedules. Every orchestrator does this, but each time starts only one saga, because its
/// request has the same identity everywhere. The saga starts before the schedule's row advances, so that no time is lost in between; a
/// second start is a duplicate.
/// </summary>
internal sealed partial class Scheduler(
    PlanCatalogue plans,
    IScheduleStore store,
    ISagaStore sagas,
    SagaRouter router,
    SagaHomes homes,
    DatabaseClock clock,
    ILogger<Scheduler> logger)
{
    /// <summary>The business key of sagas that must not overlap and whose contract has no key.</summary>
    public const string ReservedKey = "schedule";

    // The last handled time of each contract's schedule. May be stale, because other orchestrators advance schedules, too; so the database
    // is read before a saga starts.
    private readonly ConcurrentDictionary<string, DateTimeOffset> _lastHandled = new(StringComparer.Ordinal);

    // The loaded plans whose schedules have begun; null if they have to begin again.
    private IReadOnlyList<Plan>? _begunPlans;
    private volatile List<Plan> _scheduled = [];

    /// <summary>The next time of a plan; null if it has no schedule or is not the newest version, or the time is not known yet.</summary>
    public DateTimeOffset? Next(Plan plan) =>
        _scheduled.Contains(plan) && _lastHandled.TryGetValue(plan.Name, out var last) ? plan.Schedule!.After(last) : null;

    /// <summary>Starts what is due.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var loaded = plans.Loaded;
        if (loaded != _begunPlans)
        {
            _scheduled = [.. plans.Newest.Values.Where(plan => plan.Schedule is not null)];
            await BeginAsync(cancellation);
            _begunPlans = loaded;
        }

        foreach (var plan in _scheduled)
        {
            if (Next(plan) <= clock.Now)
            {
                await RunAsync(plan, cancellation);
            }
        }
    }

    // Measures the database's clock first, because this machine's may be wrong. Runs even without any schedule, because the store
    // must learn which schedules were removed.
    private async Task BeginAsync(CancellationToken cancellation)
    {
        await clock.MeasureAsync(sagas, cancellation);
        var last = await store.BeginAsync([.. _scheduled.Select(NameOf)], cancellation);
        foreach (var (plan, at) in _scheduled.Zip(last))
        {
            _lastHandled[plan.Name] = at;
        }
    }

    private async Task RunAsync(Plan plan, CancellationToken cancellation)
    {
        var name = NameOf(plan);
        if (await store.LastDueAsync(name, cancellation) is not { } last)
        {
            // The schedule has no row: the database is another one, or was restored.
            _begunPlans = null;
            return;
        }

        var due = ScheduleTimes.DueSince(plan.Schedule!, last, clock.Now);
        foreach (var at in due.Starts)
        {
            await StartAsync(plan, at, cancellation);
        }

        if (due.LastHandled > last)
        {
            await store.AdvanceAsync(name, last, due.LastHandled, cancellation);
        }

        _lastHandled[plan.Name] = due.LastHandled;
    }

    private async Task StartAsync(Plan plan, DateTimeOffset due, CancellationToken cancellation)
    {
        var now = clock.Now;
        var sagaId = Identity.Saga(due.ToUnixTimeMilliseconds(), Identity.Scheduled(plan.Name, due).Value);
        var (accepted, rejection) = RequestRules.Start(
            plan, RequesterOf(plan, due), plan.Schedule!.Input, sagaId, await homes.FindAsync(sagaId, cancellation), now);
        if (accepted is not AcceptedRequest.Start start)
        {
            NotStarted(plan.Name, due, rejection!.Error);
            return;
        }

        if (plan is { Schedule.Overlap: Overlap.Skip, Key: null })
        {
            start = new AcceptedRequest.Start(start.Facts with { BusinessKey = ReservedKey });
        }

        var caller = new TaskCompletionSource<DeliveryOutcome>(TaskCreationOptions.RunContinuationsAsynchronously);
        await router.HandleAsync([Delivery.For(start, OutcomeSink.For(caller))], cancellation);
        switch (await caller.Task.WaitAsync(cancellation))
        {
            case DeliveryOutcome.Done done:
                Started(plan.Name, due, done.SagaId);
                break;
            case DeliveryOutcome.Rejected { Rejection: { Code: ErrorCodes.KeyTaken } taken }:
                Skipped(plan.Name, due, taken.Error);
                break;
            case DeliveryOutcome.Rejected rejected:
                NotStarted(plan.Name, due, rejected.Rejection.Error);
                break;
            case DeliveryOutcome.Failed failed:
                NotStarted(plan.Name, due, failed.Failure.Reason);
                break;
        }
    }

    private static Requester RequesterOf(Plan plan, DateTimeOffset due)
    {
        var requestId = Identity.Scheduled(plan.Name, due);
        return new Requester
        {
            RequestId = requestId,
            CorrelationId = Identity.OfRequest(requestId, "correlation"),
            Operation = plan.Name,
            Source = $"schedule:{due.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFF'Z'", CultureInfo.InvariantCulture)}",
            Silent = true,
            Headers = Tracing.IsOn ? HeadersOf(requestId) : ImmutableSortedDictionary<string, string>.Empty,
        };
    }

    // The trace of the saga; the sampler decides whether it is recorded.
    private static ImmutableSortedDictionary<string, string> HeadersOf(MessageId requestId)
    {
        using var span = Tracing.Start("schedule", ActivityKind.Internal, default, Tracing.TraceId(requestId.ToString()));
        return span is null
            ? ImmutableSortedDictionary<string, string>.Empty
            : ImmutableSortedDictionary<string, string>.Empty.Add(
                HeaderNames.TraceParent, Tracing.TraceParent(span.TraceId, span.ActivityTraceFlags));
    }

    private static ScheduleName NameOf(Plan plan) => new(plan.Name, plan.Schedule!.Text);

    /// <summary>A time of a schedule has come, and its saga has started.</summary>
    [LoggerMessage(1010, LogLevel.Debug, "The schedule of {Contract} has started a saga for {Due}: {SagaId}")]
    private partial void Started(string contract, DateTimeOffset due, SagaId? sagaId);

    /// <summary>A time of a schedule has come, and no saga starts because a live one has its business key.</summary>
    [LoggerMessage(1011, LogLevel.Information, "The schedule of {Contract} starts nothing for {Due}: {Reason}")]
    private partial void Skipped(string contract, DateTimeOffset due, string reason);

    /// <summary>A time of a schedule has come, and its saga cannot start: for example, its input does not match.</summary>
    [LoggerMessage(1012, LogLevel.Warning, "The schedule of {Contract} could not start a saga for {Due}: {Reason}")]
    private partial void NotStarted(string contract, DateTimeOffset due, string reason);
}
