using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Rider;
using Onex.Metrics;
using Onex.Persistence;
using Onex.Persistence.Sagas;
using Onex.Workers.Running;
using Onex.Workers.Sandbox;

namespace Onex.Workers;

/// <summary>The workers role: executes computes for sagas. The entry point of this project.</summary>
public static class WorkersRole
{
    /// <summary>
    /// The maximum number of commands that a process handles at a time. Most of them wait for a processor, or for their result to be
    /// durable: with fewer, short computations would wait for the broker. Their memory is bounded separately.
    /// </summary>
    internal const int CommandsAtOnce = 2_048;

    /// <summary>
    /// The maximum session timeout of the group, so that other workers get the commands of a killed worker within ten seconds. A partition
    /// that is lost by mistake costs no more than repeated computations.
    /// </summary>
    public static readonly TimeSpan SessionMax = TimeSpan.FromSeconds(6);

    // The sender in the headers of results and reports.
    private const string Source = "onex-workers";

    /// <summary>
    /// Adds the role. Needs <see cref="IRecordProducer"/>, <see cref="RoleHealth"/>, <see cref="OnexMeter"/> and
    /// <see cref="TimeProvider"/> among the services, and uses <see cref="IPayloads"/> and <see cref="ISagaStore"/> if there are such: a
    /// worker may have no database.
    /// </summary>
    /// <param name="services">The process's services.</param>
    /// <param name="settings">The settings.</param>
    public static IServiceCollection AddOnexWorkers(this IServiceCollection services, RuntimeSettings settings)
    {
        services.AddSingleton<RunningComputes>();
        services.AddSingleton(provider => new Sandboxes(
            settings.Sandbox, SandboxCommand.ForThisProgram(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider =>
        {
            var gate = new ComputeGate(Concurrency(settings), MemoryBudget.ForProcess().Commands);
            provider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(gate.Close);
            return gate;
        });
        services.AddSingleton(provider => new ComputeRunner(
            ComputeOperations.Create(provider, settings.EnabledHandlers),
            provider.GetService<IPayloads>(),
            provider.GetService<ISagaStore>() is { } store
                ? async (query, cancellation) => (await store.LoadItemsAsync([query], cancellation))[0]
                : null,
            new ResultSender(
                provider.GetRequiredService<IRecordProducer>(),
                provider.GetRequiredService<TimeProvider>(),
                settings.Topics.WorkerResponses,
                Source),
            new ReportSender(
                provider.GetRequiredService<IRecordProducer>(),
                provider.GetRequiredService<TimeProvider>(),
                settings.Topics.WorkerResponses,
                Source,
                Environment.MachineName),
            provider.GetRequiredService<RunningComputes>(),
            provider.GetRequiredService<ComputeGate>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ComputeRunner>>(),
            provider.GetService<ComputeMetrics>()));
        services.AddSingleton<ComputeMetrics>();
        return services;
    }

    /// <summary>Configures the rider to consume the role's commands, and the cancellations of all commands.</summary>
    public static void Configure(RuntimeSettings settings, IKafkaRiderConfigurator kafka)
    {
        kafka.TopicEndpoint<StepCommand>(settings.Topics.WorkerRequests, settings.WorkerGroup, endpoint =>
        {
            endpoint.Deserialize(MessageJson.Default.StepCommand);
            endpoint.ConcurrentMessageLimit = CommandsAtOnce;
            endpoint.LaneLimit = Concurrency(settings);
            endpoint.SessionTimeoutMax = SessionMax;
            endpoint.IsStatic = true;
            endpoint.IsSpread = true;
            endpoint.Handle(services => services.GetRequiredService<ComputeRunner>().HandleAsync);
            endpoint.Weigh(command => command.Weight);
            endpoint.RetryForever(exception => exception is StoreUnavailableException or BrokerUnavailableException);
        });
        kafka.BroadcastEndpoint(
            settings.Topics.WorkerCancels, settings.WorkerGroup,
            services => new CancelHandler(services.GetRequiredService<RunningComputes>()));
    }

    /// <summary>Reports the role's operations to the health check.</summary>
    public static void ReportHandlers(RoleHealth health, RuntimeSettings settings)
    {
        foreach (var operation in ComputeOperations.Descriptors.Where(
            operation => ComputeOperations.IsServed(settings.EnabledHandlers, operation.Name)))
        {
            health.Report(operation.Name, null);
        }
    }

    private static int Concurrency(RuntimeSettings settings) => settings.WorkerConcurrency ?? Environment.ProcessorCount;
}
