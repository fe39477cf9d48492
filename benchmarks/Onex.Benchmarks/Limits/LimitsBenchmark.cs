using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Onex.Tests.Support;

namespace Onex.Benchmarks.Limits;

/// <summary>
/// Measures a rate limit that three effects processes share: the calls that arrive at the service with all three, and after one of them was
/// killed.
/// </summary>
internal static class LimitsBenchmark
{
    private const int PerSecond = 50;

    private static readonly TimeSpan _settlingTime = TimeSpan.FromSeconds(5);

    public static async Task<int> RunAsync(string[] options)
    {
        var seconds = BenchmarkOptions.Number(options, "--seconds", 30);
        var arrivals = new ConcurrentQueue<long>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var url = $"http://127.0.0.1:{FreePort.Next()}";
        builder.WebHost.UseUrls(url);
        await using var service = builder.Build();
        service.Run(async context =>
        {
            arrivals.Enqueue(Stopwatch.GetTimestamp());
            await context.Response.WriteAsync("ok");
        });
        await service.StartAsync();

        await using var redis = await RedisServer.StartAsync();
        await using var stack = await OnexStack.CreateAsync();
        var contracts = Directory.CreateTempSubdirectory("onex-limits-");
        Write(contracts, url);
        stack.Set("CONTRACTS_DIR", contracts.FullName);
        stack.Set("REDIS_HOST", "127.0.0.1");
        stack.Set("REDIS_PORT", redis.Port.ToString(CultureInfo.InvariantCulture));
        stack.Set("REDIS_PASSWORD", RedisServer.Password);
        var processes = await stack.StartReadyAsync("main", "effects", "effects", "effects");

        // More than the service can receive until the end.
        var requests = PerSecond * 3 * (seconds + (2 * (int)_settlingTime.TotalSeconds));
        for (var i = 0; i < requests; i++)
        {
            await stack.RequestAsync("limited", new JsonObject { ["number"] = i });
        }

        await Eventually.Async(() => !arrivals.IsEmpty, TimeSpan.FromMinutes(1), () => "the service got no call");
        await MeasureAsync(arrivals, "three processes", seconds);
        await processes[3].KillAsync();
        await MeasureAsync(arrivals, "one of them killed", seconds);
        contracts.Delete(recursive: true);
        return 0;
    }

    private static async Task MeasureAsync(ConcurrentQueue<long> arrivals, string phase, int seconds)
    {
        await Task.Delay(_settlingTime, TimeProvider.System);
        var from = Stopwatch.GetTimestamp();
        await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System);
        var inSecond = new int[seconds];
        var offsets = arrivals.Select(arrival => (double)(arrival - from) / Stopwatch.Frequency);
        foreach (var second in offsets.Where(offset => offset >= 0 && offset < seconds))
        {
            inSecond[(int)second]++;
        }

        var rate = (double)inSecond.Sum() / seconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{phase}: {rate:F1} calls per second over {seconds} s, {rate / PerSecond:P1} of {PerSecond}; "
            + $"in single seconds {inSecond.Min()} to {inSecond.Max()}: {string.Join(' ', inSecond)}"));
    }

    private static void Write(DirectoryInfo contracts, string url)
    {
        File.WriteAllText(
            Path.Combine(contracts.FullName, "limited.yaml"),
            """
            contract: limited
            version: 1.0.0
            input: { type: object, properties: { number: { type: integer } } }
            initial: calling
            states:
              calling:
                steps: [{ id: call, effect: http.get, connection: service, with: { path: /x } }]
                next: done
              done: { end: completed }
            """);
        Directory.CreateDirectory(Path.Combine(contracts.FullName, "connections"));
        File.WriteAllText(
            Path.Combine(contracts.FullName, "connections", "service.yaml"),
            $$"""
            connections:
              service: { type: http, url: "{{url}}", rate_limit: { permits: {{PerSecond}}, per: 1s, scope: cluster } }
            """);
    }
}
