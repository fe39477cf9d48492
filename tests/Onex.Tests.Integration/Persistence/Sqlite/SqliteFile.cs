using System.Globalization;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Onex.Persistence.Sqlite;

namespace Onex.Tests.Integration.Persistence.Sqlite;

/// <summary>
/// A SQLite file for a test class, with the services of the store, and with direct queries, as an operator uses <c>sqlite3</c>.
/// </summary>
public sealed class SqliteFile : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-sqlite-").FullName;
    private readonly ServiceProvider _services;

    public SqliteFile()
    {
        Path = System.IO.Path.Combine(_directory, "data", "onex.db");
        _services = new ServiceCollection()
            .AddOnexPersistence(new SqliteStoreSettings(Path))
            .BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true, ValidateScopes = true });
    }

    public string Path { get; }

    public T Get<T>()
        where T : class => _services.GetRequiredService<T>();

    /// <summary>Runs a query on a connection of its own. Returns each row as text, with the values separated by <c>|</c>.</summary>
    public Task<IReadOnlyList<string>> QueryAsync(string sql) => QueryAsync(Path, sql);

    public static async Task<IReadOnlyList<string>> QueryAsync(string path, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={path};Pooling=false");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount)
                .Select(column => Convert.ToString(reader.GetValue(column), CultureInfo.InvariantCulture))));
        }

        return rows;
    }

    public void Dispose()
    {
        _services.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
