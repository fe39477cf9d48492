namespace Onex.Contracts.Messages;

/// <summary>The names of the topics that a runtime reads and writes, with the configured prefix.</summary>
/// <param name="Requests">Requests from clients to the orchestrator.</param>
/// <param name="Responses">Responses from the orchestrator to clients.</param>
/// <param name="EffectRequests">Commands to the effects role.</param>
/// <param name="EffectResponses">Results from the effects role.</param>
/// <param name="WorkerRequests">Commands to workers.</param>
/// <param name="WorkerResponses">Results from workers.</param>
/// <param name="SagaEvents">Internal: what sagas send to each other.</param>
public sealed record Topics(
    string Requests,
    string Responses,
    string EffectRequests,
    string EffectResponses,
    string WorkerRequests,
    string WorkerResponses,
    string SagaEvents)
{
    /// <summary>The maximum length of a topic's name in Kafka.</summary>
    public const int NameLengthMax = 249;

    /// <summary>The suffix of a dead-letter topic's name.</summary>
    public const string DeadLetterSuffix = ".dlq";

    /// <summary>The suffix of the topic with the cancellations of a command topic.</summary>
    public const string CancelSuffix = ".cancel";

    /// <summary>The configured prefix. The names above contain it; senders add it to the topics of remote workers.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The names if nothing is configured.</summary>
    public static Topics Default { get; } = new(
        "requests", "responses", "effect-requests", "effect-responses", "worker-requests", "worker-responses", "saga-events");

    /// <summary>The four topics that the orchestrator reads in one group, with equal partition counts for the home partitions.</summary>
    public IReadOnlyList<string> ReadByMain => [Requests, EffectResponses, WorkerResponses, SagaEvents];

    /// <summary>The topic with the cancellations of the commands to workers, which every worker reads.</summary>
    public string WorkerCancels => CancelTopicOf(WorkerRequests);

    /// <summary>The seven, in the order in which <c>SettingsReading</c> names their settings, and <see cref="WorkerCancels"/>.</summary>
    public IReadOnlyList<string> All =>
        [Requests, EffectRequests, EffectResponses, WorkerRequests, WorkerResponses, Responses, SagaEvents, WorkerCancels];

    /// <summary>The topic with the cancellations of a topic with commands.</summary>
    public static string CancelTopicOf(string topic) => topic + CancelSuffix;

    /// <summary>The dead-letter topic of a topic.</summary>
    public static string DeadLetterTopicOf(string topic) => topic + DeadLetterSuffix;
}
