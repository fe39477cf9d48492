using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Onex.Persistence.Connecting;
using Onex.Persistence.Schema;

namespace Onex.Tests.Integration.Persistence;

/// <summary>A migrated database of its own for a test class, dropped at the end.</summary>
public sealed class TestDatabase : IAsyncLifetime
{
    private readonly string _name = $"onex_test_{Guid.CreateVersion7(TimeProvider.System.GetUtcNow()):N}";
    private NpgsqlDataSource? _dataSource;

    public StoreSettings Settings => Server with { Database = _name };

    public NpgsqlDataSource DataSource => _dataSource ?? throw new InvalidOperationException("Not started yet.");

    private static StoreSettings Server => StoreSettings.Parse(
        Environment.GetEnvironmentVariable("ONEX_TEST_POSTGRES")
        ?? throw new InvalidOperationException("ONEX_TEST_POSTGRES is not set."));

    public async ValueTask InitializeAsync()
    {
        await OnServerAsync($"CREATE DATABASE {_name}");
        _dataSource = PostgresDataSource.Create(Settings);
        await new Migrator(_dataSource, Settings, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_dataSource is not null)
        {
            await _dataSource.DisposeAsync();
        }

        await OnServerAsync($"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
    }

    /// <summary>Runs a statement on the server's own database.</summary>
    public static async Task OnServerAsync(string sql)
    {
        await using var server = PostgresDataSource.Create(Server);
        await using var command = server.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The one value of a query in this database.</summary>
    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Runs a statement in this database.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var command = DataSource.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
