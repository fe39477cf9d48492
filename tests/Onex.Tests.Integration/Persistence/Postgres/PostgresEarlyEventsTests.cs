using System.Globalization;
using System.Text.RegularExpressions;
using Npgsql;

namespace Onex.Tests.Integration.Persistence.Postgres;

public sealed partial class PostgresEarlyEventsTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    [Fact]
    public async Task Storing_early_events_reads_no_event_with_another_business_key_or_correlation_id()
    {
        var (row, key) = (Rows.New(), Rows.Key());
        EarlyEvent[] New() => [Rows.Early(row), Rows.Early(Rows.New()) with { BusinessKey = key }];
        var others = Enumerable.Range(0, 2_000)
            .Select(other => Rows.Early(Rows.New()) with { BusinessKey = other % 2 == 0 ? Rows.Key() : null });
        await new PostgresEarlyEvents(database.DataSource).StoreAsync([.. others, .. New()], 10, CancellationToken.None);
        await database.Database.ExecuteAsync("VACUUM ANALYZE onex.early_events");

        var plan = await ExplainAsync(PostgresEarlyEvents.Store(New(), 10));

        var scans = plan.Where(line => line.Contains(" Scan using ", StringComparison.Ordinal)).ToList();
        Assert.Single(scans, scan => scan.Contains("ix_early_events_address", StringComparison.Ordinal));
        Assert.All(scans, scan => Assert.InRange(RowsRead(scan), 0, 2));
        Assert.DoesNotContain(plan, line => line.Contains("Rows Removed", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"actual rows=(?<rows>[\d.]+) loops=(?<loops>\d+)", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Actual { get; }

    private static double RowsRead(string scan)
    {
        var actual = Actual.Match(scan);
        return double.Parse(actual.Groups["rows"].Value, CultureInfo.InvariantCulture)
            * int.Parse(actual.Groups["loops"].Value, CultureInfo.InvariantCulture);
    }

    private async Task<List<string>> ExplainAsync(NpgsqlBatchCommand command)
    {
        await using var connection = await database.DataSource.OpenConnectionAsync();
        command.CommandText = "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) " + command.CommandText;
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { command } };
        await using var reader = await batch.ExecuteReaderAsync();
        var plan = new List<string>();
        while (await reader.ReadAsync())
        {
            plan.Add(reader.GetString(0));
        }

        return plan;
    }
}
