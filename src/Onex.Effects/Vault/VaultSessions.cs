using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Effects.Http;
using Onex.Hosting.Health;

namespace Onex.Effects.Vault;

/// <summary>The sessions of this process. Connections with the same address, namespace, login and certificates share one.</summary>
internal sealed class VaultSessions(
    ConnectionTable connections, HttpTransport transport, RoleHealth health, TimeProvider time, ILogger<VaultSessions> logger)
    : IAsyncDisposable
{
    private readonly SharedPerConnection<VaultSession> _sessions = new(
        connections, KeyOf, connection => new VaultSession(connection, connections, transport, health, time, logger));

    /// <summary>The session of a connection to Vault. It logs in with its first request.</summary>
    public VaultSession GetOrCreate(Connection connection)
    {
        var session = _sessions.For(connection);
        session.ReplaceConnection(connection);
        return session;
    }

    public ValueTask DisposeAsync() => _sessions.DisposeAsync();

    // The mount does not matter: it is part of the path of a request, not of the login.
    private static object? KeyOf(Connection connection) => connection.Vault is { Login: var login } vault
        ? (connection.Url, connection.Tls, vault.Namespace, login?.Token, login?.RoleId, login?.SecretId)
        : null;
}
