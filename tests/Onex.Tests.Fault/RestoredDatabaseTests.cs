namespace Onex.Tests.Fault;

/// <summary>
/// The drill of docs/operating.md, "Backup and restore": the database is lost and restored to an earlier moment, while Kafka keeps its
/// records and offsets.
/// </summary>
public sealed class RestoredDatabaseTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task Every_order_has_one_outcome_after_the_database_was_restored_to_a_moment_and_the_offsets_were_rewound()
    {
        await using var postgres = await PostgresServer.StartArchivingAsync();
        await using var stack = await OnexStack.CreateAsync(postgres);
        stack.Broker.NeedsReal("cannot find the offset of a time");
        var roles = await stack.StartReadyAsync("main", "effects", "workers");
        await postgres.BackupAsync();
        var load = new OrderLoad(stack, OrderLoad.Seeded(output), output);

        // At the moment that is restored, some orders have ended, some are live, and the others have not begun.
        var sending = load.SendAsync(24, inFlight: 8, _within);
        await Eventually.Async(() => load.Answered >= 8, _within, () => $"{load.Answered} orders are answered");
        var moment = await stack.Database.ScalarAsync<string>("SELECT clock_timestamp()::text");
        await sending;
        var rejected = await OnexProcess.RunAsync(stack.Settings, "topics", "rewind", "--to", "2020-01-01T00:00:00Z", "--apply");
        Assert.NotEqual(0, rejected.Code);
        Assert.Contains("has members: stop every process", rejected.Error, StringComparison.Ordinal);

        await Task.WhenAll(roles.Select(role => role.TerminateAsync()));

        var before = await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas");
        await postgres.RestoreAsync(moment);
        var restored = await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas");
        Assert.InRange(restored, 8, before - 1);

        // The test began less than ten minutes ago, so every record is read again.
        var since = TimeProvider.System.GetUtcNow().AddMinutes(-10).ToString("O");
        (await OnexProcess.RunAsync(stack.Settings, "topics", "rewind", "--to", since, "--apply")).OrThrow("onex topics rewind --apply");
        await stack.StartReadyAsync("main", "effects", "workers");

        await load.AssertConsistentAfterRestoreAsync(_within);
        output.WriteLine($"{before} sagas before, {restored} restored");
    }
}
