using Onex.Effects;
using Onex.Hosting.Plugins;
using Onex.Workers;

namespace Onex.Tests.Unit.Hosting.Plugins;

/// <summary>Loads plug-ins into this process.</summary>
internal static class PluginFolder
{
    private static readonly Lazy<PluginDirectory> _trials = new(() =>
    {
        var folder = new PluginDirectory("Acme.Trials");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        return folder;
    });

    private static readonly OperationCatalogue _builtIn = new([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]);

    /// <summary>Loads the plug-ins of a directory.</summary>
    public static PluginSet Load(this PluginDirectory folder) => new PluginLoader(folder.Root, _builtIn).Load();

    /// <summary>Loads and creates the plug-in Acme.Trials, whose files stay until the process ends.</summary>
    public static PluginSet LoadTrials()
    {
        var plugins = _trials.Value.Load();
        Assert.Empty(plugins.Diagnostics);
        Assert.Empty(plugins.Create(OperationRole.Compute).Concat(plugins.Create(OperationRole.Effect)));
        return plugins;
    }
}
