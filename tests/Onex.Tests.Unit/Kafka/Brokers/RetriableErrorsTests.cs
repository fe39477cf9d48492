using Confluent.Kafka;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.Brokers;

namespace Onex.Tests.Unit.Kafka.Brokers;

/// <summary>Requests that are sent again while leaders and coordinators move.</summary>
public sealed class RetriableErrorsTests
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(10);

    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.FromMilliseconds(1) };

    private int _requests;

    [Fact]
    public async Task A_request_to_a_partition_without_a_leader_is_sent_again()
    {
        var answer = await RetryAsync(() => _requests < 3 ? throw Failure(ErrorCode.NotLeaderForPartition) : 7);

        Assert.Equal((7, 3), (answer, _requests));
    }

    [Fact]
    public async Task An_answer_is_requested_again_when_one_partition_has_no_leader()
    {
        var answer = await RetryAsync(
            () => _requests < 2 ? throw Partial(ErrorCode.NoError, ErrorCode.LeaderNotAvailable) : 7);

        Assert.Equal((7, 2), (answer, _requests));
    }

    [Theory]
    [InlineData(ErrorCode.TopicAuthorizationFailed)]
    [InlineData(ErrorCode.Local_Authentication)]
    public async Task Another_error_is_not_retried(ErrorCode code)
    {
        var thrown = await Assert.ThrowsAsync<KafkaException>(() => RetryAsync(() => throw Failure(code)));
        await Assert.ThrowsAsync<TopicPartitionOffsetException>(
            () => RetryAsync(() => throw Partial(ErrorCode.LeaderNotAvailable, code)));

        Assert.Equal((code, 2), (thrown.Error.Code, _requests));
    }

    [Fact]
    public async Task A_partition_that_stays_without_a_leader_ends_the_retries()
    {
        var thrown = await Assert.ThrowsAsync<KafkaException>(() => RetryAsync(() => throw Failure(ErrorCode.LeaderNotAvailable)));

        Assert.Equal(ErrorCode.LeaderNotAvailable, thrown.Error.Code);
        Assert.InRange(_requests, 3, 30);
    }

    private static KafkaException Failure(ErrorCode code) => new(new Error(code));

    private static TopicPartitionOffsetException Partial(params ErrorCode[] codes) => new(
        [.. codes.Select((code, partition) => new TopicPartitionOffsetError("topic", partition, Offset.Unset, new Error(code)))]);

    private async Task<int> RetryAsync(Func<int> request)
    {
        var retried = RetriableErrors.RetryAsync(
            () =>
            {
                _requests++;
                return request();
            },
            _within, _time, TestContext.Current.CancellationToken);
        while (!retried.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }

        return await retried;
    }
}
