namespace Onex.Tests.Fault;

/// <summary>
/// A broker that is frozen and thawed repeatedly, longer each time. With <c>ONEX_FAULT_LONG=1</c> it is frozen for so long that every
/// client in every role reaches each of its timeouts; none of them may end its process.
/// </summary>
public sealed class FrozenBrokerTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(120);

    private static readonly int[] _freezes = Environment.GetEnvironmentVariable("ONEX_FAULT_LONG") == "1" ? [5, 15, 25, 40, 60] : [5, 15];

    [Fact]
    public async Task All_roles_survive_a_frozen_broker_and_lose_nothing()
    {
        var random = OrderLoad.Seeded(output);
        await using var broker = await KafkaBroker.StartOwnAsync();
        await using var stack = await OnexStack.CreateAsync(broker: broker);
        var roles = await stack.StartReadyAsync("main", "effects", "workers");
        var load = new OrderLoad(stack, random, output);

        foreach (var seconds in _freezes)
        {
            var sending = load.SendAsync(OrderLoad.Orders / 4, inFlight: 20, _within);
            await load.ProgressAsync(random.Next(5, 30), TimeSpan.FromSeconds(10));
            await broker.PauseAsync();

            // The test is about the freeze, so its time must pass.
            await Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System);
            foreach (var role in roles)
            {
                Assert.True(role.IsRunning, $"{role.Name} ended while the broker was frozen for {seconds} s");
                await Eventually.Async(
                    async () => !await role.IsReadyAsync(), _within, () => $"{role.Name} is ready while the broker is frozen");
            }

            await broker.ResumeAsync();
            var resumedAt = TimeProvider.System.GetTimestamp();
            await Task.WhenAll(roles.Select(role => role.ReadyAsync(_within)));
            output.WriteLine(
                $"frozen for {seconds} s, ready {TimeProvider.System.GetElapsedTime(resumedAt).TotalSeconds:0.0} s after it resumed");
            await sending;
            await Eventually.Async(
                () => load.Answered == load.Sent, _within, () => $"{load.Answered} of {load.Sent} were answered after a freeze of "
                    + $"{seconds} s");
        }

        await load.AssertConsistentAsync(_within);
        Assert.All(roles, role => Assert.True(role.IsRunning, $"{role.Name} ended"));
    }
}
