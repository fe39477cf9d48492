using Microsoft.Extensions.DependencyInjection;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Hosting.Health;
using Onex.Hosting.Http;
using Onex.Hosting.Settings;
using Onex.Kafka.Consuming;
using Onex.Metrics;
using Onex.Orchestrator.Api;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Registry;

namespace Onex.Orchestrator;

/// <summary>The role that runs the sagas: the only public entry point of this project.</summary>
public static class OrchestratorRole
{
    // Bounds the cache when sagas are small; the memory budget bounds it when they are large.
    private const int CachedSagasMax = 20_000;

    /// <summary>Adds the role. The caller adds Kafka, store and ledger.</summary>
    /// <param name="services">The process's services.</param>
    /// <param name="settings">The process's settings.</param>
    /// <param name="plans">The plans that are loaded at first.</param>
    /// <param name="compiler">The context for compiling registered contracts, with the operations and limits.</param>
    /// <param name="connections">The names of connections, for metrics.</param>
    public static IServiceCollection AddOnexOrchestrator(
        this IServiceCollection services,
        RuntimeSettings settings,
        IReadOnlyList<Plan> plans,
        CompilerContext compiler,
        Func<IReadOnlyCollection<string>> connections)
    {
        services.AddSingleton(sp => new PlanCatalogue(plans, sp.GetRequiredService<IContractRegistry>(), compiler));
        var memory = MemoryBudget.ForProcess();
        services.AddSingleton(memory);
        services.AddSingleton<DatabaseClock>();
        services.AddSingleton<IHealthComponent>(sp => sp.GetRequiredService<DatabaseClock>());
        services.AddSingleton(new SagaCache(CachedSagasMax, memory.Cache));
        services.AddSingleton<WakeupQueue>();
        services.AddSingleton(new ResponseWriter(settings.Topics));
        services.AddSingleton(sp => new MessageWriter(settings.Topics, sp.GetRequiredService<ResponseWriter>()));
        services.AddSingleton(sp =>
        {
            var sender = ActivatorUtilities.CreateInstance<OutgoingSender>(sp, memory.Unsent);
            sp.GetRequiredService<OutboxMetrics>().Watch(sender);
            return sender;
        });
        services.AddSingleton<ResentMessages>();
        services.AddSingleton<IHealthComponent>(sp => sp.GetRequiredService<ResentMessages>());
        services.AddSingleton<IHealthComponent, OutboxHealth>();
        services.AddSingleton<RejectionSender>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<UndeliverableMessages>(sp, settings.Topics));
        services.AddSingleton<HomePartitions>();
        services.AddSingleton<IHomeState>(sp => sp.GetRequiredService<HomePartitions>());
        services.AddSingleton(new RequestReader(settings.MaxRequestBytes));
        services.AddSingleton(sp => new RequestRules(
            sp.GetRequiredService<PlanCatalogue>(), compiler.Operations, settings.ReplyToTopics, settings.DirectOperations));
        services.AddSingleton<SagaReader>();
        services.AddSingleton<LedgerInquiry>();
        services.AddSingleton<WantedItemReader>();
        services.AddSingleton<KnownRequests>();
        services.AddSingleton<ContractsNotLoaded>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<EventTargets>(sp, compiler.Limits.BufferedEvents));
        services.AddSingleton<SagaSignals>();
        services.AddSingleton<OutcomeReporter>();
        services.AddSingleton<SagaMetrics>();
        services.AddSingleton<RoundMetrics>();
        services.AddSingleton<RequestMetrics>();
        services.AddSingleton<TimerMetrics>();
        services.AddSingleton<OutboxMetrics>();
        services.AddSingleton<SagaLoader>();
        services.AddSingleton<SagaDecider>();
        services.AddSingleton<CommitFollowUp>();
        services.AddSingleton<SagaRouter>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<RecordReader>(sp, settings.Topics));
        services.AddSingleton<RecordHandler>();
        services.AddSingleton<EarlySweep>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<SagaHomes>(sp, settings.Topics));
        services.AddSingleton<ParkedReasons>();
        services.AddSingleton<ISagaControl, SagaControl>();
        services.AddSingleton<Scheduler>();
        services.AddSingleton<JobHealth>();
        services.AddSingleton<IHealthComponent>(sp => sp.GetRequiredService<JobHealth>());
        services.AddHostedService<BackgroundLoops>();
        services.AddHostedService(sp => ActivatorUtilities.CreateInstance<StoreMetrics>(sp, connections));
        services.AddSingleton<RouterHealth>();
        services.AddSingleton<IHealthComponent>(sp => sp.GetRequiredService<RouterHealth>());
        services.AddSingleton<IHttpEndpoints, ApiEndpoints>();
        services.AddSingleton(sp => new CallMemory(new MemoryGate(memory.Calls), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<RequestCalls>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<SagaCalls>(sp, settings.HistoryShown));
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<HandledRecords>(sp, settings.Topics));
        services.AddSingleton<DeadLetterCalls>();
        services.AddSingleton<ContractCalls>();
        if (settings.EventBus == EventBus.InMemory)
        {
            services.AddHostedService<LostCommands>();
        }

        return services;
    }

    /// <summary>The handler for the records of the orchestrator's four topics.</summary>
    public static IRecordBatchHandler Handler(IServiceProvider services) => services.GetRequiredService<RecordHandler>();

    /// <summary>
    /// Registers the plans' content, so that every orchestrator can continue their sagas. Then makes these plans the loaded ones, reports
    /// each plan to the health check, and logs which live sagas need content that is not loaded. Called at the start and after each change
    /// of the files. If a version is registered with other content, nothing is replaced, and one line for each such version is returned.
    /// </summary>
    public static async Task<IReadOnlyList<string>> RegisterContractsAsync(
        IServiceProvider services,
        RuntimeSettings settings,
        IReadOnlyList<Plan> plans,
        CompilerContext compiler,
        CancellationToken cancellation)
    {
        var registry = services.GetRequiredService<IContractRegistry>();
        var direct = DirectContracts.Compile(settings.DirectOperations, compiler);
        IReadOnlyList<Plan> all = [.. plans, .. direct.Select(contract => contract.Plan)];
        var changed = await RegisteredPlans.RegisterAsync(registry, all, compiler, settings.ContractsMutable, cancellation);
        if (changed.Count > 0)
        {
            return
            [
                .. changed.Select(contract =>
                    $"contract '{contract.Name}' {contract.Version} is registered with other content ({contract.Hash[..12]}). "
                    + "Give the changed file a new version, or set ONEX_CONTRACTS_MUTABLE=true while you develop."),
            ];
        }

        var meter = services.GetRequiredService<OnexMeter>();
        SagaMetrics.AddLabelValues(meter, all);
        meter.AddLabelValues(MetricLabel.Operation, compiler.Operations.All.Select(operation => operation.Name));
        var catalogue = services.GetRequiredService<PlanCatalogue>();
        var health = services.GetRequiredService<RoleHealth>();
        foreach (var removed in catalogue.Newest.Keys.Except(plans.Select(plan => plan.Name), StringComparer.Ordinal))
        {
            health.Remove(removed);
        }

        catalogue.Replace(plans, direct, compiler);
        foreach (var plan in plans)
        {
            health.Report(plan.Name, null);
        }

        await services.GetRequiredService<ContractsNotLoaded>().ReportAsync(all, compiler, cancellation);

        return [];
    }
}
