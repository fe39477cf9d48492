using Onex.Effects;
using Onex.Hosting.Plugins;
using Onex.Workers;

namespace Onex.Tests.Unit.Hosting.Plugins;

/// <summary>A directory of plug-ins that this process loads.</summary>
/// <param name="plugins">The names of the plug-ins.</param>
internal sealed class PluginFolder(params string[] plugins) : PluginDirectory(plugins)
{
    private static readonly Lazy<PluginFolder> _trials = new(() =>
    {
        var folder = new PluginFolder("Acme.Trials");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        return folder;
    });

    private static readonly OperationCatalogue _builtIn = new([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]);

    /// <summary>Loads them.</summary>
    public PluginSet Load() => new PluginLoader(Root, _builtIn).Load();

    /// <summary>Loads and creates the plug-in Acme.Trials, whose files stay until the process ends.</summary>
    public static PluginSet Trials()
    {
        var plugins = _trials.Value.Load();
        Assert.Empty(plugins.Diagnostics);
        Assert.Empty(plugins.Create(OperationRole.Compute).Concat(plugins.Create(OperationRole.Effect)));
        return plugins;
    }
}
