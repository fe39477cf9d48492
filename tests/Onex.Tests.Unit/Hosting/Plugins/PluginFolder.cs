using Onex.Effects;
using Onex.Hosting.Plugins;
using Onex.Workers;

namespace Onex.Tests.Unit.Hosting.Plugins;

/// <summary>A directory of plug-ins, with copies of those in tests/plugins.</summary>
internal sealed class PluginFolder : IDisposable
{
    private static readonly Lazy<PluginFolder> _trials = new(() =>
    {
        var folder = new PluginFolder("Acme.Trials");
        AppDomain.CurrentDomain.ProcessExit += (_, _) => folder.Dispose();
        return folder;
    });

    private static readonly OperationCatalogue _builtIn = new([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]);

    /// <param name="plugins">The names of the plug-ins.</param>
    public PluginFolder(params string[] plugins)
    {
        foreach (var plugin in plugins)
        {
            var configuration = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
            var built = Repository.At("artifacts", "bin", plugin, configuration);
            Directory.CreateDirectory(At(plugin));
            foreach (var file in Directory.EnumerateFiles(built))
            {
                File.Copy(file, At(plugin, Path.GetFileName(file)));
            }
        }
    }

    public string Root { get; } = Directory.CreateTempSubdirectory("onex-plugins-").FullName;

    public string At(params string[] path) => Path.Combine([Root, .. path]);

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

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
