using System.Collections.Frozen;
using System.Reflection;
using System.Runtime.Loader;
using Onex.Operations;

namespace Onex.Hosting.Plugins;

/// <summary>
/// The assemblies of one plug-in. It shares Onex.Operations and the .NET runtime with the host, takes the rest of the framework from the
/// host unless it has its own copy, and has its own copy of everything else, so that it may use other versions of libraries than the host
/// and other plug-ins do. Never unloaded.
/// </summary>
/// <param name="name">The plug-in.</param>
/// <param name="path">Its assembly.</param>
internal sealed class PluginLoadContext(string name, string path) : AssemblyLoadContext(name)
{
    private static readonly string _operationsAssembly = typeof(OperationAttribute).Assembly.GetName().Name!;

    // Without the assemblies in the directory of the host: those are its own libraries, which plug-ins do not get.
    private static readonly FrozenSet<string> _frameworkAssemblies =
        ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Where(file => Path.GetDirectoryName(file) != Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory))
            .Select(file => Path.GetFileNameWithoutExtension(file))
            .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private static readonly FrozenSet<string> _coreAssemblies =
        Directory.EnumerateFiles(Path.GetDirectoryName(typeof(object).Assembly.Location)!, "*.dll")
            .Select(file => Path.GetFileNameWithoutExtension(file))
            .ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    private readonly AssemblyDependencyResolver _resolver = new(path);

    /// <summary>Whether the plug-in takes the assembly from the host even if it has its own copy.</summary>
    public static bool IsShared(string assembly) => assembly == _operationsAssembly || _coreAssemblies.Contains(assembly);

    /// <summary>Whether the plug-in's folder or the framework has the assembly.</summary>
    public bool Has(AssemblyName assembly) =>
        IsShared(assembly.Name!) || _resolver.ResolveAssemblyToPath(assembly) is not null || _frameworkAssemblies.Contains(assembly.Name!);

    /// <inheritdoc />
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        if (IsShared(assemblyName.Name!))
        {
            return null;
        }

        if (_resolver.ResolveAssemblyToPath(assemblyName) is { } own)
        {
            return LoadFromAssemblyPath(own);
        }

        return _frameworkAssemblies.Contains(assemblyName.Name!)
            ? null
            : throw new FileNotFoundException($"The plug-in {Name} has no assembly {assemblyName.Name} {assemblyName.Version}.");
    }

    /// <inheritdoc />
    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } own ? LoadUnmanagedDllFromPath(own) : 0;
}
