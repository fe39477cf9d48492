using System.Text.Json.Serialization.Metadata;
using MassTransit;
using MassTransit.Configuration;
using MassTransit.DependencyInjection;
using MassTransit.Transports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Records;

namespace Onex.Kafka.Rider;

/// <summary>Configures what the rider reads.</summary>
public interface IKafkaRiderConfigurator : IRiderFactoryConfigurator
{
    /// <summary>Reads several topics as one member of a group and gives the records to a handler in batches.</summary>
    /// <param name="name">The endpoint's name, for logs and health.</param>
    /// <param name="topics">The topics. If their partition counts are equal, a member gets the same partition numbers of all.</param>
    /// <param name="group">The consumer group.</param>
    /// <param name="handler">Creates the handler, once.</param>
    void BatchEndpoint(string name, IReadOnlyList<string> topics, string group, Func<IServiceProvider, IRecordBatchHandler> handler);

    /// <summary>
    /// Reads a whole topic, as every other process with this endpoint does, from the records of the last hour on. No offset is committed.
    /// </summary>
    /// <param name="topic">The topic.</param>
    /// <param name="group">A prefix for the name of the consumer group, whose only member is this process.</param>
    /// <param name="handler">Creates the handler, once.</param>
    void BroadcastEndpoint(string topic, string group, Func<IServiceProvider, IRecordBatchHandler> handler);

    /// <summary>Reads a topic of JSON messages as a member of a group and handles them concurrently.</summary>
    void TopicEndpoint<T>(string topic, string group, Action<ITopicEndpointConfigurator<T>> configure)
        where T : class;
}

/// <summary>Configures how the messages of one topic are handled.</summary>
public interface ITopicEndpointConfigurator<T>
    where T : class
{
    /// <summary>Messages handled at the same time. Default 64.</summary>
    int ConcurrentMessageLimit { get; set; }

    /// <summary>
    /// The number of threads on which handlers begin: this many can run at a time until they first await something. Default: the number
    /// of processors.
    /// </summary>
    int LaneLimit { get; set; }

    /// <summary>An upper limit for the session timeout; null if <see cref="KafkaSettings.SessionTimeout"/> alone decides.</summary>
    TimeSpan? SessionTimeoutMax { get; set; }

    /// <summary>Whether a killed process that starts again within the session timeout keeps its place in the group. Default: no.</summary>
    bool IsStatic { get; set; }

    /// <summary>Whether neighbouring partitions go to different members. Default: no.</summary>
    bool IsSpread { get; set; }

    /// <summary>The type of the messages. Required; records that do not fit go to the dead-letter topic.</summary>
    void Deserialize(JsonTypeInfo<T> type);

    /// <summary>Defines who handles the messages. Required.</summary>
    /// <param name="handler">Creates the handler, once.</param>
    void Handle(Func<IServiceProvider, MessageHandler<T>> handler);

    /// <summary>
    /// Defines which exceptions are failures that all messages share: these are retried for ever, as is a lack of memory. Others are
    /// retried a limited number of times, then the message becomes a dead letter. Default: <see cref="BrokerUnavailableException"/>.
    /// </summary>
    void RetryForever(Func<Exception, bool> isShared);

    /// <summary>The memory that handling a message takes (<see cref="Onex.Contracts.Messages.JsonWeight"/>). Default: 0.</summary>
    void Weigh(Func<T, long> weigh);
}

/// <summary>
/// Handles a message. The method occupies one of the lanes, which begin all messages, until it returns its task. So work that may block
/// belongs in <see cref="MessageLane.TryDefer"/> or on another thread.
/// </summary>
/// <param name="message">The message.</param>
/// <param name="record">The record that it was read from.</param>
/// <param name="cancellation">Ends the work, because the endpoint stops.</param>
public delegate Task MessageHandler<in T>(T message, ConsumedRecord record, CancellationToken cancellation);

internal sealed class KafkaRiderConfigurator(IRiderRegistrationContext context) : IKafkaRiderConfigurator, IBusInstanceSpecification
{
    private readonly List<(EndpointAddress Address, Func<IRecordBatchHandler> Handler)> _endpoints = [];
    private readonly List<string> _problems = [];
    private readonly MassTransit.Observables.ReceiveEndpointObservable _observers = new();

    public void BatchEndpoint(
        string name, IReadOnlyList<string> topics, string group, Func<IServiceProvider, IRecordBatchHandler> handler) =>
        _endpoints.Add((new EndpointAddress(name, topics, group), () => handler(context)));

    public void BroadcastEndpoint(string topic, string group, Func<IServiceProvider, IRecordBatchHandler> handler)
    {
        var ownGroup = $"{group}-{Guid.CreateVersion7(context.GetRequiredService<TimeProvider>().GetUtcNow())}";
        _endpoints.Add((new EndpointAddress(topic, [topic], ownGroup) { IsBroadcast = true }, () => handler(context)));
    }

    public void TopicEndpoint<T>(string topic, string group, Action<ITopicEndpointConfigurator<T>> configure)
        where T : class
    {
        var configurator = new TopicEndpointConfigurator<T>();
        configure(configurator);
        if (configurator.Type is not { } type)
        {
            _problems.Add($"The endpoint of topic '{topic}' has no message type: call Deserialize(...).");
            return;
        }

        if (configurator.Handler is not { } handle)
        {
            _problems.Add($"The endpoint of topic '{topic}' has no handler: call Handle(...).");
            return;
        }

        var address = new EndpointAddress(topic, [topic], group)
        {
            SessionTimeoutMax = configurator.SessionTimeoutMax,
            IsStatic = configurator.IsStatic,
            IsSpread = configurator.IsSpread,
        };
        _endpoints.Add((address, Create));

        TopicHandler<T> Create()
        {
            var handler = new TopicHandler<T>(
                topic,
                type,
                handle(context),
                configurator.ConcurrentMessageLimit,
                configurator.LaneLimit,
                configurator.IsShared,
                configurator.Weight,
                context.GetRequiredService<KafkaSettings>(),
                context.GetRequiredService<TimeProvider>(),
                context.GetRequiredService<ILogger<TopicHandler<T>>>());
            context.GetService<ConsumerMetrics>()?.AddSlots(topic, () => handler.Slots);
            return handler;
        }
    }

    public ConnectHandle ConnectReceiveEndpointObserver(IReceiveEndpointObserver observer) => _observers.Connect(observer);

    public IEnumerable<ValidationResult> Validate()
    {
        foreach (var problem in _problems)
        {
            yield return this.Failure("Kafka", problem);
        }

        foreach (var duplicate in _endpoints.GroupBy(endpoint => Path(endpoint.Address)).Where(group => group.Count() > 1))
        {
            yield return this.Failure("Kafka", $"Two endpoints read {duplicate.Key}.");
        }

        foreach (var (address, _) in _endpoints.Where(endpoint => endpoint.Address.Topics.Count == 0))
        {
            yield return this.Failure("Kafka", $"Endpoint '{address.Name}' reads no topic.");
        }
    }

    public void Configure(IBusInstance busInstance)
    {
        var settings = context.GetRequiredService<KafkaSettings>();
        var log = context.GetRequiredService<IRecordLog>();
        var endpoints = _endpoints.ConvertAll(endpoint => new RiderEndpoint(
            endpoint.Address.Name,
            HealthEntry.Create(busInstance, Path(endpoint.Address)),
            new RecordConsumer(
                endpoint.Address,
                endpoint.Handler(),
                settings,
                log,
                context.GetRequiredService<DeadLetterWriter>(),
                context.GetRequiredService<MissedRecordsCount>(),
                context.GetRequiredService<TimeProvider>(),
                context.GetRequiredService<ILogger<RecordConsumer>>(),
                context.GetService<ConsumerMetrics>())));
        busInstance.Connect<IKafkaRider>(new KafkaRider(endpoints, log, settings.DrainFor));
    }

    // The name of the endpoint in health. Two groups may read one topic.
    private static string Path(EndpointAddress address) => $"kafka/{string.Join(',', address.Topics)}/{address.Group}";
}

internal sealed class TopicEndpointConfigurator<T> : ITopicEndpointConfigurator<T>
    where T : class
{
    public int ConcurrentMessageLimit { get; set; } = 64;

    public int LaneLimit { get; set; } = Environment.ProcessorCount;

    public TimeSpan? SessionTimeoutMax { get; set; }

    public bool IsStatic { get; set; }

    public bool IsSpread { get; set; }

    public JsonTypeInfo<T>? Type { get; private set; }

    public Func<IServiceProvider, MessageHandler<T>>? Handler { get; private set; }

    public Func<Exception, bool> IsShared { get; private set; } = e => e is BrokerUnavailableException;

    public void Deserialize(JsonTypeInfo<T> type) => Type = type;

    public void Handle(Func<IServiceProvider, MessageHandler<T>> handler) => Handler = handler;

    public Func<T, long> Weight { get; private set; } = _ => 0;

    public void RetryForever(Func<Exception, bool> isShared) => IsShared = isShared;

    public void Weigh(Func<T, long> weigh) => Weight = weigh;
}

/// <summary>Creates the rider with the bus.</summary>
internal sealed class KafkaRiderFactory(Action<IRiderRegistrationContext, IKafkaRiderConfigurator> configure)
    : IRegistrationRiderFactory<IKafkaRider>
{
    public IBusInstanceSpecification CreateRider(IRiderRegistrationContext context)
    {
        var configurator = new KafkaRiderConfigurator(context);
        configure(context, configurator);
        return configurator;
    }
}
