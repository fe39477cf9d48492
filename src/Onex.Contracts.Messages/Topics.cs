namespace Onex.Contracts.Messages;

/// <summary>The names of the topics that a runtime reads and writes, after prefix and environment have been applied.</summary>
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
    /// <summary>The longest name of a topic that Kafka allows.</summary>
    public const int NameLengthMax = 249;

    /// <summary>The suffix of a dead-letter topic's name.</summary>
    public const string DeadLetterSuffix = ".dlq";

    /// <summary>The suffix of the topic with the cancellations of a command topic.</summary>
    public const string CancelSuffix = ".cancel";

    /// <summary>The prefix of the topics whose names the contracts directory declares: those of commands to remote workers.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>The names when nothing is configured.</summary>
    public static Topics Default { get; } = new(
        "requests", "responses", "effect-requests", "effect-responses", "worker-requests", "worker-responses", "saga-events");

    /// <summary>The four topics that the orchestrator reads in one group. They must have equal partition counts.</summary>
    public IReadOnlyList<string> ReadByMain => [Requests, EffectResponses, WorkerResponses, SagaEvents];

    /// <summary>The topic with the cancellations of the commands to workers, which every worker reads.</summary>
    public string WorkerCancels => Cancel(WorkerRequests);

    /// <summary>All eight, in the order in which a message passes them; the cancellations at the end.</summary>
    public IReadOnlyList<string> All =>
        [Requests, EffectRequests, EffectResponses, WorkerRequests, WorkerResponses, Responses, SagaEvents, WorkerCancels];

    /// <summary>The topic with the cancellations of a topic with commands.</summary>
    public static string Cancel(string topic) => topic + CancelSuffix;

    /// <summary>The dead-letter topic of a topic.</summary>
    public static string DeadLetter(string topic) => topic + DeadLetterSuffix;
}
