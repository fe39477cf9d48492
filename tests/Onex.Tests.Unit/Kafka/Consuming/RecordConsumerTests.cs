using System.Collections.Concurrent;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using Onex.Kafka;
using Onex.Kafka.Consuming;

namespace Onex.Tests.Unit.Kafka.Consuming;

/// <summary>A consumer over a log that fails.</summary>
public sealed class RecordConsumerTests
{
    [Theory]
    [InlineData(ErrorCode.NotLeaderForPartition, LogLevel.Warning)]
    [InlineData(ErrorCode.LeaderNotAvailable, LogLevel.Warning)]
    [InlineData(ErrorCode.TopicAuthorizationFailed, LogLevel.Error)]
    public async Task A_consumer_rejoins_after_a_failure_and_logs_only_permanent_ones_as_errors(
        ErrorCode code, LogLevel level)
    {
        var (log, logger) = (new FailingLog(code), new LevelRecorder());
        using var consumer = new RecordConsumer(
            new EndpointAddress("endpoint", ["topic"], "group"),
            new IdleHandler(),
            new KafkaSettings { BootstrapServers = "127.0.0.1:1", ClientId = "test" },
            log,
            null!,
            new MissedRecordsCount(),
            TimeProvider.System,
            logger);
        consumer.Start();

        await Eventually.Async(() => log.Joins > 1, TimeSpan.FromMinutes(1), () => $"{log.Joins} joins");
        await consumer.StopAsync(TimeSpan.FromSeconds(10), CancellationToken.None);

        Assert.Equal(level, logger.Seen.Max());
    }

    private sealed class FailingLog(ErrorCode code) : IRecordLog
    {
        private int _joins;

        public int Joins => _joins;

        public string? LastError => null;

        public void Start(IReadOnlyCollection<string> topics)
        {
        }

        public IReadOnlyCollection<string> FindMissing(IReadOnlyCollection<string> topics) => [];

        public ILogConsumer Join(EndpointAddress address, MembershipEvents events)
        {
            Interlocked.Increment(ref _joins);
            throw new KafkaException(code);
        }

        public Task<IReadOnlyDictionary<string, Guid>> TopicIdsAsync(IReadOnlyCollection<string> names, CancellationToken cancellation) =>
            Task.FromResult<IReadOnlyDictionary<string, Guid>>(new Dictionary<string, Guid>());
    }

    private sealed class IdleHandler : IRecordBatchHandler
    {
        public Task HandleAsync(IReadOnlyList<BatchEntry> batch, CancellationToken cancellation) => Task.CompletedTask;

        public Task AssignedAsync(IReadOnlyCollection<int> partitions, CancellationToken cancellation) => Task.CompletedTask;

        public void Revoked(IReadOnlyCollection<int> partitions)
        {
        }
    }

    private sealed class LevelRecorder : ILogger
    {
        public ConcurrentQueue<LogLevel> Seen { get; } = new();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Seen.Enqueue(logLevel);
    }
}
