#nullable enable

using Microsoft.EntityFrameworkCore.Design;
using Onex.Persistence.Postgres;
using Onex.Persistence.Schema;

namespace Onex.Migrations;

/// <summary>
/// What <c>dotnet ef</c> connects with: <c>ONEX_TEST_POSTGRES</c> (a connection string), else <c>POSTGRES_*</c> with the runtime's defaults.
/// </summary>
public sealed class DesignTimeFactory : IDesignTimeDbContextFactory<OnexDbContext>
{
    /// <inheritdoc />
    public OnexDbContext CreateDbContext(string[] args)
    {
        var settings = Read("ONEX_TEST_POSTGRES") is { } connectionString
            ? StoreSettings.Parse(connectionString)
            : new StoreSettings
            {
                Host = Read("POSTGRES_HOST") ?? "127.0.0.1",
                Port = int.Parse(Read("POSTGRES_PORT") ?? "5432"),
                Database = Read("POSTGRES_DATABASE") ?? "omninode_bridge",
                User = Read("POSTGRES_USER") ?? "postgres",
                Password = Read("POSTGRES_PASSWORD") ?? ReadFile("POSTGRES_PASSWORD_FILE"),
                SslMode = Read("POSTGRES_SSLMODE") ?? "prefer",
            };
        return new OnexDbContext(OnexDbContextFactory.Options(PostgresDataSource.Create(settings with { ApplicationName = "dotnet-ef" })));
    }

    private static string? Read(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;

    private static string? ReadFile(string name) => Read(name) is { } path ? File.ReadAllText(path).TrimEnd('\r', '\n') : null;
}
