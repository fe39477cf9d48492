using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Hosting.Settings;

namespace Onex.Hosting.Plugins;

/// <summary>The diagnostics of plug-ins, in code order. Each has a page in <c>docs/errors</c>.</summary>
internal static class PluginDiagnostics
{
    public static Diagnostic NoDirectory(string directory) =>
        Error("ONEX2101", directory, $"there is no directory {directory}.",
            $"Create it, or set {SettingsTable.PluginsDirectory.Name} to the directory with a folder for each plug-in.");

    public static Diagnostic NoAssembly(string folder, string assembly) =>
        Error("ONEX2101", folder, $"the folder has no {assembly}.",
            $"Publish the plug-in into it (dotnet publish -o {folder}). The folder has the name of the plug-in's assembly.");

    public static Diagnostic LeadsOutside(string path, string target) =>
        Error("ONEX2102", path, $"it is a link to {target}, which is outside of the directory of plug-ins.",
            "Put the files themselves there. Who may write to the target could run code in this process.");

    public static Diagnostic WritableByAll(string path) =>
        Warning("ONEX2103", path, "every user of this machine may write to it, and so run code in this process.",
            "Take the right away: chmod -R o-w. Better, mount the directory read-only.");

    public static Diagnostic NotLoaded(string plugin, string problem) =>
        Error("ONEX2104", plugin, problem, "Publish the plug-in again with dotnet publish, so that its folder has everything it needs.");

    public static Diagnostic OtherVersion(string plugin, string assembly, Version wanted, Version own) =>
        Error("ONEX2105", plugin, $"it is built with {assembly} {wanted.ToString(3)}, and this runtime has {own.ToString(3)}.",
            assembly.StartsWith("Onex.", StringComparison.Ordinal)
                ? $"Build it with version {own.ToString(3)} of the package {assembly}."
                : "Build it with the version of the runtime's framework, or an older one.");

    public static Diagnostic NoOperation(string plugin) =>
        Error("ONEX2106", plugin, "it has no operation.",
            "Add a public class with [Operation] that derives from Compute<,> or Effect<,>, or remove the plug-in.");

    public static Diagnostic BadClass(string plugin, Type type, string problem, string remedy) =>
        Error("ONEX2106", plugin, $"{type.FullName} {problem}.", remedy);

    public static Diagnostic BadName(string plugin, Type type, string name) =>
        Error("ONEX2107", plugin, $"{type.FullName} has the name '{Spelling.Clip(name)}', which is not a prefix, a dot and a word.",
            "Use lower-case letters, digits and '_': shipping.create_label.");

    public static Diagnostic ReservedName(string plugin, Type type, string name, string prefix) =>
        Error("ONEX2107", plugin, $"{type.FullName} has the name '{name}', but the prefix '{prefix}' belongs to built-in operations.",
            "Use a prefix of your own, such as the name of your company or of the service.");

    public static Diagnostic SameName(string plugin, Type type, string name, string other) =>
        Error("ONEX2107", plugin, $"{type.FullName} has the name '{name}', which {other} has too.", "Give each operation its own name.");

    public static Diagnostic NotCreated(string plugin, Type type, Exception exception) =>
        Error("ONEX2108", plugin, $"the constructor of {type.FullName} threw {exception.GetType().Name}: {exception.Message}",
            "Correct it. A constructor should only keep what it gets; connections and files are for the attempt.");

    private static Diagnostic Error(string code, string where, string problem, string remedy) =>
        new(code, Severity.Error, where, 0, 1, 1, problem, remedy, null);

    private static Diagnostic Warning(string code, string where, string problem, string remedy) =>
        new(code, Severity.Warning, where, 0, 1, 1, problem, remedy, null);
}
