using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Hosting.Running;

namespace Onex.Runtime.Running;

/// <summary>
/// Reads the secrets of Vault that connections refer to before commands are consumed. If Vault cannot be reached, the role starts
/// without them: it is degraded, and commands of these connections wait.
/// </summary>
internal sealed class VaultSecretsSetup(IServiceProvider services, ContractsSource source, ConnectionTable connections) : IRoleBootstrap
{
    public string Name => "The secrets of connections";

    public async Task StartAsync(CancellationToken cancellation)
    {
        if (await EffectsRole.ReadVaultSecretsAsync(services, cancellation) && source.Load().Connections is { HasErrors: false } read)
        {
            connections.Replace(read.Connections);
        }
    }
}
