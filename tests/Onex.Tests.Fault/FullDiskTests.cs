using Npgsql;

namespace Onex.Tests.Fault;

/// <summary>The disk of the database is full under load, and then has room again.</summary>
public sealed class FullDiskTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Orders_wait_while_the_disk_of_the_tables_is_full_and_complete_by_themselves_afterwards()
    {
        await using var postgres = await PostgresServer.StartOwnAsync();
        await using var disk = await postgres.MoveNewDatabasesToDiskAsync(mebibytes: 64);
        await using var stack = await OnexStack.CreateAsync(postgres);
        var roles = await stack.StartReadyAsync("main", "effects", "workers");
        var load = new OrderLoad(stack, OrderLoad.Seeded(output), output) { Padding = 8_000 };
        await load.SendAsync(10, inFlight: 5, _within);

        await disk.FillAsync();
        await load.BurstAsync(60);
        await Eventually.Async(
            () => roles[0].Output.Any(line => line.Contains(PostgresErrorCodes.DiskFull, StringComparison.Ordinal)),
            _within,
            () => $"main reports no full disk; {load.Answered} of {load.Sent} orders are answered");
        Assert.True(load.Answered < load.Sent);

        disk.Empty();

        await load.AssertConsistentAsync(_within);
        Assert.All(roles, role => Assert.True(role.IsRunning));
        await Task.WhenAll(roles.Select(role => role.ReadyAsync(_within)));
    }
}
