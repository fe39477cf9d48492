using Confluent.Kafka;

namespace Onex.Kafka.Brokers;

/// <summary>
/// Errors with which a broker answers while leaders and coordinators move. The error table of the Kafka protocol calls them retriable.
/// </summary>
internal static class RetriableErrors
{
    public static bool Contains(ErrorCode code) => code
        is ErrorCode.LeaderNotAvailable or ErrorCode.NotLeaderForPartition or ErrorCode.RequestTimedOut or ErrorCode.BrokerNotAvailable
        or ErrorCode.ReplicaNotAvailable or ErrorCode.NetworkException or ErrorCode.GroupLoadInProgress
        or ErrorCode.GroupCoordinatorNotAvailable or ErrorCode.NotCoordinatorForGroup or ErrorCode.UnknownTopicOrPart;

    /// <summary>Whether every error in an answer is retriable. An answer for several partitions has one error per partition.</summary>
    public static bool Contains(KafkaException failure) => failure switch
    {
        TopicPartitionOffsetException { Results: var results } => results.TrueForAll(
            result => !result.Error.IsError || Contains(result.Error.Code)),
        _ => Contains(failure.Error.Code),
    };

    /// <summary>Sends a request until its answer is not a retriable error.</summary>
    /// <param name="request">Sends it and blocks until the answer.</param>
    /// <param name="within">For how long a retriable error leads to another request.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Ends the wait between two requests.</param>
    /// <exception cref="KafkaException">Another error, or the last retriable one when the time is over.</exception>
    public static async Task<T> RetryAsync<T>(Func<T> request, TimeSpan within, TimeProvider time, CancellationToken cancellation)
    {
        var began = time.GetTimestamp();
        var backoff = Backoff.ForSharedFailure(time);
        while (true)
        {
            try
            {
                return request();
            }
            catch (KafkaException e) when (Contains(e) && time.GetElapsedTime(began) < within)
            {
                await backoff.WaitAsync(cancellation);
            }
        }
    }
}
