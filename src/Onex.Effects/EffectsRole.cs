using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Db;
using Onex.Effects.Http;
using Onex.Effects.Running;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Kafka.Rider;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;

namespace Onex.Effects;

/// <summary>The role runtime-effects: runs effects for sagas. The public door of this project.</summary>
public static class EffectsRole
{
    /// <summary>How many commands a process has in hand at once; each connection has its own limit besides.</summary>
    internal const int CommandsAtOnce = 256;

    /// <summary>
    /// Adds the role. Needs <see cref="IEffectLedger"/>, <see cref="IPayloads"/>, <see cref="IRecordProducer"/>, <see cref="RoleHealth"/>
    /// and <see cref="TimeProvider"/> among the services.
    /// </summary>
    /// <param name="services">The process's services.</param>
    /// <param name="settings">Which topics.</param>
    /// <param name="connections">As <see cref="ConnectionsReader"/> read them, secrets included.</param>
    public static IServiceCollection AddOnexEffects(
        this IServiceCollection services, RuntimeSettings settings, IReadOnlyDictionary<string, Connection> connections)
    {
        var memory = MemoryBudget.ForProcess();
        services.AddSingleton<HttpTransport>();
        services.AddSingleton<DatabasePools>();
        services.AddSingleton<ConnectionLimits>();
        services.TryAddSingleton(settings.Topics);
        services.AddSingleton(provider => new EffectRunner(
            EffectOperations.Create(provider),
            connections,
            provider.GetRequiredService<ConnectionLimits>(),
            provider.GetRequiredService<IEffectLedger>(),
            provider.GetRequiredService<IPayloads>(),
            new ResultSender(
                provider.GetRequiredService<IRecordProducer>(),
                provider.GetRequiredService<TimeProvider>(),
                settings.Topics.EffectResponses,
                "onex-effects"),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<EffectRunner>>(),
            new ResultRoom(memory.Results, memory.LargestResult)));
        return services;
    }

    /// <summary>Lets the rider read the role's commands.</summary>
    public static void Configure(RuntimeSettings settings, IRiderRegistrationContext context, IKafkaRiderConfigurator kafka) =>
        kafka.TopicEndpoint<StepCommand>(settings.Topics.EffectRequests, settings.EffectsGroup, endpoint =>
        {
            endpoint.Deserialize(MessageJson.Default.StepCommand);
            endpoint.ConcurrentMessageLimit = CommandsAtOnce;
            endpoint.Pipe(pipe => pipe.Instance(context.GetRequiredService<EffectRunner>()));
            endpoint.Weigh(command => command.Weight);
            endpoint.IsShared(exception => exception is StoreUnavailableException or BrokerUnavailableException);
        });

    /// <summary>Names the role's handlers: the prefixes of its operations, and its connections. None has failed yet.</summary>
    public static void ReportHandlers(RoleHealth health, IReadOnlyDictionary<string, Connection> connections)
    {
        foreach (var prefix in EffectOperations.Descriptors.Where(operation => !operation.IsToCome).Select(operation => operation.Name.Split('.')[0]).Distinct(StringComparer.Ordinal))
        {
            health.Report(prefix, null);
        }

        foreach (var name in connections.Keys)
        {
            health.Report(name, null);
        }
    }
}
