using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Confluent.Kafka;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>Sends requests, and measures the time from sending each one to its response.</summary>
internal sealed class LoadDriver : IDisposable
{
    // In the closed loop the producer collects records for this time. Otherwise the broker would receive each record in a request of its
    // own, and the measurement would be one of the broker.
    private const int ClosedLoopLingerMs = 5;

    private static readonly string _padding = new('x', 300);
    private static readonly TimeSpan _silenceMax = TimeSpan.FromSeconds(15);

    private readonly string _bootstrapServers;
    private readonly string _requests;
    private readonly string _contract;
    private readonly IConsumer<string, Ignore> _responses;
    private readonly ConcurrentDictionary<string, long> _sentAt = new();

    // By linger in milliseconds. They live as long as the driver: a new one needs half a second before it sends its first record.
    private readonly Dictionary<int, IProducer<string, byte[]>> _producers = [];

    /// <param name="bootstrapServers">The broker.</param>
    /// <param name="requests">The topic to which requests are sent.</param>
    /// <param name="responses">The topic from which responses are read; it exists.</param>
    /// <param name="contract">The contract that the requests start.</param>
    public LoadDriver(string bootstrapServers, string requests, string responses, string contract = "bench-order")
    {
        _contract = contract;
        _bootstrapServers = bootstrapServers;
        _requests = requests;

        // Joins no consumer group, although the client requires its id: waiting for a rebalance would be measured as latency.
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

    public void Dispose()
    {
        foreach (var producer in _producers.Values)
        {
            producer.Dispose();
        }

        _responses.Dispose();
    }

    /// <summary>Closed loop: sends another request when one is answered.</summary>
    /// <returns>The seconds of the whole loop, and the milliseconds of each request, sorted.</returns>
    public async Task<(double Seconds, double[] Latencies)> KeepInFlightAsync(int count, int inFlight, TimeSpan timeout)
    {
        using var slots = new SemaphoreSlim(inFlight);
        return await RunAsync(count, inFlight > 1 ? ClosedLoopLingerMs : 0, timeout, () => slots.Release(), async (send, stop) =>
        {
            for (var i = 0; i < count; i++)
            {
                await slots.WaitAsync(stop);
                send(Stopwatch.GetTimestamp());
            }
        });
    }

    /// <summary>
    /// Sends one request after the other: first as many that do not count, because after a closed loop the runtime still compiles, and all
    /// processes share the processors with it.
    /// </summary>
    /// <returns>The milliseconds of each request, sorted.</returns>
    public async Task<double[]> SendOneAtATimeAsync(int count, TimeSpan timeout)
    {
        await KeepInFlightAsync(count, 1, timeout);
        return (await KeepInFlightAsync(count, 1, timeout)).Latencies;
    }

    /// <summary>
    /// Open loop: sends at a fixed rate, whether or not responses arrive. Latency counts from the time at which a request was due, so that
    /// a pause of the system affects all requests of that pause.
    /// </summary>
    /// <returns>The milliseconds of each request, sorted.</returns>
    public async Task<double[]> KeepRateAsync(double perSecond, int seconds, TimeSpan timeout)
    {
        var count = (int)(perSecond * seconds);
        var (_, latencies) = await RunAsync(count, 0, timeout, () => { }, async (send, stop) =>
        {
            var (began, interval) = (Stopwatch.GetTimestamp(), Stopwatch.Frequency / perSecond);
            for (var i = 0; i < count; i++)
            {
                var due = began + (long)(i * interval);
                while (due > Stopwatch.GetTimestamp())
                {
                    await Task.Delay(TimeSpan.FromMilliseconds(1), TimeProvider.System, stop);
                }

                send(due);
            }
        });
        return latencies;
    }

    private async Task<(double Seconds, double[] Latencies)> RunAsync(
        int count, int lingerMs, TimeSpan timeout, Action onAnswered, Func<Action<long>, CancellationToken, Task> sendAll)
    {
        using var stop = new CancellationTokenSource(timeout);
        var producer = ProducerThatHasSent(lingerMs, stop.Token);
        var latencies = new List<double>(count);
        var reading = Task.Factory.StartNew(
            () => Read(count, latencies, onAnswered, stop.Token), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var began = Stopwatch.GetTimestamp();
        await sendAll(dueAt => Send(producer, dueAt), stop.Token);
        await reading;
        var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds;
        latencies.Sort();
        return (seconds, [.. latencies]);
    }

    // A new producer has sent one request that does not count, so that its connections and its producer id exist.
    private IProducer<string, byte[]> ProducerThatHasSent(int lingerMs, CancellationToken stop)
    {
        if (!_producers.TryGetValue(lingerMs, out var producer))
        {
            producer = _producers[lingerMs] = new ProducerBuilder<string, byte[]>(new ProducerConfig
            {
                BootstrapServers = _bootstrapServers,
                LingerMs = lingerMs,
                EnableIdempotence = true,
                EnableDeliveryReports = false,
            }).Build();
            Send(producer, Stopwatch.GetTimestamp());
            Read(1, [], () => { }, stop);
        }

        return producer;
    }

    private void Send(IProducer<string, byte[]> producer, long dueAt)
    {
        var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
        _sentAt[id] = dueAt;
        producer.Produce(_requests, new Message<string, byte[]>
        {
            Key = id,
            Value = Encoding.UTF8.GetBytes(
                $$"""{"operation":"{{_contract}}","correlation_id":"{{id}}","payload":{"order_id":"{{id}}","note":"{{_padding}}"} }"""),
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
            else if (Stopwatch.GetElapsedTime(answeredAt) > _silenceMax)
            {
                Console.Error.WriteLine(
                    $"{TimeProvider.System.GetUtcNow():HH:mm:ss}: no response for {_silenceMax.TotalSeconds:0} s, "
                    + $"{latencies.Count} of {count} arrived; unanswered: {string.Join(", ", _sentAt.Keys.Take(5))}");
                answeredAt = Stopwatch.GetTimestamp();
            }
        }
    }
}
