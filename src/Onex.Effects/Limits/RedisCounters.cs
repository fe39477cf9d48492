using StackExchange.Redis;

namespace Onex.Effects.Limits;

/// <summary>
/// Counts permits in Redis, by its clock, so that processes with different clocks count alike. Every key of Redis expires, so that nothing
/// remains of ended processes and unused limit keys.
/// </summary>
/// <param name="redis">The connection to Redis.</param>
/// <param name="prefix">The prefix of the keys.</param>
internal sealed class RedisCounters(IConnectionMultiplexer redis, string prefix)
{
    // The list holds the times, in microseconds, at which the last attempts began or will begin, the newest first. With n permits, an
    // attempt may begin one window after the n-th attempt before it. If that is at most 'longest' away, the time is reserved.
    private const string TakeRate = """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local permits, window, longest = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
        local before = redis.call('LINDEX', KEYS[1], permits - 1)
        local begins = now
        if before and tonumber(before) + window > now then begins = tonumber(before) + window end
        if begins - now > longest then return {0, begins - now} end
        redis.call('LPUSH', KEYS[1], string.format('%.0f', begins))
        redis.call('LTRIM', KEYS[1], 0, permits - 1)
        redis.call('PEXPIRE', KEYS[1], math.ceil((begins - now + window) / 1000))
        return {1, begins - now}
        """;

    // A sorted set of leases by their expiry: slots of running attempts, or registered processes. They have nothing to do with the leases
    // in the effect ledger. A leasesMax of 0 is no maximum.
    private const string TakeLease = """
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local leasesMax, length = tonumber(ARGV[1]), tonumber(ARGV[2])
        redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
        if leasesMax > 0 and redis.call('ZCARD', KEYS[1]) >= leasesMax and not redis.call('ZSCORE', KEYS[1], ARGV[3]) then return 0 end
        redis.call('ZADD', KEYS[1], string.format('%.0f', now + length), ARGV[3])
        redis.call('PEXPIRE', KEYS[1], math.ceil(length / 1000))
        return redis.call('ZCARD', KEYS[1])
        """;

    /// <summary>The maximum of leases that are always taken or renewed.</summary>
    public const int NoLimit = 0;

    // Stands for the processes in place of the name of a connection. No connection can have this name.
    private const string Processes = "-";

    private readonly IDatabase _database = redis.GetDatabase();

    /// <summary>
    /// Reserves the next time at which an attempt may begin, and returns how long it is until then. Reserves nothing if that is longer
    /// than <paramref name="longest"/>.
    /// </summary>
    public async Task<(bool IsReserved, TimeSpan Wait)> TakeRateAsync(string name, int permits, TimeSpan window, TimeSpan longest)
    {
        var answer = (long[])(await _database.ScriptEvaluateAsync(
            TakeRate, [new RedisKey($"{prefix}rate:{name}")], [permits, Microseconds(window), Microseconds(longest)]))!;
        return (answer[0] == 1, TimeSpan.FromMicroseconds(answer[1]));
    }

    /// <summary>Takes or renews a lease; false if there are as many others as allowed.</summary>
    public async Task<bool> TakeLeaseAsync(string name, int leasesMax, TimeSpan length, string id) =>
        await LeaseAsync(name, leasesMax, length, id) > 0;

    public Task ReleaseAsync(string name, string id) => _database.SortedSetRemoveAsync(LeaseKey(name), id);

    /// <summary>Registers this process, and counts the registered processes.</summary>
    public async Task<int> CountProcessesAsync(string id, TimeSpan length) => (int)await LeaseAsync(Processes, NoLimit, length, id);

    /// <summary>Removes this process from the count.</summary>
    public Task LeaveAsync(string id) => ReleaseAsync(Processes, id);

    private async Task<long> LeaseAsync(string name, int leasesMax, TimeSpan length, string id) =>
        (long)await _database.ScriptEvaluateAsync(TakeLease, [new RedisKey(LeaseKey(name))], [leasesMax, Microseconds(length), id]);

    private string LeaseKey(string name) => $"{prefix}lease:{name}";

    private static long Microseconds(TimeSpan time) => (long)time.TotalMicroseconds;
}
