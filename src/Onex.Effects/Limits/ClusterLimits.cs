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
/// The limits of connections that are counted per key, or by all processes together in Redis. While Redis is unavailable, each process
/// applies its share: the limit divided by the last known number of processes.
/// </summary>
internal sealed class ClusterLimits : ISharedLimits, IAsyncDisposable
{
    /// <summary>Its name among the failed handlers of <c>/health</c>.</summary>
    internal const string HandlerName = "cluster limits";

    // How long a command waits for Redis. After that, Redis counts as unavailable until the renewal reaches it, and no command waits.
    private const int AnswerMs = 5000;

    private static readonly TimeSpan _renewalPeriod = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan _leaseLength = TimeSpan.FromSeconds(15);

    // A reserved time is lost if its process is killed, so only near times are reserved.
    private static readonly TimeSpan _longestReservation = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _slotRetryDelay = TimeSpan.FromMilliseconds(50);

    private readonly string _id = Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();
    private readonly KeyedCounters _local;
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
    private long _lastLeaseNumber;

    public ClusterLimits(RedisConnection address, RoleHealth health, TimeProvider time, ILogger<ClusterLimits> logger)
    {
        (_address, _health, _time, _logger) = (address, health, time, logger);
        _local = new KeyedCounters(time);
        _redis = new Lazy<Task<RedisCounters>>(async () => new RedisCounters(
            _multiplexer = await ConnectionMultiplexer.ConnectAsync(Options(address)), "onex:limits:"));
        _renewal = new Lazy<Task>(() => Task.Run(RenewAsync));
    }

    /// <summary>The last known number of processes that share the limits.</summary>
    internal int Processes => _processes;

    public async ValueTask<SharedPermit> AcquireAsync(Connection? connection, StepCommand command, CancellationToken cancellation)
    {
        if (connection?.Shared is not { } limits)
        {
            return SharedPermit.Free;
        }

        if (limits.IsOfCluster)
        {
            // Starts the renewal.
            _ = _renewal.Value;
        }

        IAsyncDisposable? slot = null;
        var slotName = CounterName(connection, limits.IsConcurrencyKeyed ? command.LimitKey : null);
        if (limits.Concurrency is { } slotsMax && (slot = await TakeSlotAsync(slotName, slotsMax, limits.IsConcurrencyOfCluster)) is null)
        {
            return new SharedPermit(null, _slotRetryDelay);
        }

        if (limits.Rate is { } rate)
        {
            try
            {
                var rateName = CounterName(connection, limits.IsRateKeyed ? command.LimitKey : null);
                var wait = await TakeRateAsync(rateName, rate, limits.IsRateOfCluster, cancellation);
                if (wait > TimeSpan.Zero)
                {
                    await (slot?.DisposeAsync() ?? default);
                    return new SharedPermit(null, wait);
                }
            }
            catch
            {
                await (slot?.DisposeAsync() ?? default);
                throw;
            }
        }

        return new SharedPermit(slot, TimeSpan.Zero);
    }

    public async ValueTask DisposeAsync()
    {
        await _disposed.CancelAsync();
        if (_renewal.IsValueCreated)
        {
            await _renewal.Value;
            await TryInRedisAsync(redis => redis.LeaveAsync(_id));
        }

        if (_multiplexer is not null)
        {
            await _multiplexer.DisposeAsync();
        }

        _disposed.Dispose();
    }

    private static ConfigurationOptions Options(RedisConnection address) =>
        RedisOptions.For(address.Host, address.Port, address.Password, "onex-limits", AnswerMs, AnswerMs);

    // Only the hash of a key is stored, because the key may be the name of a person.
    private static string CounterName(Connection connection, string? key) => key is null
        ? connection.Name
        : $"{connection.Name}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16))}";

    // Returns how long the command must wait; zero if it may begin now. Waits itself until a time that Redis has reserved.
    private async Task<TimeSpan> TakeRateAsync(string name, RateLimit limit, bool isOfCluster, CancellationToken cancellation)
    {
        if (!isOfCluster)
        {
            return _local.TakeRate(name, limit);
        }

        if (await TryInRedisAsync(redis => redis.TakeRateAsync(name, limit.Permits, limit.Window, _longestReservation)) is not { } taken)
        {
            return _local.TakeRate(name, limit with { Permits = ShareOf(limit.Permits) });
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

    // Returns the slot, to be disposed of; null if as many attempts run as are allowed.
    private async Task<IAsyncDisposable?> TakeSlotAsync(string name, int slotsMax, bool isOfCluster)
    {
        if (isOfCluster)
        {
            var number = Interlocked.Increment(ref _lastLeaseNumber).ToString(CultureInfo.InvariantCulture);
            var lease = new Lease(this, name, $"{_id}:{number}");
            if (await TryInRedisAsync(redis => redis.TakeLeaseAsync(name, slotsMax, _leaseLength, lease.Id)) is { } taken)
            {
                if (taken)
                {
                    _leases[lease] = true;
                }

                return taken ? lease : null;
            }

            slotsMax = ShareOf(slotsMax);
        }

        return _local.TryTakeSlot(name, slotsMax) ? new Slot(_local, name) : null;
    }

    private int ShareOf(int permits) => Math.Max(1, permits / Math.Max(1, _processes));

    // Returns null while Redis is unavailable. Then only the renewal tries it, because otherwise every command would wait for it.
    private async Task<T?> TryInRedisAsync<T>(Func<RedisCounters, Task<T>> call)
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
            MarkUnavailable(failure);
            return null;
        }
    }

    private Task<bool?> TryInRedisAsync(Func<RedisCounters, Task> call) => TryInRedisAsync(async redis =>
    {
        await call(redis);
        return true;
    });

    private void MarkUnavailable(Exception failure)
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

    // Registers this process and renews the slots of its attempts in Redis, periodically. Success ends the unavailability of Redis.
    private async Task RenewAsync()
    {
        while (!_disposed.IsCancellationRequested)
        {
            try
            {
                var redis = await _redis.Value;
                _processes = Math.Max(1, await redis.CountProcessesAsync(_id, _leaseLength));
                foreach (var lease in _leases.Keys)
                {
                    await redis.TakeLeaseAsync(lease.Name, RedisCounters.NoLimit, _leaseLength, lease.Id);
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
                MarkUnavailable(failure);
            }

            await Task.Delay(_renewalPeriod, _time, _disposed.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A slot in Redis, which expires unless it is renewed. It has nothing to do with the lease in the effect ledger.
    private sealed class Lease(ClusterLimits limits, string name, string id) : IAsyncDisposable
    {
        public string Name => name;

        public string Id => id;

        public async ValueTask DisposeAsync()
        {
            if (limits._leases.TryRemove(this, out _))
            {
                await limits.TryInRedisAsync(redis => redis.ReleaseAsync(name, id));
            }
        }
    }

    // A slot that this process counts for itself.
    private sealed class Slot(KeyedCounters counters, string name) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            counters.ReleaseSlot(name);
            return default;
        }
    }
}
