using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Db;
using Onex.Effects.Http;
using Onex.Effects.Kafka;
using Onex.Effects.Limits;
using Onex.Effects.Operations;
using Onex.Effects.Redis;
using Onex.Effects.Running;
using Onex.Effects.Vault;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Rider;
using Onex.Metrics;
using Onex.Persistence;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;
using Onex.Persistence.Secrets;

namespace Onex.Effects;

/// <summary>The effects role: executes effects for sagas. The entry point of this project.</summary>
public static class EffectsRole
{
    /// <summary>
    /// The maximum number of consumed commands in memory per process; their total weight is limited, too. It is many times what one
    /// connection with the default concurrency may occupy, so that none keeps the commands of others from being read.
    /// </summary>
    internal const int CommandsAtOnce = 4096;

    private const string Source = "onex-effects";

    /// <summary>
    /// Adds the role. Needs <see cref="IEffectLedger"/>, <see cref="IParkedCommands"/>, <see cref="ISecretHandles"/>,
    /// <see cref="IPayloads"/>, <see cref="IRecordProducer"/>, <see cref="ConsulClient"/>, <see cref="RoleHealth"/>,
    /// <see cref="OnexMeter"/> and <see cref="TimeProvider"/> among the services.
    /// </summary>
    /// <param name="services">The process's services.</param>
    /// <param name="settings">The settings, for the topics and for Redis.</param>
    /// <param name="connections">The connections, with secrets.</param>
    public static IServiceCollection AddOnexEffects(
        this IServiceCollection services, RuntimeSettings settings, ConnectionTable connections)
    {
        var memory = MemoryBudget.ForProcess();
        services.AddOperationClients(connections);
        services.TryAddSingleton(settings.Topics);
        services.AddSingleton(provider => new EffectRunner(
            EffectOperations.Create(provider),
            connections,
            provider.GetRequiredService<ConnectionGates>(),
            provider.GetRequiredService<IEffectLedger>(),
            provider.GetRequiredService<IParkedCommands>(),
            provider.GetRequiredService<IPayloads>(),
            new ResultSender(
                provider.GetRequiredService<IRecordProducer>(),
                provider.GetRequiredService<TimeProvider>(),
                settings.Topics.EffectResponses,
                Source),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<EffectRunner>>(),
            new ResultMemory(memory.Results, memory.LargestResult),
            provider.GetRequiredService<SecretResolver>(),
            provider.GetRequiredService<ISharedLimits>(),
            parkedMemory: new MemoryGate(memory.Commands / 4), // beside the memory of commands that were just consumed
            new ReportSender(
                provider.GetRequiredService<IRecordProducer>(),
                provider.GetRequiredService<TimeProvider>(),
                settings.Topics.EffectResponses,
                Source,
                Environment.MachineName),
            provider.GetService<EffectMetrics>()));
        services.AddSingleton<EffectMetrics>();
        services.AddSingleton<ISharedLimits>(provider => new ClusterLimits(
            settings.Redis, provider.GetRequiredService<RoleHealth>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ClusterLimits>>()));
        services.AddHostedService<ParkedCommandLoop>();
        return services;
    }

    /// <summary>The names of the gates at which commands may be parked: the connections, and one for effects without any.</summary>
    public static IReadOnlyCollection<string> NamesOfGates(ConnectionTable connections) =>
        [.. connections.Names, ConnectionGates.WithoutConnection];

    /// <summary>Adds the names of connections to the closed set of values of a metric label, at once and whenever they change.</summary>
    public static void AddConnectionLabels(OnexMeter meter, ConnectionTable connections) =>
        EffectMetrics.AddConnectionLabels(meter, connections);

    /// <summary>Adds the loop that reads the secrets of Vault to which connections refer.</summary>
    /// <param name="services">The process's services, with <see cref="VaultSecrets"/>.</param>
    /// <param name="environment">The variables with address and login.</param>
    public static IServiceCollection AddVaultSecrets(this IServiceCollection services, IReadOnlyDictionary<string, string> environment)
    {
        services.AddSingleton(
            provider => ActivatorUtilities.CreateInstance<VaultSecretLoop>(provider, VaultReader.FromSettings(environment)));
        return services.AddHostedService(provider => provider.GetRequiredService<VaultSecretLoop>());
    }

    /// <summary>Reads the secrets of Vault before the role starts. True if some became known.</summary>
    public static Task<bool> ReadVaultSecretsAsync(IServiceProvider services, CancellationToken cancellation) =>
        services.GetRequiredService<VaultSecretLoop>().RefreshAsync(cancellation);

    /// <summary>Adds the clients with which operations reach external systems.</summary>
    internal static IServiceCollection AddOperationClients(this IServiceCollection services, ConnectionTable connections) => services
        .AddSingleton(connections)
        .AddSingleton(provider => new ServiceDirectory(
            connections,
            provider.GetRequiredService<ConsulClient>(),
            provider.GetService<RuntimeSettings>()?.DnsServer,
            provider.GetRequiredService<RoleHealth>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ServiceDirectory>>()))
        .AddSingleton<HttpTransport>()
        .AddSingleton<DatabasePools>()
        .AddSingleton<RedisConnections>()
        .AddSingleton<KafkaProducers>()
        .AddSingleton<VaultSessions>()
        .AddSingleton<SecretResolver>()
        .AddSingleton(provider => new ConnectionGates(
            connections,
            provider.GetRequiredService<RoleHealth>(),
            provider.GetRequiredService<TimeProvider>(),
            MemoryBudget.ForProcess(),
            provider.GetRequiredService<ILogger<ConnectionGates>>()));

    /// <summary>Configures the rider to consume the role's commands.</summary>
    public static void Configure(RuntimeSettings settings, IKafkaRiderConfigurator kafka) =>
        kafka.TopicEndpoint<StepCommand>(settings.Topics.EffectRequests, settings.EffectsGroup, endpoint =>
        {
            endpoint.Deserialize(MessageJson.Default.StepCommand);
            endpoint.ConcurrentMessageLimit = CommandsAtOnce;
            endpoint.Handle(services => services.GetRequiredService<EffectRunner>().HandleAsync);
            endpoint.Weigh(command => command.Weight);
            endpoint.RetryForever(exception => exception is StoreUnavailableException or BrokerUnavailableException);
        });

    /// <summary>
    /// Reports the role's handlers to health: the prefixes of its operations, and its connections as they change. Call it before the gates
    /// are created, so that they report the breaker of a changed connection after this.
    /// </summary>
    public static void ReportHandlers(RoleHealth health, ConnectionTable connections)
    {
        var operations = EffectOperations.Descriptors;
        foreach (var prefix in operations.Select(operation => operation.Name.Split('.')[0]).Distinct(StringComparer.Ordinal))
        {
            health.Report(prefix, null);
        }

        foreach (var name in connections.Names)
        {
            health.Report(name, null);
        }

        connections.OnChanged(changes =>
        {
            foreach (var change in changes)
            {
                health.Report(change.Name, null);
            }
        });
    }
}
