using Onex.Contracts.Messages;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Hosting.Plugins;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Metrics;

namespace Onex.Runtime.Running;

/// <summary>
/// Adds to the closed sets of labels what is known at the start: topics, operations and connections. The orchestrator adds its contracts
/// when it registers them.
/// </summary>
internal sealed class KnownLabels(
    OnexMeter meter, RuntimeSettings settings, ConnectionTable connections, PluginSet plugins) : IRoleBootstrap
{
    public string Name => "The labels of metrics";

    public Task StartAsync(CancellationToken cancellation)
    {
        meter.Know(MetricLabel.Topic, settings.Topics.All.Concat(settings.Topics.All.Select(Topics.DeadLetter)));
        meter.Know(MetricLabel.Operation, Catalogue.Names.Concat(plugins.Descriptors.Select(operation => operation.Name)));
        EffectsRole.KnowConnections(meter, connections);
        return Task.CompletedTask;
    }
}
