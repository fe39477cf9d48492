using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Confluent.Kafka;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>Sends requests and measures the time from each one's sending to its response.</summary>
internal sealed class LoadDriver : IDisposable
{
    // In the closed loop a request of the driver carries what came within this time. Otherwise the broker would spend its time
    // on requests of one record each, whatever is measured.
    private const int ClosedLoopLingerMs = 5;

    private static readonly string _note = new('x', 300);
    private static readonly TimeSpan _silence = TimeSpan.FromSeconds(15);

    private readonly string _bootstrapServers;
    private readonly string _requests;
    private readonly string _contract;
    private readonly IConsumer<string, Ignore> _responses;
    private readonly ConcurrentDictionary<string, long> _sentAt = new();

    /// <param name="bootstrapServers">The broker.</param>
    /// <param name="requests">The topic to which requests are sent.</param>
    /// <param name="responses">The topic from which responses are read; it exists.</param>
    /// <param name="contract">The contract that the requests start.</param>
    public LoadDriver(string bootstrapServers, string requests, string responses, string contract = "bench-order")
    {
        _contract = contract;
        _bootstrapServers = bootstrapServers;
        _requests = requests;

        // Without a consumer group: waiting for a group's rebalance would be measured as latency.
        _responses = new ConsumerBuilder<string, Ignore>(new ConsumerConfig
        {
            BootstrapServers = bootstrapServers,
            GroupId = $"{responses}.driver",
            EnableAutoCommit = false,
        }).Build();
        using var admin = new DependentAdminClientBuilder(_responses.Handle).Build();
        var topic = admin.GetMetadata(responses, TimeSpan.FromSeconds(10)).Topics.Single();
        _responses.Assign(topic.Partitions.Select(
            partition => new TopicPartitionOffset(responses, partition.PartitionId, Offset.Beginning)));
    }

    public void Dispose() => _responses.Dispose();

    /// <summary>Closed loop: sends another request when one is answered.</summary>
    /// <returns>The seconds that all took together, and each one's milliseconds, sorted.</returns>
    public async Task<(double Seconds, double[] Latencies)> KeepInFlightAsync(int count, int inFlight, TimeSpan within)
    {
        using var slots = new SemaphoreSlim(inFlight);
        return await RunAsync(count, inFlight > 1 ? ClosedLoopLingerMs : 0, within, () => slots.Release(), async (send, stop) =>
        {
            for (var i = 0; i < count; i++)
            {
                await slots.WaitAsync(stop);
                send(Stopwatch.GetTimestamp());
            }
        });
    }

    /// <summary>
    /// Open loop: sends at a fixed rate, whether or not responses arrive. Latency counts from the time at which a request was due, so that
    /// a pause of the system affects all requests of that pause.
    /// </summary>
    /// <returns>Each one's milliseconds, sorted.</returns>
    public async Task<double[]> KeepRateAsync(double perSecond, int seconds, TimeSpan within)
    {
        var count = (int)(perSecond * seconds);
        var (_, latencies) = await RunAsync(count, 0, within, () => { }, async (send, stop) =>
        {
            var (began, interval) = (Stopwatch.GetTimestamp(), Stopwatch.Frequency / perSecond);
            for (var i = 0; i < count;)
            {
                for (var due = began + (long)(i * interval);
                    i < count && due <= Stopwatch.GetTimestamp();
                    due = began + (long)(++i * interval))
                {
                    send(due);
                }

                await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, stop);
            }
        });
        return latencies;
    }

    private async Task<(double Seconds, double[] Latencies)> RunAsync(
        int count, int lingerMs, TimeSpan within, Action onAnswered, Func<Action<long>, CancellationToken, Task> sendAll)
    {
        using var stop = new CancellationTokenSource(within);
        var latencies = new List<double>(count);
        var reading = Task.Factory.StartNew(
            () => Read(count, latencies, onAnswered, stop.Token), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = _bootstrapServers,
            LingerMs = lingerMs,
            EnableIdempotence = true,
            EnableDeliveryReports = false,
        }).Build();
        var began = Stopwatch.GetTimestamp();
        await sendAll(dueAt => Send(producer, dueAt), stop.Token);
        await reading;
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        latencies.Sort();
        return (seconds, [.. latencies]);
    }

    private void Send(IProducer<string, byte[]> producer, long dueAt)
    {
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
        _sentAt[id] = dueAt;
        producer.Produce(_requests, new Message<string, byte[]>
        {
            Key = id,
            Value = Encoding.UTF8.GetBytes(
                $$"""{"operation":"{{_contract}}","correlation_id":"{{id}}","payload":{"order_id":"{{id}}","note":"{{_note}}"} }"""),
        });
    }

    private void Read(int count, List<double> latencies, Action onAnswered, CancellationToken stop)
    {
        var answeredAt = Stopwatch.GetTimestamp();
        while (latencies.Count < count)
        {
            stop.ThrowIfCancellationRequested();
            if (_responses.Consume(100)?.Message is { } message && _sentAt.TryRemove(message.Key, out var dueAt))
            {
                answeredAt = Stopwatch.GetTimestamp();
                latencies.Add(Stopwatch.GetElapsedTime(dueAt).TotalMilliseconds);
                onAnswered();
            }
            else if (Stopwatch.GetElapsedTime(answeredAt) > _silence)
            {
                Console.WriteLine(
                    $"{TimeProvider.System.GetUtcNow():HH:mm:ss}: no response for {_silence.TotalSeconds:0} s, "
                    + $"{latencies.Count} of {count} came; unanswered: {string.Join(", ", _sentAt.Keys.Take(5))}");
                answeredAt = Stopwatch.GetTimestamp();
            }
        }
    }
}
