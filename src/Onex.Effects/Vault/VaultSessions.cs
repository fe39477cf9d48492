using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Effects.Http;
using Onex.Hosting.Health;

namespace Onex.Effects.Vault;

/// <summary>The sessions of this process. Connections with the same address, namespace, login and certificates share one.</summary>
internal sealed class VaultSessions(
    HttpTransport transport, RoleHealth health, TimeProvider time, ILogger<VaultSessions> logger) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<(Connection Connection, VaultSession Session)> _sessions = [];

    /// <summary>The session of a connection to Vault. It logs in with its first request.</summary>
    public VaultSession GetOrCreate(Connection connection)
    {
        lock (_lock)
        {
            var entry = _sessions.Find(other => CanShare(other.Connection, connection));
            if (entry.Session is null)
            {
                entry = (connection, new VaultSession(connection, transport, health, time, logger));
                _sessions.Add(entry);
            }

            return entry.Session;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, session) in _sessions)
        {
            await session.DisposeAsync();
        }
    }

    // The mount does not matter: it is part of the path of a request, not of the login.
    private static bool CanShare(Connection one, Connection other) =>
        one == other
        || (one.Url == other.Url && one.Tls == other.Tls && one.Vault!.Namespace == other.Vault!.Namespace
            && (one.Vault.Login is { } login
                ? other.Vault.Login is { } otherLogin && login.IsSameAs(otherLogin)
                : other.Vault.Login is null));
}
