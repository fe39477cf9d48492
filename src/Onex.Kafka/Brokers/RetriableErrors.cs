using Confluent.Kafka;

namespace Onex.Kafka.Brokers;

/// <summary>
/// Errors with which a broker answers while leaders and coordinators move. The error table of the Kafka protocol calls them retriable: the
/// same request succeeds a moment later.
/// </summary>
internal static class RetriableErrors
{
    public static bool Contains(ErrorCode code) => code
        is ErrorCode.LeaderNotAvailable or ErrorCode.NotLeaderForPartition or ErrorCode.RequestTimedOut or ErrorCode.BrokerNotAvailable
        or ErrorCode.ReplicaNotAvailable or ErrorCode.NetworkException or ErrorCode.GroupLoadInProgress
        or ErrorCode.GroupCoordinatorNotAvailable or ErrorCode.NotCoordinatorForGroup or ErrorCode.UnknownTopicOrPart;
}
