using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>What a .NET runtime did between two readings.</summary>
/// <param name="AllocatedBytes">The bytes that it allocated.</param>
/// <param name="PausedShare">The mean share of the time in collections, 0 to 1.</param>
/// <param name="CompiledSeconds">The seconds for which it compiled methods.</param>
internal sealed record RuntimeUsage(double AllocatedBytes, double PausedShare, double CompiledSeconds);

/// <summary>Listens to the runtime of a .NET process: its allocations, its collections and its compiler.</summary>
internal sealed class RuntimeCounters : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly EventPipeSession _session;
    private readonly Task _reading;
    private double _allocatedBytes;
    private double _pausedPercentSum;
    private double _compiledMs;
    private int _samples;

    public RuntimeCounters(int pid)
    {
        var provider = new EventPipeProvider(
            "System.Runtime",
            EventLevel.Informational,
            (long)EventKeywords.None,
            new Dictionary<string, string> { ["EventCounterIntervalSec"] = "1" });
        _session = new DiagnosticsClient(pid).StartEventPipeSession([provider], requestRundown: false);
        _reading = Task.Factory.StartNew(Read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>What it did since the last call.</summary>
    public RuntimeUsage Take()
    {
        lock (_lock)
        {
            var usage = new RuntimeUsage(_allocatedBytes, _samples == 0 ? 0 : _pausedPercentSum / _samples / 100, _compiledMs / 1000);
            (_allocatedBytes, _pausedPercentSum, _compiledMs, _samples) = (0, 0, 0, 0);
            return usage;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _session.StopAsync(CancellationToken.None);
            await _reading;
        }
        catch (Exception exception) when (exception is ServerNotAvailableException or IOException)
        {
            // The process has ended, and its session with it.
        }

        _session.Dispose();
    }

    private void Read()
    {
        using var source = new EventPipeEventSource(_session.EventStream);
        source.Dynamic.All += Count;
        source.Process();
    }

    private void Count(TraceEvent record)
    {
        if (record.EventName == "EventCounters"
            && record.PayloadValue(0) is IDictionary<string, object> { } outer && outer["Payload"] is IDictionary<string, object> counter)
        {
            lock (_lock)
            {
                switch (counter["Name"])
                {
                    case "alloc-rate":
                        _allocatedBytes += Convert.ToDouble(counter["Increment"], null);
                        break;
                    case "time-in-jit":
                        _compiledMs += Convert.ToDouble(counter["Increment"], null);
                        break;
                    case "time-in-gc":
                        _pausedPercentSum += Convert.ToDouble(counter["Mean"], null);
                        _samples++;
                        break;
                }
            }
        }
    }
}
