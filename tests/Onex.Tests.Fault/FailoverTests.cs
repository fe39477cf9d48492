using System.Globalization;

namespace Onex.Tests.Fault;

/// <summary>The primary of PostgreSQL is lost under load, and its synchronous standby is promoted.</summary>
public sealed class FailoverTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Orders_survive_the_loss_of_the_primary_and_the_roles_find_the_promoted_standby_by_themselves()
    {
        await using var primary = await PostgresServer.StartOwnAsync();
        await using var standby = await primary.StartStandbyAsync();
        await using var stack = await OnexStack.CreateAsync(primary);
        stack.Set("POSTGRES_HOST", string.Create(
            CultureInfo.InvariantCulture, $"{primary.Host}:{primary.Port},{standby.Host}:{standby.Port}"));
        var roles = await stack.StartReadyAsync("main", "effects", "workers");
        var load = new OrderLoad(stack, OrderLoad.Seeded(output), output);
        var sending = load.SendAsync(40, inFlight: 20, _within);
        await Eventually.Async(() => load.Answered >= 10, _within, () => $"{load.Answered} orders are answered");

        await primary.StopAsync(PostgresStop.Immediate);
        await Eventually.Async(
            async () => !await roles[0].IsReadyAsync(), _within, () => "the orchestrator is ready without a primary");
        await standby.PromoteAsync();
        stack.Database.MoveTo(standby);

        await Task.WhenAll(roles.Select(role => role.ReadyAsync(_within)));
        await sending;
        await load.AssertConsistentAsync(_within);
        Assert.All(roles, role => Assert.True(role.IsRunning));
    }
}
