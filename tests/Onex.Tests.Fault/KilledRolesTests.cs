namespace Onex.Tests.Fault;

/// <summary>Under load, every role is killed with SIGKILL at random and started again, and PostgreSQL is stopped as in a crash.</summary>
public sealed class KilledRolesTests(ITestOutputHelper output)
{
    private const int Rounds = 3;

    private static readonly TimeSpan _within = TimeSpan.FromSeconds(180);

    [Fact]
    public async Task Orders_survive_the_death_of_every_role_and_of_Postgres()
    {
        var random = OrderLoad.Seeded(output);
        await using var postgres = await PostgresServer.StartOwnAsync();
        await using var stack = await OnexStack.CreateAsync(postgres);
        var running = new Dictionary<string, OnexProcess>();
        foreach (var role in new[] { "main", "effects", "workers" })
        {
            running[role] = stack.Start(role);
            await running[role].ReadyAsync();
        }

        var load = new OrderLoad(stack, new Random(random.Next()), output);
        var sending = load.SendAsync(OrderLoad.Orders, inFlight: 40, _within);
        for (var round = 1; round <= Rounds; round++)
        {
            var roles = running.Keys.ToArray();
            random.Shuffle(roles);
            foreach (var role in roles)
            {
                await load.ProgressAsync(random.Next(1, Math.Max(2, OrderLoad.Orders / 6)), TimeSpan.FromSeconds(10));
                await running[role].KillAsync();
                output.WriteLine($"killed {role} at {load.Answered} of {load.Sent} answered");
                running[role] = stack.Start(role);
            }

            if (round == 2)
            {
                await load.ProgressAsync(random.Next(1, 20), TimeSpan.FromSeconds(10));
                await postgres.StopAsync(PostgresStop.Immediate);
                output.WriteLine($"stopped Postgres at {load.Answered} of {load.Sent} answered");
                await postgres.StartAsync();
            }

            // The next iteration must kill working roles, not starting ones.
            foreach (var role in running.Values)
            {
                await role.ReadyAsync();
            }
        }

        await sending;
        await load.AssertConsistentAsync(_within);
    }
}
