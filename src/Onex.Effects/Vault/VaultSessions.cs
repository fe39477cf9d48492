using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Effects.Http;
using Onex.Hosting.Health;

namespace Onex.Effects.Vault;

/// <summary>The sessions of this process: one for all connections with the same address, namespace, login and certificates.</summary>
internal sealed class VaultSessions(
    HttpTransport transport, RoleHealth health, TimeProvider time, ILogger<VaultSessions> logger) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly List<(Connection Connection, VaultSession Session)> _sessions = [];

    /// <summary>The session of a connection to Vault. It logs in with its first request.</summary>
    public VaultSession For(Connection connection)
    {
        lock (_lock)
        {
            var known = _sessions.Find(each => IsSame(each.Connection, connection));
            if (known.Session is null)
            {
                known = (connection, new VaultSession(connection, transport, health, time, logger));
                _sessions.Add(known);
            }

            return known.Session;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (_, session) in _sessions)
        {
            await session.DisposeAsync();
        }
    }

    private static bool IsSame(Connection one, Connection other) =>
        one == other
        || (one.Url == other.Url && one.Tls == other.Tls && one.Vault!.Namespace == other.Vault!.Namespace
            && (one.Vault.Login is { } login
                ? other.Vault.Login is { } another && login.IsSameAs(another)
                : other.Vault.Login is null));
}
