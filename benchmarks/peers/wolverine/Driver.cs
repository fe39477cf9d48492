using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

/// <summary>Sends orders with a fixed number in flight, and prints what they took, as closed-loop.mjs does.</summary>
internal sealed class Driver(string kafka, string requests, string responses) : IDisposable
{
    private const int Partitions = 12;
    private const int TransitionsOfAnOrder = 3;

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);
    private static readonly string _note = new('x', 300);

    private readonly ConcurrentDictionary<string, TaskCompletionSource> _waiting = new();
    private readonly IProducer<string, string> _producer = new ProducerBuilder<string, string>(
        new ProducerConfig { BootstrapServers = kafka, EnableIdempotence = true, LingerMs = 0 }).Build();

    public void Dispose() => _producer.Dispose();

    public async Task CreateTopicsAsync()
    {
        using var admin = new DependentAdminClientBuilder(_producer.Handle).Build();
        await admin.CreateTopicsAsync(
            new[] { requests, responses }.Select(name => new TopicSpecification { Name = name, NumPartitions = Partitions }));
    }

    public async Task DeleteTopicsAsync()
    {
        using var admin = new DependentAdminClientBuilder(_producer.Handle).Build();
        await admin.DeleteTopicsAsync([requests, responses]);
    }

    public async Task MeasureAsync()
    {
        using var stop = new CancellationTokenSource();
        var reading = Task.Factory.StartNew(() => Read(stop.Token), TaskCreationOptions.LongRunning);
        try
        {
            var inFlight = Size("IN_FLIGHT");
            await LoopAsync(Size("WARMUP"), inFlight);
            var (seconds, latencies) = await LoopAsync(Size("ORDERS"), inFlight);
            var (_, single) = await LoopAsync(Size("SINGLE"), 1);
            var perSecond = latencies.Length / seconds;
            Console.WriteLine(
                $"Wolverine: {perSecond:0} orders/s ({perSecond * TransitionsOfAnOrder:0} transitions/s of Onex), "
                + $"p50 {At(latencies, 0.5):0.0} ms, p99 {At(latencies, 0.99):0.0} ms; "
                + $"one at a time p50 {At(single, 0.5):0.0} ms, p99 {At(single, 0.99):0.0} ms");
        }
        finally
        {
            await stop.CancelAsync();
            await reading;
        }
    }

    private async Task<(double Seconds, double[] Latencies)> LoopAsync(int count, int inFlight)
    {
        var (latencies, next, began) = (new ConcurrentBag<double>(), 0, Stopwatch.GetTimestamp());
        await Task.WhenAll(Enumerable.Range(0, inFlight).Select(async _ =>
        {
            while (Interlocked.Increment(ref next) <= count)
            {
                var at = Stopwatch.GetTimestamp();
                await RunOrderAsync(Guid.NewGuid().ToString());
                latencies.Add(Stopwatch.GetElapsedTime(at).TotalMilliseconds);
            }
        }));
        return (Stopwatch.GetElapsedTime(began).TotalSeconds, [.. latencies.Order()]);
    }

    private async Task RunOrderAsync(string id)
    {
        var answered = _waiting[id] = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _producer.Produce(requests, new() { Key = id, Value = JsonSerializer.Serialize(new { order_id = id, note = _note }) });
        await answered.Task.WaitAsync(_timeout);
    }

    private void Read(CancellationToken stop)
    {
        // Joins no consumer group, although the client requires its id, so that nothing waits for a rebalance.
        using var consumer = new ConsumerBuilder<Ignore, string>(
            new ConsumerConfig { BootstrapServers = kafka, GroupId = responses, EnableAutoCommit = false }).Build();
        consumer.Assign(Enumerable.Range(0, Partitions).Select(
            partition => new TopicPartitionOffset(responses, partition, Offset.Beginning)));
        while (!stop.IsCancellationRequested)
        {
            if (consumer.Consume(100)?.Message is { } message)
            {
                using var response = JsonDocument.Parse(message.Value);
                if (_waiting.TryRemove(response.RootElement.GetProperty("order_id").GetString()!, out var answered))
                {
                    answered.SetResult();
                }
            }
        }
    }

    private static int Size(string name) => int.Parse(Environment.GetEnvironmentVariable(name)!);

    private static double At(double[] sorted, double share) => sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * share))];
}
