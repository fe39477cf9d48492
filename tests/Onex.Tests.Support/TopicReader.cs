using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Confluent.Kafka;

namespace Onex.Tests.Support;

/// <summary>A record as a client sees it.</summary>
public sealed record ReadRecord(
    int Partition, long Offset, string? Key, byte[] Bytes, IReadOnlyDictionary<string, string> Headers)
{
    private readonly Lazy<JsonElement> _json = new(() => JsonDocument.Parse(Bytes).RootElement);

    /// <summary>When it was read: <see cref="TimeProvider.GetTimestamp"/>.</summary>
    public long ReadAt { get; } = TimeProvider.System.GetTimestamp();

    /// <summary>The value as text.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes);

    /// <summary>The value as JSON.</summary>
    public JsonElement Json => _json.Value;

    /// <summary>The identity of the logical message: every copy has the same.</summary>
    public string? MessageId => Headers.GetValueOrDefault("message_id");

    /// <summary>The field <c>correlation_id</c> of the value.</summary>
    public string? CorrelationId => Field("correlation_id");

    /// <summary>A field of the value, as text, or null.</summary>
    public string? Field(string name) =>
        Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty(name, out var value) ? value.ToString() : null;
}

/// <summary>
/// Reads a topic from its beginning, without a group, until it is disposed of. The topic need not exist yet and is not created by reading.
/// </summary>
public sealed class TopicReader : IAsyncDisposable
{
    private readonly string _topic;
    private readonly IConsumer<byte[], byte[]> _consumer;
    private readonly ConcurrentQueue<ReadRecord> _records = new();
    private readonly Dictionary<string, List<ReadRecord>> _byCorrelationId = new(StringComparer.OrdinalIgnoreCase);
    private readonly ConcurrentQueue<ReadRecord> _notIndexed = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;

    /// <summary>Begins to read.</summary>
    public TopicReader(string bootstrapServers, string topic)
    {
        _topic = topic;
        _consumer = new ConsumerBuilder<byte[], byte[]>(new ConsumerConfig
        {
            BootstrapServers = bootstrapServers,
            GroupId = Names.Next("reader"),
            EnableAutoCommit = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            AllowAutoCreateTopics = false,
            ReconnectBackoffMaxMs = 500,
        }).SetLogHandler((_, _) => { }).Build();
        _loop = Task.Factory.StartNew(Read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>The records that were read so far, in order per partition.</summary>
    public IReadOnlyList<ReadRecord> Records => [.. _records];

    /// <summary>The records with this correlation id in their value that were read so far.</summary>
    public IReadOnlyList<ReadRecord> For(string correlationId)
    {
        lock (_byCorrelationId)
        {
            while (_notIndexed.TryPeek(out var record))
            {
                var id = record.CorrelationId ?? "";
                _notIndexed.TryDequeue(out _);
                (CollectionsMarshal.GetValueRefOrAddDefault(_byCorrelationId, id, out _) ??= []).Add(record);
            }

            return _byCorrelationId.TryGetValue(correlationId, out var found) ? [.. found] : [];
        }
    }

    /// <summary>Waits for the first record that meets a condition.</summary>
    public async Task<ReadRecord> ReadAsync(Func<ReadRecord, bool> condition, TimeSpan within, string what) => await Eventually.GetAsync(
        () => Task.FromResult(_records.FirstOrDefault(condition)),
        within,
        () => $"{what} on {_topic}; seen there: {string.Join('\n', _records.TakeLast(5).Select(record => Shorten(record.Text)))}");

    /// <summary>Waits for the first record with that correlation id.</summary>
    public Task<ReadRecord> ReadAsync(string correlationId, TimeSpan within) => ReadAsync(
        record => string.Equals(
            record.CorrelationId, correlationId, StringComparison.OrdinalIgnoreCase), within, $"a record of {correlationId}");

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _consumer.Dispose();
        _stop.Dispose();
    }

    private static string Shorten(string text) => text.Length > 400 ? text[..400] + "..." : text;

    private void Read()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                if (_consumer.Assignment.Count == 0)
                {
                    Assign();
                }

                if (_consumer.Consume(TimeSpan.FromMilliseconds(100)) is { Message: not null } read)
                {
                    var record = Convert(read);
                    _records.Enqueue(record);
                    _notIndexed.Enqueue(record);
                }
            }
            catch (KafkaException)
            {
                // The broker is or was unavailable. The reader continues when it returns.
            }
        }
    }

    private void Assign()
    {
        using var admin = new DependentAdminClientBuilder(_consumer.Handle).Build();

        // Metadata of all topics, because a request for that of one topic may create it.
        var partitions = admin.GetMetadata(TimeSpan.FromSeconds(2)).Topics
            .Where(topic => topic.Topic == _topic)
            .SelectMany(topic => topic.Partitions)
            .Select(partition => new TopicPartitionOffset(_topic, partition.PartitionId, Offset.Beginning))
            .ToList();
        if (partitions.Count > 0)
        {
            _consumer.Assign(partitions);
        }
        else
        {
            _stop.Token.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(100));
        }
    }

    private static ReadRecord Convert(ConsumeResult<byte[], byte[]> read) => new(
        read.Partition.Value,
        read.Offset.Value,
        read.Message.Key is { } key ? Encoding.UTF8.GetString(key) : null,
        read.Message.Value ?? [],
        read.Message.Headers
            .GroupBy(header => header.Key)
            .ToDictionary(group => group.Key, group => Encoding.UTF8.GetString(group.Last().GetValueBytes() ?? [])));
}
