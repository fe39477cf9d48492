namespace Onex.Contracts.Messages;

/// <summary>The names of the topics that a runtime reads and writes, after prefix and environment have been applied.</summary>
/// <param name="Requests">Requests from clients: main's input.</param>
/// <param name="Responses">Responses to clients: main's output.</param>
/// <param name="EffectRequests">Commands for runtime-effects.</param>
/// <param name="EffectResponses">Results from runtime-effects.</param>
/// <param name="WorkerRequests">Commands for runtime-workers.</param>
/// <param name="WorkerResponses">Results from runtime-workers.</param>
/// <param name="SagaEvents">Internal: what sagas and mains say to each other.</param>
public sealed record Topics(
    string Requests,
    string Responses,
    string EffectRequests,
    string EffectResponses,
    string WorkerRequests,
    string WorkerResponses,
    string SagaEvents)
{
    /// <summary>What a dead-letter topic is called: the topic's name with this behind it.</summary>
    public const string DeadLetterSuffix = ".dlq";

    /// <summary>The names when nothing is configured.</summary>
    public static Topics Default { get; } = new(
        "requests", "responses", "effect-requests", "effect-responses", "worker-requests", "worker-responses", "saga-events");

    /// <summary>The four topics that main reads in one group; they must have equal partition counts.</summary>
    public IReadOnlyList<string> ReadByMain => [Requests, EffectResponses, WorkerResponses, SagaEvents];

    /// <summary>All seven, in the order in which a message passes them.</summary>
    public IReadOnlyList<string> All =>
        [Requests, EffectRequests, EffectResponses, WorkerRequests, WorkerResponses, Responses, SagaEvents];

    /// <summary>The dead-letter topic of a topic.</summary>
    public static string DeadLetter(string topic) => topic + DeadLetterSuffix;
}
