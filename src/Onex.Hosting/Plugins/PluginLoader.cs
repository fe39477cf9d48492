using System.Reflection;
using System.Text.RegularExpressions;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Operations;

namespace Onex.Hosting.Plugins;

/// <summary>
/// Loads the plug-ins of a directory: each folder in it, unless its name begins with a dot, is one, with an assembly of the folder's name.
/// Reports all problems at once.
/// </summary>
/// <param name="directory">The directory.</param>
/// <param name="builtIn">The built-in operations, whose prefixes plug-ins must not use.</param>
public sealed partial class PluginLoader(string directory, OperationCatalogue builtIn)
{
    private static readonly string _operationsAssembly = typeof(OperationAttribute).Assembly.GetName().Name!;

    private readonly List<Diagnostic> _diagnostics = [];
    private readonly List<Plugin> _plugins = [];
    private readonly Dictionary<string, (PluginOperation Operation, string Plugin)> _operations = new(StringComparer.Ordinal);

    /// <summary>Loads the plug-ins. With an error in any of them, no role may start.</summary>
    public PluginSet Load()
    {
        if (!Directory.Exists(directory))
        {
            _diagnostics.Add(PluginDiagnostics.NoDirectory(directory));
            return new PluginSet([], [], _diagnostics);
        }

        if (IsWritableByAll(directory))
        {
            _diagnostics.Add(PluginDiagnostics.WritableByAll(directory));
        }

        foreach (var folder in Directory.EnumerateDirectories(directory).Order(StringComparer.Ordinal))
        {
            if (Path.GetFileName(folder)[0] != '.' && Read(folder) is { } plugin)
            {
                _plugins.Add(plugin);
            }
        }

        return new PluginSet(
            _plugins,
            [.. _operations.Values.Select(entry => entry.Operation).OrderBy(entry => entry.Descriptor.Name, StringComparer.Ordinal)],
            _diagnostics);
    }

    private static bool IsWritableByAll(string path) =>
        !OperatingSystem.IsWindows() && File.GetUnixFileMode(path).HasFlag(UnixFileMode.OtherWrite);

    private Plugin? Read(string folder)
    {
        var name = Path.GetFileName(folder);
        var path = Path.Combine(folder, name + ".dll");
        if (!File.Exists(path))
        {
            _diagnostics.Add(PluginDiagnostics.NoAssembly(folder, name + ".dll"));
            return null;
        }

        if (LinkOutside(folder) is { } link)
        {
            _diagnostics.Add(PluginDiagnostics.LeadsOutside(link.Path, link.Target));
            return null;
        }

        if (Entries(folder).Prepend(folder).FirstOrDefault(IsWritableByAll) is { } writable)
        {
            _diagnostics.Add(PluginDiagnostics.WritableByAll(writable));
        }

        return Load(name, path);
    }

    private static IEnumerable<string> Entries(string folder) => Directory.EnumerateFileSystemEntries(
        folder, "*",
        new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None, IgnoreInaccessible = true });

    // Links within the directory are harmless: Kubernetes mounts volumes with such links.
    private (string Path, string Target)? LinkOutside(string folder)
    {
        var root = Path.GetFullPath(directory) + Path.DirectorySeparatorChar;
        foreach (var entry in Entries(folder).Prepend(folder))
        {
            FileSystemInfo info = Directory.Exists(entry) ? new DirectoryInfo(entry) : new FileInfo(entry);
            if (info.LinkTarget is not null && info.ResolveLinkTarget(returnFinalTarget: true) is { } target
                && !target.FullName.StartsWith(root, StringComparison.Ordinal))
            {
                return (entry, target.FullName);
            }
        }

        return null;
    }

    private Plugin? Load(string name, string path)
    {
        Type[] types;
        Assembly assembly;
        try
        {
            var context = new PluginLoadContext(name, path);
            assembly = context.LoadFromAssemblyPath(path);
            if (!CheckReferences(name, context, assembly))
            {
                return null;
            }

            types = assembly.GetTypes();
        }
        catch (ReflectionTypeLoadException exception)
        {
            var problems = exception.LoaderExceptions.OfType<Exception>().Select(inner => inner.Message).Distinct(StringComparer.Ordinal);
            _diagnostics.Add(PluginDiagnostics.NotLoaded(name, $"its types cannot be loaded: {string.Join(' ', problems.Take(3))}"));
            return null;
        }
        catch (Exception exception) when (!MemoryShortage.Is(exception))
        {
            _diagnostics.Add(PluginDiagnostics.NotLoaded(name, $"{path} cannot be loaded: {exception.Message}"));
            return null;
        }

        var before = _diagnostics.Count;
        var classes = types.Where(IsOperation).OrderBy(type => type.FullName, StringComparer.Ordinal).ToList();
        if (classes.Count == 0)
        {
            _diagnostics.Add(PluginDiagnostics.NoOperation(name));
        }

        classes.ForEach(type => Add(name, type));
        return _diagnostics.Count == before ? new Plugin(name, assembly.GetName().Version?.ToString(3) ?? "0.0.0", path) : null;
    }

    // Checks only direct references: an indirect one may be missing on purpose. If it is not, the step that needs it fails.
    private bool CheckReferences(string name, PluginLoadContext context, Assembly assembly)
    {
        var before = _diagnostics.Count;
        foreach (var reference in assembly.GetReferencedAssemblies())
        {
            if (!context.Has(reference))
            {
                _diagnostics.Add(PluginDiagnostics.NotLoaded(
                    name, $"its folder has no {reference.Name}.dll, which it is built with (version {reference.Version?.ToString(3)})."));
            }
            else if (PluginLoadContext.IsShared(reference.Name!) && reference.Version is { } version
                && HostVersion(reference.Name!) is { } own && !IsCompatible(reference.Name!, version, own))
            {
                _diagnostics.Add(PluginDiagnostics.OtherVersion(name, reference.Name!, version, own));
            }
        }

        return _diagnostics.Count == before;
    }

    private static Version? HostVersion(string assembly)
    {
        try
        {
            return Assembly.Load(new AssemblyName(assembly)).GetName().Version;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    // The host must not be older. Onex.Operations also follows semantic versioning: the major version must be the same, or below 1.0 the
    // minor version.
    private static bool IsCompatible(string assembly, Version built, Version host) =>
        built <= host
        && (assembly != _operationsAssembly || (built.Major == host.Major && (host.Major > 0 || built.Minor == host.Minor)));

    private static bool IsOperation(Type type) =>
        type.IsDefined(typeof(OperationAttribute), inherit: false)
        || (!type.IsAbstract && (typeof(ICompute).IsAssignableFrom(type) || typeof(IEffect).IsAssignableFrom(type)));

    private void Add(string plugin, Type type)
    {
        try
        {
            Describe(plugin, type);
        }
        catch (Exception exception) when (!MemoryShortage.Is(exception))
        {
            // An assembly to which its attributes or properties refer is loaded only at this point, and may be missing.
            _diagnostics.Add(PluginDiagnostics.NotLoaded(
                plugin, $"{type.FullName} cannot be read: {exception.GetType().Name}: {exception.Message}"));
        }
    }

    private void Describe(string plugin, Type type)
    {
        var (problem, remedy) = FindProblem(type);
        if (problem.Length > 0)
        {
            _diagnostics.Add(PluginDiagnostics.BadClass(plugin, type, problem, remedy));
            return;
        }

        IReadOnlyList<OperationDescriptor> descriptors;
        try
        {
            var role = typeof(ICompute).IsAssignableFrom(type) ? OperationRole.Compute : OperationRole.Effect;
            var (arguments, result) = TypesOf(type);
            descriptors = [.. OperationDescriber.Describe(type, role, arguments, result, plugin)];
        }
        catch (InvalidOperationException exception)
        {
            _diagnostics.Add(PluginDiagnostics.BadClass(
                plugin, type, $"cannot be described: {exception.Message.TrimEnd('.')}",
                "Give each property of the arguments an [Argument], each of the result a [Result], and types that contracts have."));
            return;
        }

        foreach (var descriptor in descriptors)
        {
            Add(plugin, type, descriptor);
        }
    }

    private void Add(string plugin, Type type, OperationDescriptor descriptor)
    {
        var name = descriptor.Name;
        var prefix = name.Split('.')[0];
        if (!NamePattern().IsMatch(name))
        {
            _diagnostics.Add(PluginDiagnostics.BadName(plugin, type, name));
        }
        else if (OperationAliases.IsPrefix(prefix, builtIn) || builtIn.Find(prefix) is not null)
        {
            _diagnostics.Add(PluginDiagnostics.ReservedName(plugin, type, name, prefix));
        }
        else if (_operations.TryGetValue(name, out var other))
        {
            _diagnostics.Add(PluginDiagnostics.SameName(plugin, type, name, $"{other.Operation.Class.FullName} of {other.Plugin}"));
        }
        else
        {
            _operations.Add(name, (new PluginOperation(descriptor, type), plugin));
        }
    }

    // Empty texts if the class has no problem.
    private static (string Problem, string Remedy) FindProblem(Type type)
    {
        var attributes = type.GetCustomAttributes<OperationAttribute>(inherit: false).ToList();
        var isCompute = typeof(ICompute).IsAssignableFrom(type);
        var isEffect = typeof(IEffect).IsAssignableFrom(type);
        return attributes.Count == 0 ? ("has no [Operation]", "Add it with a name and a description, or make the class abstract.")
            : !isCompute && !isEffect
                ? ("has [Operation], but derives from neither Compute<,> nor Effect<,>", "Derive it from one of the two, or remove it.")
            : !type.IsVisible || type.IsAbstract || type.IsGenericTypeDefinition
                ? ("has [Operation], but is not public, or is abstract or generic", "Make it a public, concrete class.")
            : !type.GetConstructors().Any(CanBeCalled)
                ? ("has no public constructor without parameters or with a TimeProvider", "Add one.")
            : isCompute && attributes.Exists(each => each.ChangesWorld || each.Idempotent || each.ConnectionType is not null)
                ? ("is a compute with ChangesWorld, Idempotent or ConnectionType", "Derive it from Effect<,>, or remove these.")
            : attributes.Find(each => each.ConnectionType is not (null or "http" or "postgres")) is { ConnectionType: var connection }
                ? ($"has the ConnectionType '{Spelling.Clip(connection!)}'", "Use http or postgres, or none.")
            : attributes.Exists(each => each.IsConnectionOptional && each.ConnectionType is null)
                ? ("has IsConnectionOptional, but no ConnectionType", "Add the ConnectionType, or remove it.")
            : ("", "");
    }

    private static bool CanBeCalled(ConstructorInfo constructor)
    {
        var parameters = constructor.GetParameters();
        return parameters.Length == 0 || (parameters.Length == 1 && parameters[0].ParameterType == typeof(TimeProvider));
    }

    private static (Type Arguments, Type Result) TypesOf(Type type)
    {
        for (var parent = type.BaseType; parent is not null; parent = parent.BaseType)
        {
            var definition = parent.IsGenericType ? parent.GetGenericTypeDefinition() : null;
            if (definition == typeof(Compute<,>) || definition == typeof(Effect<,>))
            {
                return (parent.GetGenericArguments()[0], parent.GetGenericArguments()[1]);
            }
        }

        throw new InvalidOperationException($"{type} derives from neither Compute<,> nor Effect<,>");
    }

    [GeneratedRegex("^[a-z][a-z0-9_]*([.][a-z][a-z0-9_]*)+$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex NamePattern();
}
