using System.Text;
using Confluent.Kafka;
using Onex.Kafka.Brokers;

namespace Onex.Kafka.Consuming;

/// <summary>A record that <see cref="TopicTail"/> has read.</summary>
public sealed record TailRecord(int Partition, string? Key, byte[] Value, IReadOnlyDictionary<string, string> Headers);

/// <summary>Reads what is written to a topic from now on, without a consumer group, until it is disposed of.</summary>
public sealed class TopicTail : IAsyncDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(10);

    private readonly IConsumer<byte[], byte[]> _consumer;
    private readonly Action<TailRecord> _receive;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    private TopicTail(IConsumer<byte[], byte[]> consumer, Action<TailRecord> receive)
    {
        (_consumer, _receive) = (consumer, receive);
        _loop = Task.Factory.StartNew(Read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Begins to read at the end of each partition.</summary>
    /// <param name="settings">How to reach the broker.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="partitions">The number of its partitions.</param>
    /// <param name="receive">Gets each record, on another thread.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <exception cref="BrokerUnavailableException">No broker answers, or the partitions have no leader for longer than 10 s.</exception>
    public static async Task<TopicTail> OpenAsync(
        KafkaSettings settings, string topic, int partitions, Action<TailRecord> receive, CancellationToken cancellation)
    {
        var config = ClientSettings.For<ConsumerConfig>(settings);

        // The library requires a group, although this consumer joins none.
        config.GroupId = settings.ClientId;
        config.EnableAutoCommit = false;
        var consumer = new ConsumerBuilder<byte[], byte[]>(config).SetLogHandler((_, _) => { }).Build();
        try
        {
            // A topic that was created a moment ago may have partitions without a leader.
            consumer.Assign(await RetriableErrors.RetryAsync(
                () => Enumerable.Range(0, partitions).Select(partition =>
                {
                    var at = new TopicPartition(topic, partition);
                    return new TopicPartitionOffset(at, consumer.QueryWatermarkOffsets(at, _timeout).High);
                }).ToList(),
                _timeout, TimeProvider.System, cancellation));
        }
        catch (KafkaException unavailable)
        {
            consumer.Dispose();
            throw new BrokerUnavailableException($"{topic} cannot be read: {unavailable.Error.Reason}", unavailable);
        }
        catch (OperationCanceledException)
        {
            consumer.Dispose();
            throw;
        }

        return new TopicTail(consumer, receive);
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _consumer.Dispose();
        _stop.Dispose();
    }

    private void Read()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (_consumer.Consume(TimeSpan.FromMilliseconds(100)) is { Message: { } message } read)
                {
                    var headers = (message.Headers ?? []).GroupBy(header => header.Key, StringComparer.Ordinal).ToDictionary(
                        header => header.Key,
                        header => Encoding.UTF8.GetString(header.Last().GetValueBytes() ?? []),
                        StringComparer.Ordinal);
                    _receive(new TailRecord(
                        read.Partition.Value, message.Key is { } key ? Encoding.UTF8.GetString(key) : null, message.Value ?? [], headers));
                }
            }
            catch (KafkaException)
            {
                // The broker does not answer. Reading continues when it answers again.
            }
        }
    }
}
