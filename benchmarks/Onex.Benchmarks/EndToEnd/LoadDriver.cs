using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using Confluent.Kafka;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>Keeps a number of requests under way and measures the time from each one's sending to its response.</summary>
internal sealed class LoadDriver(string bootstrapServers, string requests, string responses)
{
    private readonly ConcurrentDictionary<string, long> _sentAt = new();

    /// <summary>The seconds that all took together, and each one's milliseconds, sorted.</summary>
    public async Task<(double Seconds, double[] Latencies)> RunAsync(int count, int inFlight, TimeSpan within)
    {
        using var room = new SemaphoreSlim(inFlight);
        using var stop = new CancellationTokenSource(within);
        var latencies = new ConcurrentBag<double>();
        var reading = Task.Factory.StartNew(
            () => Read(count, latencies, room, stop.Token), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        using var producer = new ProducerBuilder<string, byte[]>(new ProducerConfig
        {
            BootstrapServers = bootstrapServers,
            LingerMs = 0,
            EnableIdempotence = true,
        }).Build();
        var began = Stopwatch.GetTimestamp();
        for (var i = 0; i < count; i++)
        {
            await room.WaitAsync(stop.Token);
            var id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
            _sentAt[id] = Stopwatch.GetTimestamp();
            producer.Produce(requests, new Message<string, byte[]>
            {
                Key = id,
                Value = Encoding.UTF8.GetBytes(
                    $$$"""{"operation":"bench-order","correlation_id":"{{{id}}}","payload":{"order_id":"{{{id}}}","note":"{{{new string('x', 300)}}}"}}"""),
            });
        }

        await reading;
        return (Stopwatch.GetElapsedTime(began).TotalSeconds, [.. latencies.Order()]);
    }

    private void Read(int count, ConcurrentBag<double> latencies, SemaphoreSlim room, CancellationToken stop)
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
            if (consumer.Consume(100)?.Message is { } message && _sentAt.TryRemove(message.Key, out var sentAt))
            {
                latencies.Add(Stopwatch.GetElapsedTime(sentAt).TotalMilliseconds);
                room.Release();
            }
        }

        consumer.Close();
    }
}
