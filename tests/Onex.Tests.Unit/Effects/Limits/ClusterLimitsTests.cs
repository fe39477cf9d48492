using Microsoft.Extensions.Time.Testing;
using Onex.Effects.Connections;
using Onex.Effects.Limits;
using Onex.Effects.Running;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using StackExchange.Redis;

namespace Onex.Tests.Unit.Effects.Limits;

/// <summary>Limits that three processes count together in a real Redis.</summary>
public sealed class ClusterLimitsTests : IAsyncLifetime
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _renewalPeriod = TimeSpan.FromSeconds(2);
    private static readonly CancellationToken _notCancelled = CancellationToken.None;

    private readonly FakeTimeProvider _time = new();
    private readonly LogLines<ClusterLimits> _lines = new();
    private readonly List<(ClusterLimits Limits, RoleHealth Health)> _processes = [];
    private RedisServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        for (var i = 0; i < 3; i++)
        {
            var health = new RoleHealth();
            _processes.Add((
                new ClusterLimits(new RedisConnection("127.0.0.1", _server.Port, RedisServer.Password), health, _time, _lines), health));
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (limits, _) in _processes)
        {
            await limits.DisposeAsync();
        }

        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Processes_share_the_permits_of_a_rate()
    {
        var connection = Connection("rate_limit: { permits: 7, per: 1h, scope: cluster }");

        Assert.Equal(7, await CountBegunAsync(connection, attempts: 10));

        // All others have to wait for the hour to end.
        var rejected = await _processes[0].Limits.AcquireAsync(connection, Command(), _notCancelled);
        Assert.InRange(rejected.Wait, TimeSpan.FromMinutes(50), TimeSpan.FromHours(1));
        Assert.Equal(7, await CountBegunAsync(Connection("rate_limit: { permits: 7, per: 1h, scope: cluster }", "other"), attempts: 10));
    }

    [Fact]
    public async Task Times_are_reserved_in_order_and_no_window_has_more_than_its_permits()
    {
        await using var redis = await ConnectionMultiplexer.ConnectAsync(Configuration());
        var counters = new RedisCounters(redis, "test:");
        var hour = TimeSpan.FromHours(1);
        for (var i = 0; i < 60; i++)
        {
            // Ten at once, ten an hour later, and so on.
            var (isReserved, wait) = await counters.TakeRateAsync("x", 10, hour, hour * 10);
            Assert.True(isReserved);
            Assert.InRange(wait, hour * (i / 10 - 1), hour * (i / 10));
            Assert.Equal(i < 10, wait == TimeSpan.Zero);
        }

        Assert.False((await counters.TakeRateAsync("x", 10, hour, hour * 5)).IsReserved);
        Assert.True(await redis.GetDatabase().KeyTimeToLiveAsync("test:rate:x") <= hour * 7);
    }

    [Fact]
    public async Task Each_value_of_the_key_has_its_own_permits()
    {
        var cluster = Connection("rate_limit: { permits: 2, per: 1h, scope: cluster, key: '${input.tenant}' }");
        Assert.Equal((2, 2), (await CountBegunAsync(cluster, 3, "\"a\""), await CountBegunAsync(cluster, 3, "\"b\"")));

        // A limit per process is counted without Redis.
        var local = Connection("rate_limit: { permits: 2, per: 1h, key: '${input.tenant}' }", "local");
        Assert.Equal((6, 6), (await CountBegunAsync(local, 3, "\"a\""), await CountBegunAsync(local, 3, "\"b\"")));
        Assert.Null(local.RateLimit);

        await using var redis = await ConnectionMultiplexer.ConnectAsync(Configuration());
        var keys = redis.GetServer("127.0.0.1", _server.Port).Keys().Select(key => key.ToString()).ToList();
        Assert.Equal(2, keys.Count(key => key.StartsWith("onex:limits:rate:stock:", StringComparison.Ordinal)));
        Assert.DoesNotContain(keys, key => key.Contains('"', StringComparison.Ordinal));
        Assert.All(keys, key => Assert.NotNull(redis.GetDatabase().KeyTimeToLive(key)));
    }

    [Fact]
    public async Task Processes_share_slots_and_those_of_a_killed_one_expire()
    {
        var connection = Connection("concurrency: { max: 2, scope: cluster }");
        var first = await _processes[0].Limits.AcquireAsync(connection, Command(), _notCancelled);
        var second = await _processes[1].Limits.AcquireAsync(connection, Command(), _notCancelled);
        Assert.NotNull(first.Held);
        Assert.NotNull(second.Held);
        Assert.True((await _processes[2].Limits.AcquireAsync(connection, Command(), _notCancelled)).Wait > TimeSpan.Zero);

        await first.Held.DisposeAsync();
        var third = await _processes[2].Limits.AcquireAsync(connection, Command(), _notCancelled);
        Assert.Equal(TimeSpan.Zero, third.Wait);

        // A lease that is not renewed expires.
        await using var redis = await ConnectionMultiplexer.ConnectAsync(Configuration());
        var counters = new RedisCounters(redis, "test:");
        Assert.True(await counters.TakeLeaseAsync("x", 1, TimeSpan.FromMilliseconds(200), "killed"));
        Assert.True(await counters.TakeLeaseAsync("y", 1, TimeSpan.FromMinutes(1), "held"));
        Assert.False(await counters.TakeLeaseAsync("y", 1, TimeSpan.FromMinutes(1), "living"));
        await Eventually.Async(
            () => counters.TakeLeaseAsync("x", 1, TimeSpan.FromMinutes(1), "living"), _within,
            () => "the lease of the killed one has expired");
    }

    [Fact]
    public async Task Without_Redis_each_process_takes_its_share_and_they_count_together_again_when_it_is_back()
    {
        var connection = Connection("rate_limit: { permits: 9, per: 1h, scope: cluster }");
        Assert.Equal(9, await CountBegunAsync(connection, attempts: 5));
        await AdvanceUntilAsync(() => _processes.TrueForAll(process => process.Limits.Processes == 3), "each process knows the others");

        await _server.KillAsync();
        Assert.Equal(9, await CountBegunAsync(connection, attempts: 5));
        Assert.All(_processes, process => Assert.Contains(
            "each of 3 processes takes its share", process.Health.Handlers[ClusterLimits.HandlerName], StringComparison.Ordinal));
        Assert.Equal(3, _lines.Count("Warning"));

        // Redis has lost its data.
        await _server.StartAgainAsync();
        await AdvanceUntilAsync(
            () => _processes.TrueForAll(process => process.Health.Handlers[ClusterLimits.HandlerName] is null), "Redis counts again");
        Assert.Equal(9, await CountBegunAsync(connection, attempts: 5));
        Assert.Equal((3, 3), (_lines.Count("Warning"), _lines.Count("Information")));
    }

    [Fact]
    public void A_process_holds_a_bounded_number_of_keys()
    {
        var counters = new KeyedCounters(_time);
        var limit = new RateLimit(1, TimeSpan.FromHours(1));
        Assert.True(counters.TryTakeSlot("running", 1));
        for (var i = 0; i < KeyedCounters.KeysMax + 10; i++)
        {
            Assert.Equal(TimeSpan.Zero, counters.TakeRate($"key {i}", limit));
        }

        Assert.Equal(KeyedCounters.KeysMax, counters.Count);
        Assert.True(counters.TakeRate($"key {KeyedCounters.KeysMax}", limit) > TimeSpan.Zero);
        Assert.Equal(TimeSpan.Zero, counters.TakeRate("key 0", limit));
        Assert.False(counters.TryTakeSlot("running", 1));
    }

    private static Connection Connection(string limits, string name = "stock") =>
        EffectsHarness.Read($"connections: {{ {name}: {{ type: http, url: 'http://stock', {limits} }} }}", [])[name];

    private static StepCommand Command(string? key = null) =>
        EffectsHarness.Command("http.post", "{}", "stock") with { LimitKey = key };

    // Makes attempts in all processes, and returns how many of them may begin at once.
    private async Task<int> CountBegunAsync(Connection connection, int attempts, string? key = null)
    {
        var permits = new List<SharedPermit>();
        for (var i = 0; i < attempts; i++)
        {
            foreach (var (limits, _) in _processes)
            {
                permits.Add(await limits.AcquireAsync(connection, Command(key), _notCancelled));
            }
        }

        return permits.Count(permit => permit.Wait == TimeSpan.Zero);
    }

    private ConfigurationOptions Configuration() => new()
    {
        EndPoints = { { "127.0.0.1", _server.Port } },
        Password = RedisServer.Password,
        AllowAdmin = true,

        // On a busy machine an answer may wait for a thread.
        SyncTimeout = 60_000,
        AsyncTimeout = 60_000,
    };

    // Advances the time by periods of renewal until the condition holds.
    private Task<TimeSpan> AdvanceUntilAsync(Func<bool> holds, string what) => Eventually.Async(
        () =>
        {
            if (holds())
            {
                return true;
            }

            _time.Advance(_renewalPeriod);
            return false;
        },
        _within,
        () => what);
}
