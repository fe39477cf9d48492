using Microsoft.Extensions.Time.Testing;
using Onex.Effects.Connections;
using Onex.Effects.Operations;
using Onex.Effects.Running;

namespace Onex.Tests.Unit.Effects.Running;

/// <summary>The slots, the queue, the rate and the circuit breaker of one connection.</summary>
public sealed class ConnectionGateTests
{
    private static readonly AttemptOutcome _works = new(StepOutcomes.Completed, null, null, null, null, AttemptReach.Done);
    private static readonly AttemptOutcome _unreachable = AttemptOutcome.Failed(AttemptReach.NotSent, "connection_failed", "It is gone.");

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));

    [Fact]
    public async Task Commands_wait_for_a_slot_in_the_order_of_their_arrival()
    {
        using var gate = Gate(slots: 1);
        var first = await EnterAsync(gate);
        var waiting = Enumerable.Range(0, 3).Select(_ => EnterAsync(gate)).ToList();

        var current = first!;
        foreach (var next in waiting)
        {
            Assert.False(next.IsCompleted);
            current.Dispose();
            current = (await next)!;
        }

        current.Dispose();
        Assert.Equal((0, 0), (gate.Read().Running, gate.Read().Waiting));
    }

    [Fact]
    public async Task Commands_beyond_the_queue_are_parked_and_so_are_all_that_follow_until_none_is_left()
    {
        using var gate = Gate(slots: 1);
        var running = await EnterAsync(gate);
        var waiting = Enumerable.Range(0, 4).Select(_ => EnterAsync(gate)).ToList();

        Assert.Null(await EnterAsync(gate));
        gate.EndParking(parked: true);
        running!.Dispose();
        foreach (var next in waiting)
        {
            (await next)!.Dispose();
        }

        Assert.Null(await EnterAsync(gate));
        gate.EndParking(parked: true);
        var version = gate.ParkedVersion;
        Assert.Single(gate.TakePermits())!.GiveBack();
        gate.MarkDrained(version);
        Assert.NotNull(await EnterAsync(gate));
    }

    [Fact]
    public async Task A_command_that_is_parked_while_parked_commands_are_taken_is_not_missed()
    {
        using var gate = Gate(slots: 1);
        gate.MarkParked();
        var version = gate.ParkedVersion;
        gate.MarkParked();

        gate.MarkDrained(version);

        Assert.True(gate.IsMarkedParked);
        Assert.Null(await EnterAsync(gate));
    }

    [Fact]
    public async Task Heavy_commands_do_not_wait_together()
    {
        using var gate = Gate(slots: 1);
        using var running = await EnterAsync(gate);

        var heavy = EnterAsync(gate, weight: 5_000);

        Assert.False(heavy.IsCompleted);
        Assert.Null(await EnterAsync(gate));
    }

    [Fact]
    public async Task Commands_that_wait_too_long_are_parked()
    {
        using var gate = Gate(slots: 1);
        using var running = await EnterAsync(gate);
        var waiting = new[] { EnterAsync(gate), EnterAsync(gate) };

        _time.Advance(GateSettings.LongestWait);
        gate.Trim();
        Assert.All(waiting, entry => Assert.False(entry.IsCompleted));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        gate.Trim();

        Assert.All(await Task.WhenAll(waiting), Assert.Null);
    }

    [Fact]
    public async Task The_rate_admits_its_permits_per_period_and_parks_commands_that_would_wait_too_long()
    {
        using var gate = Gate(slots: 10, new RateLimit(2, TimeSpan.FromSeconds(1)));
        Assert.NotNull(await EnterAsync(gate));
        Assert.NotNull(await EnterAsync(gate));
        var next = new[] { EnterAsync(gate), EnterAsync(gate) };

        Assert.All(next, entry => Assert.False(entry.IsCompleted));
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.All(await Task.WhenAll(next), Assert.NotNull);
        var later = Enumerable.Range(0, 8).Select(_ => EnterAsync(gate)).ToList();
        Assert.Null(await later[^1]);
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_nothing_behind()
    {
        using var gate = Gate(slots: 1);
        var running = await EnterAsync(gate);
        using var cancel = new CancellationTokenSource();
        var waiting = gate.EnterAsync(1, cancel.Token).AsTask();

        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        running!.Dispose();

        Assert.Equal((0, 0), (gate.Read().Running, gate.Read().Waiting));
    }

    [Fact]
    public async Task The_breaker_opens_and_parks_waiting_commands_and_lets_one_trial_through_after_its_pause()
    {
        using var gate = Gate(slots: 1, breaker: BreakerSettings.Default);
        for (var attempt = 1; attempt <= 2; attempt++)
        {
            Assert.False(await AttemptAsync(gate, _unreachable));
        }

        var third = await EnterAsync(gate);
        var waiting = EnterAsync(gate);
        Assert.True(third!.Report(_unreachable));
        third.Dispose();
        Assert.Null(await waiting);
        gate.EndParking(parked: true);
        Assert.Empty(gate.TakePermits());
        Assert.Equal(BreakerSettings.Default.Pause, gate.UntilWork());

        _time.Advance(BreakerSettings.Default.Pause);
        var trial = Assert.Single(gate.TakePermits());
        Assert.True(trial.IsTrial);
        Assert.Empty(gate.TakePermits());
        Assert.False(trial.Report(_works));
        trial.Dispose();

        Assert.Equal(BreakerState.Closed, gate.Read().Breaker);
        Assert.Single(gate.TakePermits());
    }

    [Fact]
    public async Task Failures_far_apart_open_the_breaker_if_no_success_is_between_them()
    {
        using var gate = Gate(slots: 1, breaker: BreakerSettings.Default);
        foreach (var outcome in new[] { _unreachable, _unreachable, _works, _unreachable, _unreachable })
        {
            await AttemptAsync(gate, outcome);
            _time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(BreakerState.Closed, gate.Read().Breaker);
        }

        await AttemptAsync(gate, _unreachable);

        Assert.Equal(BreakerState.Open, gate.Read().Breaker);
    }

    // A service may fail each command once. If that opened the breaker, each trial would be a first attempt, which it fails again.
    [Fact]
    public async Task First_attempts_that_the_service_fails_in_a_row_count_once_and_later_attempts_count_each()
    {
        using var gate = Gate(slots: 1, breaker: BreakerSettings.Default);
        var overloaded = AttemptOutcome.Failed(AttemptReach.Sent, "http_503", "Try again.");
        for (var repetition = 0; repetition < 3; repetition++)
        {
            for (var command = 0; command < 10; command++)
            {
                await AttemptAsync(gate, overloaded, isFirst: true);
            }

            for (var command = 0; command < 10; command++)
            {
                await AttemptAsync(gate, _works);
            }

            Assert.Equal(BreakerState.Closed, gate.Read().Breaker);
        }

        await AttemptAsync(gate, overloaded, isFirst: true);
        await AttemptAsync(gate, overloaded, isFirst: true);
        await AttemptAsync(gate, overloaded);
        Assert.Equal(BreakerState.Closed, gate.Read().Breaker);
        await AttemptAsync(gate, overloaded);
        Assert.Equal(BreakerState.Open, gate.Read().Breaker);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100_000)]
    public async Task A_requested_pause_is_never_shorter_than_the_set_one_or_longer_than_five_minutes(int seconds)
    {
        using var gate = Gate(slots: 1, breaker: BreakerSettings.Default);
        var outcome = AttemptOutcome.Failed(AttemptReach.Sent, "http_429", "Too many.", TimeSpan.FromSeconds(seconds));
        for (var attempt = 0; attempt < 3; attempt++)
        {
            await AttemptAsync(gate, outcome);
        }

        Assert.InRange(gate.Read().UntilTrial!.Value, BreakerSettings.Default.Pause, CircuitBreaker.LongestPause);
    }

    [Fact]
    public async Task An_attempt_that_took_effect_is_never_repeated()
    {
        using var gate = Gate(slots: 1, breaker: BreakerSettings.Default);
        var lost = AttemptOutcome.Failed(AttemptReach.Done, "connection_lost", "Lost after a 200.");
        for (var attempt = 0; attempt < 3; attempt++)
        {
            Assert.False(await AttemptAsync(gate, lost));
        }

        Assert.Equal(BreakerState.Open, gate.Read().Breaker);
    }

    [Fact]
    public async Task New_limits_apply_at_once()
    {
        using var gate = Gate(slots: 1, breaker: BreakerSettings.Default);
        using var running = await EnterAsync(gate);
        var waiting = EnterAsync(gate);

        gate.Update(new GateSettings(2, null, BreakerSettings.Default));

        Assert.NotNull(await waiting);
    }

    [Fact]
    public async Task A_trial_that_is_due_waits_for_the_rate()
    {
        using var gate = Gate(slots: 1, new RateLimit(1, TimeSpan.FromMinutes(1)), BreakerSettings.Default);
        (await EnterAsync(gate))!.Dispose();
        gate.OpenBreaker("It is gone.");
        gate.MarkParked();
        _time.Advance(BreakerSettings.Default.Pause);

        Assert.Empty(gate.TakePermits());
        Assert.Equal(TimeSpan.FromSeconds(55), gate.UntilWork());

        _time.Advance(TimeSpan.FromSeconds(55));
        Assert.Equal(TimeSpan.Zero, gate.UntilWork());
        Assert.True(Assert.Single(gate.TakePermits()).IsTrial);
    }

    private static Task<GatePermit?> EnterAsync(ConnectionGate gate, long weight = 1) =>
        gate.EnterAsync(weight, TestContext.Current.CancellationToken).AsTask();

    private static async Task<bool> AttemptAsync(ConnectionGate gate, AttemptOutcome outcome, bool isFirst = false)
    {
        using var permit = await EnterAsync(gate);
        return permit!.Report(outcome, isFirst);
    }

    private ConnectionGate Gate(int slots, RateLimit? rate = null, BreakerSettings? breaker = null) =>
        new("stock", new GateSettings(slots, rate, breaker), weightMax: 1_000, _time, _ => { });
}
