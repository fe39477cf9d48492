using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Effects;
using Onex.Hosting.Plugins;
using Onex.Hosting.Settings;
using Onex.Workers;

namespace Onex.Runtime;

/// <summary>All operations that contracts may name: built in, of plug-ins and remote, so that contracts can be checked.</summary>
internal static class Catalogue
{
    private static readonly OperationDescriptor[] _builtIn = [.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors];

    /// <summary>The names of built-in operations.</summary>
    public static IEnumerable<string> BuiltInNames => _builtIn.Select(operation => operation.Name);

    /// <summary>The prefixes of the names of built-in operations, and of those of plug-ins.</summary>
    public static string[] Prefixes(PluginSet plugins) =>
        [.. _builtIn.Concat(plugins.Descriptors).Select(Prefix).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The operations that <c>handlers.enabled</c> enables.</summary>
    public static OperationCatalogue Create(RuntimeSettings settings, PluginSet plugins) =>
        new(_builtIn.Concat(plugins.Descriptors).Where(
            operation => EnabledOperations.Includes(settings.EnabledHandlers, operation.Name)));

    /// <summary>Whether there is such an operation, but <c>handlers.enabled</c> does not enable it.</summary>
    public static bool IsDisabled(string name, RuntimeSettings settings, PluginSet plugins) =>
        Create(settings, plugins).Find(name) is null && new OperationCatalogue(_builtIn.Concat(plugins.Descriptors)).Find(name) is not null;

    /// <summary>The enabled operations, and the remote operations of the contracts directory, which their declarations enable.</summary>
    public static OperationCatalogue WithRemote(RuntimeSettings settings, PluginSet plugins)
    {
        var enabled = Create(settings, plugins);
        return enabled.With(RemoteOperationsReader.Read(settings.ContractsDirectory, enabled).Operations);
    }

    /// <summary>
    /// Loads the plug-ins of a directory, or of the one that the environment names. Plug-ins are loaded before the settings are read,
    /// because settings may name their operations. So a settings file, which others may write, cannot name the directory.
    /// </summary>
    public static PluginSet LoadPlugins(IReadOnlyDictionary<string, string> environment, string workingDirectory, string? directory = null)
    {
        directory ??= environment.GetValueOrDefault(SettingsTable.PluginsDirectory.Name);
        return string.IsNullOrWhiteSpace(directory)
            ? PluginSet.None
            : new PluginLoader(Path.GetFullPath(directory.Trim(), workingDirectory), new OperationCatalogue(_builtIn)).Load();
    }

    private static string Prefix(OperationDescriptor operation) => operation.Name.Split('.')[0];
}
