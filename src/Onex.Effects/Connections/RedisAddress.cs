using Onex.Contracts.Yaml;

namespace Onex.Effects.Connections;

/// <summary>The address and user of a Redis server. A class and not a record, so that nothing prints the password.</summary>
internal sealed class RedisAddress
{
    private const int DatabaseMax = 100_000;
    private const int DefaultPort = 6379;

    public required string Host { get; init; }

    public required int Port { get; init; }

    public required bool IsTls { get; init; }

    public required string? User { get; init; }

    public required string? Password { get; init; }

    public required int Database { get; init; }

    public static IReadOnlyList<ConnectionKey> Keys { get; } =
    [
        new("url", "address", "Required. The address, `redis` or `rediss` (TLS): `rediss://cache.internal:6379`"),
        new("user", "text", "The user") { Default = "`default`" },
        new("password", "text", "The user's password") { Default = "none" },
        new("database", "whole number", "The number of the database") { Numbers = (0, DatabaseMax), Default = "`0`" },
        .. TlsFiles.Keys,
    ];

    /// <summary>Reads the keys besides the address and TLS; null without <paramref name="url"/> or with an invalid database.</summary>
    public static RedisAddress? Read(ConnectionsFile file, MapSyntax map, Uri? url, Func<string, string?> readText)
    {
        var (user, password) = (readText("user"), readText("password"));
        var database = map.Find("database") is { } node ? file.ReadInteger(node, "database", 0, DatabaseMax) : 0;
        return url is null || database is not { } number
            ? null
            : new RedisAddress
            {
                Host = url.IdnHost,
                Port = url.Port > 0 ? url.Port : DefaultPort,
                IsTls = url.Scheme == "rediss",
                User = user,
                Password = password,
                Database = number,
            };
    }
}
