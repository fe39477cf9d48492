namespace Onex.Tests.Fault;

/// <summary>
/// Two orchestrators. One is frozen for longer than the session timeout of its consumer group, and continues without knowing it.
/// </summary>
public sealed class FrozenOrchestratorTests(ITestOutputHelper output)
{
    private const string SessionTimeout = "4s";

    private static readonly TimeSpan _within = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task An_orchestrator_frozen_under_load_loses_and_repeats_nothing()
    {
        var random = OrderLoad.Seeded(output);
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("KAFKA_SESSION_TIMEOUT", SessionTimeout);
        var roles = await stack.StartReadyAsync("main", "main", "effects", "workers");
        var load = new OrderLoad(stack, random, output);

        for (var round = 0; round < 2; round++)
        {
            var frozen = roles[round];
            var sending = load.SendAsync(OrderLoad.Orders / 4, inFlight: 40, _within);
            await load.ProgressAsync(random.Next(5, 40), TimeSpan.FromSeconds(10));
            await frozen.FreezeAsync();
            await sending;

            // The other orchestrator gets all partitions only after the group has removed the frozen one.
            var elapsed = await Eventually.Async(
                () => load.Answered == load.Sent,
                _within,
                () => $"{load.Answered} of {load.Sent} were answered while an orchestrator was frozen");
            output.WriteLine($"all answered {elapsed.TotalSeconds:0.0} s after the load, by the remaining orchestrator");

            var sendingAfter = load.SendAsync(OrderLoad.Orders / 4, inFlight: 40, _within);
            await frozen.ThawAsync();
            await sendingAfter;
            await frozen.ReadyAsync();
        }

        await load.AssertConsistentAsync(_within);
        Assert.All(roles, role => Assert.True(role.IsRunning));
    }

    [Fact]
    public async Task An_orchestrator_that_resumes_with_revoked_sagas_and_dies_leaves_nothing_unsent()
    {
        var random = OrderLoad.Seeded(output);
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("KAFKA_SESSION_TIMEOUT", SessionTimeout);
        var roles = await stack.StartReadyAsync("main", "main", "effects", "workers");
        var (doomed, other) = (roles[0], roles[1]);
        int Assignments() => other.Output.Concat(other.Errors).Count(line => line.Contains("Home partitions:", StringComparison.Ordinal));
        var load = new OrderLoad(stack, random, output);

        for (var round = 0; round < 3; round++)
        {
            var sending = load.SendAsync(OrderLoad.Orders / 4, inFlight: 40, _within);
            await load.ProgressAsync(random.Next(5, 40), TimeSpan.FromSeconds(10));
            await doomed.FreezeAsync();
            var assignments = Assignments();
            await sending;

            // The other orchestrator gets these sagas once the group has removed the frozen one. That one then resumes briefly, may
            // commit, and dies.
            await Eventually.Async(
                () => Assignments() > assignments,
                _within,
                () => "the other orchestrator is not assigned the partitions of the frozen one");
            await doomed.ThawAsync();
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(0, 40)), TimeProvider.System);
            await doomed.KillAsync();
            doomed = stack.Start("main");
            await doomed.ReadyAsync();
        }

        await load.AssertConsistentAsync(_within);
    }
}
