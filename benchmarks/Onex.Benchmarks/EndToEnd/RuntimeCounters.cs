using System.Diagnostics.Tracing;
using Microsoft.Diagnostics.NETCore.Client;
using Microsoft.Diagnostics.Tracing;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>Listens to the runtime of a .NET process: the bytes that it allocates and the share of the time that it collects.</summary>
internal sealed class RuntimeCounters : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly EventPipeSession _session;
    private readonly Task _reading;
    private double _allocatedBytes;
    private double _pausedShare;
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

    /// <summary>Allocated bytes, and the mean share of time in collections (0 to 1), since the last look.</summary>
    public (double AllocatedBytes, double PausedShare) Take()
    {
        lock (_lock)
        {
            var taken = (_allocatedBytes, _samples == 0 ? 0 : _pausedShare / _samples / 100);
            (_allocatedBytes, _pausedShare, _samples) = (0, 0, 0);
            return taken;
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
                    case "time-in-gc":
                        _pausedShare += Convert.ToDouble(counter["Mean"], null);
                        _samples++;
                        break;
                }
            }
        }
    }
}
