using Onex.Contracts.Catalogue;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Workers;

namespace Onex.Runtime.Running;

/// <summary>Reports the handlers of effects, workers and plug-ins to health. The orchestrator reports its contracts itself.</summary>
internal sealed class HandlerReport(
    RoleHealth health, RuntimeSettings settings, ConnectionTable connections, PluginSet plugins) : IRoleBootstrap
{
    public string Name => "The handlers";

    public Task StartAsync(CancellationToken cancellation)
    {
        if (settings.Runs(RuntimeProfile.Effects))
        {
            EffectsRole.ReportHandlers(health, connections);
            Report(OperationRole.Effect);
        }

        if (settings.Runs(RuntimeProfile.Workers))
        {
            WorkersRole.ReportHandlers(health, settings);
            Report(OperationRole.Compute);
        }

        return Task.CompletedTask;
    }

    private void Report(OperationRole role)
    {
        foreach (var operation in plugins.Descriptors.Where(operation => operation.Role == role))
        {
            health.Report(operation.Name, null);
        }
    }
}
