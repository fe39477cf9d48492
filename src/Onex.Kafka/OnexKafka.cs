using MassTransit;
using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Producing;
using Onex.Kafka.Riding;

namespace Onex.Kafka;

/// <summary>The door of this project.</summary>
public static class OnexKafka
{
    /// <summary>
    /// Adds the process's producer (<see cref="IRecordProducer"/>), <see cref="TopicAdmin"/>, <see cref="BrokerHealth"/>,
    /// <see cref="IPipeFactory"/>, and what <see cref="UsingKafka"/> needs. An <see cref="IDeadLetterSink"/> is used if one is registered.
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
        services.AddSingleton<IRecordProducer, RecordProducer>();
        services.AddSingleton(provider => new DeadLetterWriter(
            settings,
            provider.GetRequiredService<IRecordProducer>(),
            provider.GetService<IDeadLetterSink>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<DeadLetterWriter>>()));
        services.AddSingleton<IPipeFactory>(provider => new PipeFactory(provider.GetRequiredService<IBusInstance>));
        return services;
    }

    /// <summary>Makes the rider read Kafka: <c>x.AddRider(r => r.UsingKafka((context, k) => ...))</c>.</summary>
    public static void UsingKafka(
        this IRiderRegistrationConfigurator configurator, Action<IRiderRegistrationContext, IKafkaRiderConfigurator> configure) =>
        configurator.SetRiderFactory(new KafkaRiderFactory(configure));
}
