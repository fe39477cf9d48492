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
    /// durable: with fewer, short computations would wait for the broker. Their memory is bounded apart from this.
    /// </summary>
    internal const int CommandsAtOnce = 2_048;

    /// <summary>
    /// The session timeout of the group at most, so that the commands of a killed worker are taken over within ten seconds. To lose a
    /// partition by mistake costs a worker no more than a repeated computation.
    /// </summary>
    internal static readonly TimeSpan SessionMax = TimeSpan.FromSeconds(6);

    private const string Source = "onex-workers";

    /// <summary>
    /// Adds the role. Needs <see cref="IRecordProducer"/> and <see cref="TimeProvider"/> among the services, and takes an
    /// <see cref="IPayloads"/> if there is one.
    /// </summary>
    /// <param name="services">The process's services.</param>
    /// <param name="settings">The settings, for the topics.</param>
    public static IServiceCollection AddOnexWorkers(this IServiceCollection services, RuntimeSettings settings)
    {
        services.AddSingleton<RunningComputes>();
        services.AddSingleton(provider => new Sandboxes(
            settings.Sandbox, SandboxCommand.OfThisProgram(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider =>
        {
            var room = new ComputeRoom(AtOnce(settings), MemoryBudget.ForProcess().Commands);
            provider.GetService<IHostApplicationLifetime>()?.ApplicationStopping.Register(room.Close);
            return room;
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
            provider.GetRequiredService<ComputeRoom>(),
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
            endpoint.LaneLimit = AtOnce(settings);
            endpoint.SessionTimeoutMax = SessionMax;
            endpoint.IsStatic = true;
            endpoint.IsSpread = true;
            endpoint.Handle(services => services.GetRequiredService<ComputeRunner>().HandleAsync);
            endpoint.Weigh(command => command.Weight);
            endpoint.IsShared(exception => exception is StoreUnavailableException or BrokerUnavailableException);
        });
        kafka.BroadcastEndpoint(
            settings.Topics.WorkerCancels, settings.WorkerGroup,
            services => new CancelHandler(services.GetRequiredService<RunningComputes>()));
    }

    /// <summary>Reports the role's handlers to health: its operations.</summary>
    public static void ReportHandlers(RoleHealth health, RuntimeSettings settings)
    {
        foreach (var operation in ComputeOperations.Descriptors.Where(
            operation => ComputeOperations.IsServed(settings.EnabledHandlers, operation.Name)))
        {
            health.Report(operation.Name, null);
        }
    }

    private static int AtOnce(RuntimeSettings settings) => settings.WorkerConcurrency ?? Environment.ProcessorCount;
}
