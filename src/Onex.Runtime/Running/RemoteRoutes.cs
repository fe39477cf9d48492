using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Runtime.Running;

/// <summary>Checks the topics of remote operations against the settings, which the reader of the declarations does not know.</summary>
internal static class RemoteRoutes
{
    /// <summary>The topics of their commands and cancellations, with the configured prefix.</summary>
    public static IReadOnlyList<string> Topics(IEnumerable<OperationDescriptor> operations, Topics runtimeTopics) =>
    [
        .. operations.Select(operation => runtimeTopics.Prefix + operation.Remote!.Topic).Distinct(StringComparer.Ordinal)
            .SelectMany(topic => new[] { topic, Contracts.Messages.Topics.CancelTopicOf(topic) }),
    ];

    /// <summary>A line for each operation whose topic is one of the runtime's, or too long with the configured prefix.</summary>
    public static IEnumerable<string> Problems(IEnumerable<OperationDescriptor> operations, Topics runtimeTopics)
    {
        foreach (var operation in operations)
        {
            var topic = runtimeTopics.Prefix + operation.Remote!.Topic;
            var longest = Contracts.Messages.Topics.DeadLetterTopicOf(Contracts.Messages.Topics.CancelTopicOf(topic));
            if (runtimeTopics.All.Contains(topic, StringComparer.Ordinal))
            {
                yield return $"operation '{operation.Name}' has the topic '{topic}', a topic of the runtime itself. Name another one.";
            }
            else if (longest.Length > Contracts.Messages.Topics.NameLengthMax)
            {
                yield return $"operation '{operation.Name}' has the topic '{topic}', which is too long with ONEX_TOPIC_PREFIX: "
                    + $"with '{longest[topic.Length..]}' Kafka allows {Contracts.Messages.Topics.NameLengthMax} characters. "
                    + "Shorten one of the two.";
            }
        }
    }

    /// <summary>A line for each remote operation that each contract calls; these cannot run if the runtime has no Kafka.</summary>
    public static IEnumerable<string> WithoutKafka(IEnumerable<Plan> plans) =>
        from plan in plans
        from name in plan.RemoteOperations
        select $"contract '{plan.Name}' {plan.Version} calls the remote operation '{name}', whose workers are reached through Kafka. "
            + "Set KAFKA_BOOTSTRAP_SERVERS, or take the contract out of this directory.";
}
