using System.Runtime.ExceptionServices;
using Npgsql;
using Onex.Persistence.Schema;
using Xunit.Sdk;

namespace Onex.Tests.Integration.Persistence;

/// <summary>A migrated database for a test class.</summary>
public sealed class TestDatabase : IAsyncLifetime
{
    private PostgresDatabase? _database;
    private NpgsqlDataSource? _dataSource;
    private ExceptionDispatchInfo? _skip;

    /// <summary>The database. Skips the test, with the reason, if the machine has no PostgreSQL.</summary>
    public PostgresDatabase Database
    {
        get
        {
            _skip?.Throw();
            return _database ?? throw new InvalidOperationException("Not started yet.");
        }
    }

    public StoreSettings Settings => StoreSettings.Parse(Database.ConnectionString);

    public NpgsqlDataSource DataSource
    {
        get
        {
            _skip?.Throw();
            return _dataSource ?? throw new InvalidOperationException("Not started yet.");
        }
    }

    public async ValueTask InitializeAsync()
    {
        try
        {
            _database = await (await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        }
        catch (SkipException missing)
        {
            // Thrown in each test, because xunit reports a skip in a fixture as a failure.
            _skip = ExceptionDispatchInfo.Capture(missing);
            return;
        }

        _dataSource = PostgresDataSource.Create(Settings);
        await new Migrator(_dataSource, Settings, TimeProvider.System, NullLogger<Migrator>.Instance).MigrateAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        if (_dataSource is not null)
        {
            await _dataSource.DisposeAsync();
        }

        if (_database is not null)
        {
            await _database.DisposeAsync();
        }
    }
}
