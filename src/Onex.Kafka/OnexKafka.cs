using MassTransit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Memory;
using Onex.Kafka.Producing;
using Onex.Kafka.Rider;
using Onex.Metrics;

namespace Onex.Kafka;

/// <summary>Registers the services of this project.</summary>
public static class OnexKafka
{
    /// <summary>
    /// Adds the process's producer (<see cref="IRecordProducer"/>), <see cref="TopicAdmin"/>, <see cref="BrokerHealth"/>,
    /// <see cref="GroupOffsets"/>, <see cref="MissedRecordsCount"/>, and the services that <see cref="UsingKafka"/> needs. An
    /// <see cref="IDeadLetterSink"/> is used if one is registered.
    /// </summary>
    public static IServiceCollection AddOnexKafka(this IServiceCollection services, KafkaSettings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton<BrokerAdmin>();
        services.AddSingleton(provider => new BrokerHealth(
            provider.GetRequiredService<BrokerAdmin>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<BrokerHealth>>()));
        services.AddSingleton(provider => new TopicAdmin(
            provider.GetRequiredService<BrokerAdmin>(), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<GroupOffsets>();
        services.AddSingleton<RecordProducer>();
        services.AddSingleton<IRecordProducer>(provider => provider.GetRequiredService<RecordProducer>());
        services.AddSingleton<IRecordLog, KafkaLog>();
        return services.AddRider(settings);
    }

    /// <summary>
    /// Adds an in-memory log instead of Kafka, behind the same interfaces. Its messages are lost when the process ends.
    /// </summary>
    /// <param name="services">The process's services.</param>
    /// <param name="topics">The topics; each also gets a dead-letter topic.</param>
    /// <param name="partitions">Partitions of each topic.</param>
    /// <param name="recordsKept">Records that a partition keeps if no group reads its topic.</param>
    /// <param name="settings">How much to hold in memory.</param>
    public static IServiceCollection AddOnexMemoryLog(
        this IServiceCollection services, IReadOnlyCollection<string> topics, int partitions, int recordsKept, KafkaSettings settings)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(settings);
        services.AddSingleton(new MemoryLog(topics, partitions, recordsKept));
        services.AddSingleton<IRecordLog>(provider => provider.GetRequiredService<MemoryLog>());
        services.AddSingleton<IRecordProducer, MemoryProducer>();
        return services.AddRider(settings);
    }

    /// <summary>Adds topics to the in-memory log of the process, unless they exist.</summary>
    public static void AddMemoryTopics(this IServiceProvider services, IReadOnlyCollection<string> topics) =>
        services.GetRequiredService<MemoryLog>().Add(topics);

    private static IServiceCollection AddRider(this IServiceCollection services, KafkaSettings settings)
    {
        services.AddSingleton(provider => new DeadLetterWriter(
            settings,
            provider.GetRequiredService<IRecordProducer>(),
            provider.GetService<IDeadLetterSink>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<DeadLetterWriter>>(),
            provider.GetRequiredService<DeadLetterMetrics>()));
        services.TryAddSingleton<OnexMeter>();
        services.AddSingleton<ConsumerMetrics>();
        services.AddSingleton<ProducerMetrics>();
        services.AddSingleton<DeadLetterMetrics>();
        services.AddSingleton<MissedRecordsCount>();
        return services;
    }

    /// <summary>
    /// Makes the rider read Kafka or the in-memory log, whichever was added: <c>x.AddRider(r => r.UsingKafka((context, k) => ...))</c>.
    /// </summary>
    public static void UsingKafka(
        this IRiderRegistrationConfigurator configurator, Action<IRiderRegistrationContext, IKafkaRiderConfigurator> configure) =>
        configurator.SetRiderFactory(new KafkaRiderFactory(configure));
}
