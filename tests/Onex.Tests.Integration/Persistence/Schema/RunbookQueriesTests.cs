using System.Text.RegularExpressions;
using Onex.Persistence.Schema;

namespace Onex.Tests.Integration.Persistence.Schema;

/// <summary>Each query of docs/operating.md runs on the present schema.</summary>
public sealed partial class RunbookQueriesTests
{
    [Fact]
    public async Task Each_query_of_the_runbook_runs()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var settings = StoreSettings.Parse(database.ConnectionString);
        await using var source = PostgresDataSource.Create(settings);
        await new Migrator(source, settings, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        var queries = Query().Matches(await File.ReadAllTextAsync(Repository.At("docs", "operating.md")))
            .Select(match => match.Groups["sql"].Value).ToList();

        Assert.Contains(queries, query => query.Contains("onex.stuck", StringComparison.Ordinal));
        Assert.Contains(queries, query => query.Contains("drop_history_partitions", StringComparison.Ordinal));
        foreach (var query in queries)
        {
            await database.QueryAsync(query);
        }
    }

    [GeneratedRegex("^ {4,}(?<sql>SELECT .*?);$", RegexOptions.Multiline | RegexOptions.Singleline, 1000)]
    private static partial Regex Query();
}
