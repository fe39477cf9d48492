using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Hosting.Health;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Workers;

namespace Onex.Runtime.Running;

/// <summary>Names the handlers of effects and workers; main's are its contracts, which it names when they are registered.</summary>
internal sealed class HandlerReport(RoleHealth health, RuntimeSettings settings, ConnectionsReading connections) : IRoleBootstrap
{
    public string Name => "The handlers";

    public Task StartAsync(CancellationToken cancellation)
    {
        if (settings.Runs(RuntimeProfile.Effects))
        {
            EffectsRole.ReportHandlers(health, connections.Connections);
        }

        if (settings.Runs(RuntimeProfile.Workers))
        {
            WorkersRole.ReportHandlers(health);
        }

        return Task.CompletedTask;
    }
}
