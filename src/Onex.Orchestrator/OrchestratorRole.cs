using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Contracts;
using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Hosting.Health;
using Onex.Hosting.Http;
using Onex.Hosting.Settings;
using Onex.Kafka.Consuming;
using Onex.Kafka.Rider;
using Onex.Orchestrator.Api;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Registry;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator;

/// <summary>The role that hosts the sagas. The one public door of this project.</summary>
public static class OrchestratorRole
{
    // Small ones; of large ones as many as there is memory for.
    private const int CachedSagasMax = 20_000;

    /// <summary>Adds the role. Kafka, store and ledger are added by whoever composes the process.</summary>
    /// <param name="services">The process's services.</param>
    /// <param name="settings">The process's settings.</param>
    /// <param name="plans">The plans that may be started.</param>
    /// <param name="compiler">What contracts of the registry are compiled against.</param>
    public static IServiceCollection AddOnexOrchestrator(
        this IServiceCollection services, RuntimeSettings settings, IReadOnlyList<Plan> plans, CompilerContext compiler)
    {
        services.AddSingleton(sp => new PlanCatalogue(
            plans, sp.GetRequiredService<IContractRegistry>(), compiler, sp.GetRequiredService<IPipeFactory>()));
        var memory = MemoryBudget.ForProcess();
        services.AddSingleton(memory);
        services.AddSingleton<DatabaseClock>();
        services.AddSingleton(new SagaCache(CachedSagasMax, memory.Cache));
        services.AddSingleton<WakeupQueue>();
        services.AddSingleton(new ResponseWriter(settings.Topics));
        services.AddSingleton(sp => new MessageWriter(settings.Topics, sp.GetRequiredService<ResponseWriter>()));
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<OutgoingSender>(sp, memory.Unsent));
        services.AddSingleton<ResentMessages>();
        services.AddSingleton<IHealthComponent>(sp => sp.GetRequiredService<ResentMessages>());
        services.AddSingleton<RejectionSender>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<UndeliverableMessages>(sp, settings.Topics));
        services.AddSingleton<HomePartitions>();
        services.AddSingleton(new RequestReader(settings.MaxRequestBytes));
        services.AddSingleton(sp => new RequestRules(
            sp.GetRequiredService<PlanCatalogue>(), compiler.Operations, settings.Topics, settings.ReplyToTopics));
        services.AddSingleton<SagaReader>();
        services.AddSingleton<LedgerInquiry>();
        services.AddSingleton<WantedItemReader>();
        services.AddSingleton<KnownRequests>();
        services.AddSingleton<ContractsNotLoaded>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<EventTargets>(sp, compiler.Limits.BufferedEvents));
        services.AddSingleton<SagaSignals>();
        services.AddSingleton(sp => Wire(ActivatorUtilities.CreateInstance<SagaRouter>(sp), sp));
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<RecordHandler>(sp, settings.Topics));
        services.AddSingleton<EarlySweep>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<SagaHomes>(sp, settings.Topics));
        services.AddSingleton<ISagaControl, SagaControl>();
        services.AddSingleton<Scheduler>();
        services.AddHostedService<BackgroundLoops>();
        services.AddSingleton<RouterHealth>();
        services.AddSingleton<IHealthComponent>(sp => sp.GetRequiredService<RouterHealth>());
        services.AddSingleton<IHttpEndpoints, ApiEndpoints>();
        services.AddSingleton(sp => new CallRoom(new MemoryGate(memory.Calls), sp.GetRequiredService<TimeProvider>()));
        services.AddSingleton<RequestCalls>();
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<SagaCalls>(sp, settings.Limits.HistoryShown));
        services.AddSingleton(sp => ActivatorUtilities.CreateInstance<HandledAfterAll>(sp, settings.Topics));
        services.AddSingleton<DeadLetterCalls>();
        services.AddSingleton(sp => new ContractCalls(plans, sp.GetRequiredService<Scheduler>()));
        if (settings.EventBus == EventBus.InMemory)
        {
            services.AddHostedService<LostCommands>();
        }

        return services;
    }

    /// <summary>What handles the records of main's four topics.</summary>
    public static IRecordBatchHandler Handler(IServiceProvider services) => services.GetRequiredService<RecordHandler>();

    /// <summary>
    /// Registers the plans' content, so that any main can continue their sagas, reports each as a handler, and says which live sagas run what is not
    /// loaded. The answer is what is wrong, a line each: a version that is registered with other content.
    /// </summary>
    public static async Task<IReadOnlyList<string>> RegisterContractsAsync(
        IServiceProvider services, RuntimeSettings settings, IReadOnlyList<Plan> plans, CompilerContext compiler, CancellationToken cancellation)
    {
        var registry = services.GetRequiredService<IContractRegistry>();
        var changed = await RegisteredPlans.RegisterAsync(registry, plans, compiler, settings.ContractsMutable, cancellation);
        if (changed.Count > 0)
        {
            return
            [
                .. changed.Select(contract =>
                    $"contract '{contract.Name}' {contract.Version} is registered with other content ({contract.Hash[..12]}). "
                    + "Give the changed file a new version, or set ONEX_CONTRACTS_MUTABLE=true while you develop."),
            ];
        }

        var health = services.GetRequiredService<RoleHealth>();
        foreach (var plan in plans)
        {
            health.Report(plan.Name, null);
        }

        await services.GetRequiredService<ContractsNotLoaded>().ReportAsync(plans, compiler, cancellation);

        return [];
    }

    private static SagaRouter Wire(SagaRouter router, IServiceProvider services)
    {
        var logger = services.GetRequiredService<ILogger<SagaRouter>>();
        var home = services.GetRequiredService<HomePartitions>();
        home.Forget = partitions => Background(router.ForgetAsync(partitions, CancellationToken.None), logger);
        var refused = services.GetRequiredService<UndeliverableMessages>();
        services.GetRequiredService<OutgoingSender>().Refused = (sagaId, message, reason) => Background(TellAsync(sagaId, message, reason), logger);
        return router;

        async Task TellAsync(Guid sagaId, OutgoingMessage message, string reason)
        {
            if (await refused.TellAsync(sagaId, message, reason, CancellationToken.None) is { } item)
            {
                await router.HandleAsync([item], CancellationToken.None);
                await refused.CloseDeadLetterAsync(message, item);
            }
        }
    }

    private static void Background(Task task, ILogger logger) => _ = task.ContinueWith(
        failed => Log.BackgroundFailed(logger, failed.Exception),
        CancellationToken.None,
        TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);
}
