using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Onex.Persistence.Connecting;
using Onex.Persistence.Schema;
using Onex.Tests.Support;

namespace Onex.Tests.Integration.Persistence;

/// <summary>A migrated database of its own for a test class.</summary>
public sealed class TestDatabase : IAsyncLifetime
{
    private PostgresDatabase? _database;
    private NpgsqlDataSource? _dataSource;

    public PostgresDatabase Database => _database ?? throw new InvalidOperationException("Not started yet.");

    public StoreSettings Settings => StoreSettings.Parse(Database.ConnectionString);

    public NpgsqlDataSource DataSource => _dataSource ?? throw new InvalidOperationException("Not started yet.");

    public async ValueTask InitializeAsync()
    {
        _database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        _dataSource = PostgresDataSource.Create(Settings);
        await new Migrator(_dataSource, Settings, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_dataSource is not null)
        {
            await _dataSource.DisposeAsync();
        }

        await Database.DisposeAsync();
    }
}
