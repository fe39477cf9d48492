using System.Text.RegularExpressions;
using Npgsql;
using Onex.Persistence.Schema;
using Onex.Persistence.Sqlite;
using Onex.Tests.Integration.Persistence.Sqlite;

namespace Onex.Tests.Integration.Persistence.Schema;

/// <summary>
/// Each statement of docs/operating.md runs on the present schema: those in blocks, in sentences, and in commands of <c>psql</c> and
/// <c>sqlite3</c>.
/// </summary>
public sealed partial class RunbookStatementsTests
{
    private static readonly string _runbook = File.ReadAllText(Repository.At("docs", "operating.md"));

    [Fact]
    public async Task Each_statement_of_the_runbook_runs()
    {
        await using var database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var settings = StoreSettings.Parse(database.ConnectionString);
        await using var source = PostgresDataSource.Create(settings);
        await new Migrator(source, settings, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
        var blocks = FindStatements(Block());
        var sentences = FindStatements(InSentence());
        var commands = FindStatements(Psql());

        Assert.Contains(blocks, statement => statement.Contains("onex.stuck", StringComparison.Ordinal));
        Assert.Contains(blocks, statement => statement.Contains("drop_history_partitions", StringComparison.Ordinal));
        Assert.Contains(blocks, statement => statement.StartsWith("CREATE ROLE", StringComparison.Ordinal));
        Assert.Contains(sentences, statement => statement.StartsWith("ALTER ROLE onex PASSWORD", StringComparison.Ordinal));
        Assert.Contains(sentences, statement => statement.Contains("pg_promote", StringComparison.Ordinal));
        Assert.NotEmpty(commands);

        // Nothing is committed, because roles belong to the server, which other tests share. The role onex may exist there already (42710).
        await using var connection = await database.Source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await RunAsync(connection, "CREATE ROLE onex_a LOGIN");
        await RunAsync(connection, "CREATE ROLE onex LOGIN", "42710");
        foreach (var statement in blocks.Concat(commands).Concat(sentences.Select(ToHarmless)))
        {
            await RunAsync(connection, statement);
        }

        await transaction.RollbackAsync();
    }

    [Fact]
    public async Task Each_sqlite3_query_of_the_runbook_runs()
    {
        using var file = new SqliteFile();
        await file.Get<SqliteDatabase>().OpenAsync(CancellationToken.None);
        var queries = FindStatements(Sqlite());

        Assert.NotEmpty(queries);
        foreach (var query in queries)
        {
            await file.QueryAsync(query);
        }
    }

    private static List<string> FindStatements(Regex pattern) => [.. pattern.Matches(_runbook).Select(match => match.Groups["sql"].Value)];

    // Only explains a SELECT, because those in sentences end a session or promote a standby.
    private static string ToHarmless(string statement) => statement.StartsWith("SELECT", StringComparison.Ordinal)
        ? "EXPLAIN " + statement.Replace("PID", "0", StringComparison.Ordinal)
        : statement;

    private static async Task RunAsync(NpgsqlConnection connection, string statement, string? mayFailWith = null)
    {
        await ExecuteAsync("SAVEPOINT before");
        try
        {
            await ExecuteAsync(statement);
        }
        catch (PostgresException failed) when (failed.SqlState == mayFailWith)
        {
            await ExecuteAsync("ROLLBACK TO before");
        }
        catch (PostgresException failed)
        {
            throw new InvalidOperationException($"docs/operating.md: {statement}: {failed.MessageText}", failed);
        }

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, connection);
            await command.ExecuteNonQueryAsync();
        }
    }

    [GeneratedRegex(
        "^ {4,}(?<sql>(SELECT|CREATE|ALTER|DROP|UPDATE|DELETE) .*?);$",
        RegexOptions.Multiline | RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Block();

    [GeneratedRegex("`(?<sql>(SELECT|CREATE ROLE|ALTER ROLE) [^`]+)`", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex InSentence();

    [GeneratedRegex("^ {4,}psql [^\"\n]*-c \"(?<sql>[^\"]+)\"$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Psql();

    [GeneratedRegex("^ {4,}sqlite3 [^\"\n]* \"(?<sql>SELECT [^\"]+)\"$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Sqlite();
}
