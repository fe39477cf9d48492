using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Redis;
using Onex.Effects.Running;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using StackExchange.Redis;

namespace Onex.Effects.Limits;

/// <summary>
/// The limits of connections that are counted per key, or by all processes together in Redis. While Redis is away each process takes its
/// share: the limit divided by the last known number of processes.
/// </summary>
internal sealed class ClusterLimits : ISharedLimits, IAsyncDisposable
{
    /// <summary>Its name among the failed handlers of <c>/health</c>.</summary>
    internal const string HandlerName = "cluster limits";

    // A command waits so long once: then Redis counts as away until the renewal has reached it.
    private const int AnswerMs = 5000;

    private static readonly TimeSpan _period = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _lease = TimeSpan.FromSeconds(15);

    // A reserved time is lost when its process is killed, so few are reserved ahead.
    private static readonly TimeSpan _longestReservation = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _slotAgainAfter = TimeSpan.FromMilliseconds(50);

    private readonly string _id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
    private readonly KeyedCounters _own;
    private readonly ConcurrentDictionary<Lease, bool> _leases = new();
    private readonly CancellationTokenSource _disposed = new();
    private readonly Lazy<Task<RedisCounters>> _redis;
    private readonly Lazy<Task> _renewal;
    private readonly RedisConnection _address;
    private readonly RoleHealth _health;
    private readonly TimeProvider _time;
    private readonly ILogger<ClusterLimits> _logger;
    private ConnectionMultiplexer? _multiplexer;
    private volatile int _processes = 1;
    private volatile bool _isUnavailable;
    private long _last;

    public ClusterLimits(RedisConnection address, RoleHealth health, TimeProvider time, ILogger<ClusterLimits> logger)
    {
        (_address, _health, _time, _logger) = (address, health, time, logger);
        _own = new KeyedCounters(time);
        _redis = new Lazy<Task<RedisCounters>>(async () => new RedisCounters(
            _multiplexer = await ConnectionMultiplexer.ConnectAsync(Options(address)), "onex:limits:"));
        _renewal = new Lazy<Task>(() => Task.Run(RenewAsync));
    }

    /// <summary>The number of processes that share the limits, as it was last known.</summary>
    internal int Processes => _processes;

    public async ValueTask<SharedPermit> AcquireAsync(Connection? connection, StepCommand command, CancellationToken cancellation)
    {
        if (connection?.Shared is not { } limits)
        {
            return SharedPermit.Free;
        }

        if (limits.IsOfCluster && !_renewal.IsValueCreated)
        {
            _ = _renewal.Value;
        }

        IAsyncDisposable? held = null;
        var slots = Name(connection, limits.IsConcurrencyKeyed ? command.LimitKey : null);
        if (limits.Concurrency is { } most && (held = await TakeSlotAsync(slots, most, limits.IsConcurrencyOfCluster)) is null)
        {
            return new SharedPermit(null, _slotAgainAfter);
        }

        if (limits.Rate is { } rate)
        {
            try
            {
                var name = Name(connection, limits.IsRateKeyed ? command.LimitKey : null);
                if (await TakeRateAsync(name, rate, limits.IsRateOfCluster, cancellation) is var wait && wait > TimeSpan.Zero)
                {
                    await (held?.DisposeAsync() ?? default);
                    return new SharedPermit(null, wait);
                }
            }
            catch
            {
                await (held?.DisposeAsync() ?? default);
                throw;
            }
        }

        return new SharedPermit(held, TimeSpan.Zero);
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        if (_renewal.IsValueCreated)
        {
            await _renewal.Value;
            await InRedisAsync(redis => redis.LeaveAsync(_id));
        }

        if (_multiplexer is not null)
        {
            await _multiplexer.DisposeAsync();
        }

        _disposed.Dispose();
    }

    private static ConfigurationOptions Options(RedisConnection address) =>
        RedisOptions.For(address.Host, address.Port, address.Password, "onex-limits", AnswerMs, AnswerMs);

    // The key may be a name of a person, so only its hash is stored.
    private static string Name(Connection connection, string? key) => key is null
        ? connection.Name
        : $"{connection.Name}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16))}";

    // Zero if the attempt may begin now. A time that Redis has reserved is waited for here.
    private async Task<TimeSpan> TakeRateAsync(string name, RateLimit limit, bool isOfCluster, CancellationToken cancellation)
    {
        if (!isOfCluster)
        {
            return _own.TakeRate(name, limit);
        }

        if (await InRedisAsync(redis => redis.TakeRateAsync(name, limit.Permits, limit.Window, _longestReservation)) is not { } taken)
        {
            return _own.TakeRate(name, limit with { Permits = Share(limit.Permits) });
        }

        if (!taken.IsReserved)
        {
            return taken.Wait;
        }

        if (taken.Wait > TimeSpan.Zero)
        {
            await Task.Delay(taken.Wait, _time, cancellation);
        }

        return TimeSpan.Zero;
    }

    // Null if there are as many attempts as allowed.
    private async Task<IAsyncDisposable?> TakeSlotAsync(string name, int most, bool isOfCluster)
    {
        if (isOfCluster)
        {
            var lease = new Lease(this, name, $"{_id}:{Interlocked.Increment(ref _last).ToString(CultureInfo.InvariantCulture)}");
            if (await InRedisAsync(redis => redis.TakeLeaseAsync(name, most, _lease, lease.Id)) is { } taken)
            {
                if (taken)
                {
                    _leases[lease] = true;
                }

                return taken ? lease : null;
            }

            most = Share(most);
        }

        return _own.TakeSlot(name, most) ? new Slot(_own, name) : null;
    }

    private int Share(int permits) => Math.Max(1, permits / Math.Max(1, _processes));

    // Null while Redis is away: then every command would wait for it, so only the renewal tries it.
    private async Task<T?> InRedisAsync<T>(Func<RedisCounters, Task<T>> call)
        where T : struct
    {
        if (_isUnavailable)
        {
            return null;
        }

        try
        {
            return await call(await _redis.Value);
        }
        catch (Exception failure) when (failure is RedisException or TimeoutException)
        {
            Lose(failure);
            return null;
        }
    }

    private Task<bool?> InRedisAsync(Func<RedisCounters, Task> call) => InRedisAsync(async redis =>
    {
        await call(redis);
        return true;
    });

    private void Lose(Exception failure)
    {
        if (_isUnavailable)
        {
            return;
        }

        _isUnavailable = true;
        var problem = $"Redis at {_address} cannot be used ({failure.GetType().Name}): each of {_processes} processes takes its share";
        _health.Report(
            HandlerName, problem, new Remedy("Check that Redis answers at REDIS_HOST.", "redis-of-the-limits-is-unavailable"));
        Log.ClusterLimitsLost(_logger, problem);
    }

    // Registers this process, and renews the leases of its attempts.
    private async Task RenewAsync()
    {
        while (!_disposed.IsCancellationRequested)
        {
            try
            {
                var redis = await _redis.Value;
                _processes = Math.Max(1, await redis.CountProcessesAsync(_id, _lease));
                foreach (var lease in _leases.Keys)
                {
                    await redis.TakeLeaseAsync(lease.Name, 0, _lease, lease.Id);
                    if (!_leases.ContainsKey(lease))
                    {
                        await redis.ReleaseAsync(lease.Name, lease.Id);
                    }
                }

                if (_isUnavailable)
                {
                    _isUnavailable = false;
                    _health.Report(HandlerName, null);
                    Log.ClusterLimitsBack(_logger, _address);
                }
            }
            catch (Exception failure) when (failure is RedisException or TimeoutException)
            {
                Lose(failure);
            }

            await Task.Delay(_period, _time, _disposed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Permission to run, which expires in Redis unless it is renewed.
    private sealed class Lease(ClusterLimits limits, string name, string id) : IAsyncDisposable
    {
        public string Name => name;

        public string Id => id;

        public async ValueTask DisposeAsync()
        {
            if (limits._leases.TryRemove(this, out _))
            {
                await limits.InRedisAsync(redis => redis.ReleaseAsync(name, id));
            }
        }
    }

    private sealed class Slot(KeyedCounters counters, string name) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            counters.ReleaseSlot(name);
            return default;
        }
    }
}
