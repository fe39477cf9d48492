using System.Text.Json;
using Npgsql;
using Onex.Tests.Integration.Persistence;

namespace Onex.Tests.Integration.Effects.Db;

/// <summary>An effects process with a connection 'db' to a database.</summary>
/// <param name="store">The database of the ledger.</param>
/// <param name="target">The database of the connection.</param>
/// <param name="port">The port of a proxy in front of it, if any.</param>
/// <param name="user">The user of the connection with the password, or null for those of the target's connection string.</param>
internal sealed class DatabaseHarness(TestDatabase store, string target, int? port = null, (string Name, string Password)? user = null)
    : EffectsProcess(store, Connections(new(target), port, user), new() { ["DB_PASSWORD"] = Password(new(target), user) })
{
    public static StepCommand Command(string operation, object arguments, int timeoutMs = 20_000)
    {
        var now = TimeProvider.System.GetUtcNow();
        return new StepCommand
        {
            CommandId = new(Guid.CreateVersion7(now)),
            Attempt = 1,
            SagaId = new(Guid.CreateVersion7(now)),
            CorrelationId = Guid.CreateVersion7(now),
            Contract = "transfer",
            Step = "move",
            Direction = StepDirections.Do,
            Operation = operation,
            Connection = "db",
            Arguments = RawJson.FromText(arguments as string ?? JsonSerializer.Serialize(arguments)),
            HomePartition = 0,
            TimeoutMs = timeoutMs,
            NotAfter = now.AddHours(1),
        };
    }

    /// <summary>Arguments of a statement.</summary>
    public static object Statement(string sql, params object?[] parameters) => new { sql, parameters };

    public Task<StepResult> RunAsync(string operation, object arguments) => RunAsync(Command(operation, arguments));

    /// <summary>Runs a statement that must complete, and returns its result.</summary>
    public async Task<JsonElement> ResultAsync(string operation, string sql, params object?[] parameters)
    {
        var result = await RunAsync(operation, Statement(sql, parameters));
        Assert.True(result.Outcome == StepOutcomes.Completed, $"{result.Code}: {result.Message}");
        return JsonElement.Parse(result.Result!.Value.Utf8.Span);
    }

    private static string Password(NpgsqlConnectionStringBuilder address, (string Name, string Password)? user) =>
        user?.Password ?? address.Password ?? "none";

    private static string Connections(NpgsqlConnectionStringBuilder address, int? port, (string Name, string Password)? user) => $$"""
        connections:
          db:
            type: postgres
            host: {{address.Host}}
            port: {{port ?? address.Port}}
            database: {{address.Database}}
            user: {{user?.Name ?? address.Username}}
            password: "${secret:DB_PASSWORD}"
            sslmode: disable
            concurrency: 4
        """;
}
