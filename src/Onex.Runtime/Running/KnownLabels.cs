using Onex.Contracts.Messages;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Hosting.Plugins;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Metrics;

namespace Onex.Runtime.Running;

/// <summary>
/// Adds the topics, operations and connections that are known at the start to the meter, which counts all others as one value. The
/// orchestrator adds its contracts, and the operations that they may name, when it registers them.
/// </summary>
internal sealed class KnownLabels(
    OnexMeter meter, RuntimeSettings settings, LoadedContracts contracts, ConnectionTable connections, PluginSet plugins) : IRoleBootstrap
{
    public string Name => "The labels of metrics";

    public Task StartAsync(CancellationToken cancellation)
    {
        var topics = settings.Topics.All.Concat(contracts.RemoteTopics).ToList();
        meter.AddLabelValues(MetricLabel.Topic, topics.Concat(topics.Select(Topics.DeadLetterTopicOf)));
        meter.AddLabelValues(MetricLabel.Operation, Catalogue.BuiltInNames.Concat(plugins.Descriptors.Select(operation => operation.Name)));
        EffectsRole.AddConnectionLabels(meter, connections);
        return Task.CompletedTask;
    }
}
