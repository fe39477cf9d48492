using System.Net;
using System.Security.Cryptography;
using Onex.Hosting.Discovery;

namespace Onex.Effects.Discovery;

/// <summary>
/// The healthy instances of a service in Consul, kept current by blocking queries: Consul answers once the list changes. Each attempt
/// starts with the next instance.
/// </summary>
internal sealed class ConsulList : IServiceList
{
    private static readonly TimeSpan _longestWait = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    // A service whose checks flap must not keep the agent busy.
    private static readonly TimeSpan _betweenAnswers = TimeSpan.FromMilliseconds(100);

    private readonly ServiceAddress _service;
    private readonly ConsulClient _consul;
    private readonly LookupState _state;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _disposed = new();
    private readonly TaskCompletionSource _lookedUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task _watch;
    private int _next = -1;

    public ConsulList(ServiceAddress service, ConsulClient consul, LookupState state, TimeProvider time)
    {
        (_service, _consul, _state, _time) = (service, consul, state, time);
        _watch = Task.Run(WatchAsync);
    }

    public async Task<IReadOnlyList<DnsEndPoint>> ResolveAsync(CancellationToken cancellation)
    {
        await _lookedUp.Task.WaitAsync(cancellation);
        var instances = _state.Require();
        var first = (int)((uint)Interlocked.Increment(ref _next) % (uint)instances.Count);
        return [.. instances.Skip(first), .. instances.Take(first)];
    }

    public async ValueTask DisposeAsync()
    {
        _state.Close();
        await _disposed.CancelAsync();
        await _watch;
        _disposed.Dispose();
    }

    /// <summary>
    /// The index of the next query. It is 0, which does not wait, if the answered one went backwards, because Consul was restored or
    /// restarted. Otherwise it is at least 1, so that the query waits for a change.
    /// </summary>
    internal static ulong NextIndex(ulong index, ulong answeredIndex) => answeredIndex < index ? 0 : Math.Max(1, answeredIndex);

    private async Task WatchAsync()
    {
        var (index, pause) = (0ul, _firstPause);
        while (!_disposed.IsCancellationRequested)
        {
            TimeSpan wait;
            try
            {
                var answer = await _consul.FindHealthyAsync(
                    _service.Name, _service.Tag, _service.Datacenter, index, _longestWait, _disposed.Token);
                _state.RecordInstances(answer.Instances);
                (index, pause, wait) = (NextIndex(index, answer.Index), _firstPause, _betweenAnswers);
            }
            catch (ConsulException problem)
            {
                // The next query does not wait for a change, because Consul may have lost its index.
                _state.RecordFailure(problem.Message);
                (index, wait) = (0, pause);
                pause = pause * 2 < _longestPause ? pause * 2 : _longestPause;
            }
            catch (OperationCanceledException) when (_disposed.IsCancellationRequested)
            {
                break;
            }

            _lookedUp.TrySetResult();
            // At random up to twice as long, so that processes do not query at the same time.
            wait *= 1 + (RandomNumberGenerator.GetInt32(1000) / 1000.0);
            await Task.Delay(wait, _time, _disposed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
