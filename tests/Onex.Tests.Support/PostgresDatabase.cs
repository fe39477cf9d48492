using System.Globalization;
using Npgsql;

namespace Onex.Tests.Support;

/// <summary>A private database of a test.</summary>
public sealed class PostgresDatabase : IAsyncDisposable
{
    private readonly Lazy<NpgsqlDataSource> _source;

    // Without a pool, so that a query after a restart of the server does not use a connection from before the restart.
    private NpgsqlDataSource _queries;

    internal PostgresDatabase(PostgresServer server, string name)
    {
        Server = server;
        Name = name;
        ConnectionString = server.ConnectionString(name);
        _queries = NpgsqlDataSource.Create(ConnectionString + ";Pooling=false");
        _source = new Lazy<NpgsqlDataSource>(() => NpgsqlDataSource.Create(ConnectionString));
    }

    /// <summary>The server that holds it.</summary>
    public PostgresServer Server { get; private set; }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The connection string for Npgsql.</summary>
    public string ConnectionString { get; }

    /// <summary>A pool of connections to it.</summary>
    public NpgsqlDataSource Source => _source.Value;

    /// <summary>The settings for <c>onex</c>.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["POSTGRES_HOST"] = Server.Host,
        ["POSTGRES_PORT"] = Server.Port.ToString(CultureInfo.InvariantCulture),
        ["POSTGRES_DATABASE"] = Name,
        ["POSTGRES_USER"] = Server.User,
        ["POSTGRES_PASSWORD"] = Server.Password,
    };

    /// <summary>Sends the queries to another server, the promoted standby of the previous one. <see cref="Source"/> stays there.</summary>
    public void MoveTo(PostgresServer server)
    {
        Server = server;
        _queries.Dispose();
        _queries = NpgsqlDataSource.Create(server.ConnectionString(Name) + ";Pooling=false");
    }

    /// <summary>Runs a query and returns each row as text: the values in invariant culture, joined by <c>|</c>, empty for null.</summary>
    public async Task<IReadOnlyList<string>> QueryAsync(string sql)
    {
        await using var command = _queries.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(column => Text(reader.GetValue(column)))));
        }

        return rows;
    }

    /// <summary>Runs a query and returns its only value.</summary>
    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var command = _queries.CreateCommand(sql);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    /// <summary>Runs a statement.</summary>
    public async Task<int> ExecuteAsync(string sql)
    {
        await using var command = _queries.CreateCommand(sql);
        return await command.ExecuteNonQueryAsync();
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _queries.DisposeAsync();
        if (_source.IsValueCreated)
        {
            await _source.Value.DisposeAsync();
        }

        try
        {
            await Server.ExecuteAsync($"DROP DATABASE IF EXISTS {Name} WITH (FORCE)");
        }
        catch (NpgsqlException)
        {
            // The databases of a stopped server end with it.
        }
    }

    private static string Text(object value) => value switch
    {
        DBNull => "",
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString() ?? "",
    };
}
