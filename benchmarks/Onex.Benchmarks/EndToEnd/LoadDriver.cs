using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Confluent.Kafka;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>Sends requests and measures the time from each one's sending to its response.</summary>
internal sealed class LoadDriver(string bootstrapServers, string requests, string responses)
{
    private static readonly string _note = new('x', 300);

    private readonly ConcurrentDictionary<string, long> _sentAt = new();

    /// <summary>Closed loop: sends another request when one is answered.</summary>
    /// <returns>The seconds that all took together, and each one's milliseconds, sorted.</returns>
    public async Task<(double Seconds, double[] Latencies)> KeepInFlightAsync(int count, int inFlight, TimeSpan within)
    {
        using var slots = new SemaphoreSlim(inFlight);
        return await RunAsync(count, within, () => slots.Release(), async (send, stop) =>
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
        var (_, latencies) = await RunAsync(count, within, () => { }, async (send, stop) =>
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
        int count, TimeSpan within, Action onAnswered, Func<Action<long>, CancellationToken, Task> sendAll)
    {
        using var stop = new CancellationTokenSource(within);
        var latencies = new List<double>(count);
        var reading = Task.Factory.StartNew(
            () => Read(count, latencies, onAnswered, stop.Token), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrapServers,
            LingerMs = 0,
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
        producer.Produce(requests, new Message<string, byte[]>
        {
            Key = id,
            Value = Encoding.UTF8.GetBytes(
                $$$"""{"operation":"bench-order","correlation_id":"{{{id}}}","payload":{"order_id":"{{{id}}}","note":"{{{_note}}}"}}"""),
        });
    }

    private void Read(int count, List<double> latencies, Action onAnswered, CancellationToken stop)
    {
        using var consumer = new ConsumerBuilder<string, Ignore>(new ConsumerConfig
        {
            BootstrapServers = bootstrapServers,
            GroupId = $"{responses}.driver",
            AutoOffsetReset = AutoOffsetReset.Earliest,
        }).Build();
        consumer.Subscribe(responses);
        while (latencies.Count < count)
        {
            stop.ThrowIfCancellationRequested();
            if (consumer.Consume(100)?.Message is { } message && _sentAt.TryRemove(message.Key, out var dueAt))
            {
                latencies.Add(Stopwatch.GetElapsedTime(dueAt).TotalMilliseconds);
                onAnswered();
            }
        }

        consumer.Close();
    }
}
