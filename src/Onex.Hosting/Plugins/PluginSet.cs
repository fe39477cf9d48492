using System.Reflection;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Hosting.Plugins;

/// <summary>The plug-ins of a process.</summary>
/// <param name="plugins">Those without errors.</param>
/// <param name="operations">The operations without errors, also of plug-ins that have other errors, in the order of their names.</param>
/// <param name="diagnostics">What is wrong with plug-ins.</param>
public sealed class PluginSet(
    IReadOnlyList<Plugin> plugins, IReadOnlyList<PluginOperation> operations, IReadOnlyList<Diagnostic> diagnostics)
{
    private readonly Dictionary<Type, object> _instances = [];

    /// <summary>No plug-ins.</summary>
    public static PluginSet None => new([], [], []);

    /// <summary>The plug-ins without errors.</summary>
    public IReadOnlyList<Plugin> Plugins => plugins;

    /// <summary>The operations without errors, also of plug-ins that have other errors, in the order of their names.</summary>
    public IReadOnlyList<PluginOperation> Operations => operations;

    /// <summary>What is wrong with plug-ins.</summary>
    public IReadOnlyList<Diagnostic> Diagnostics => diagnostics;

    /// <summary>Whether a plug-in has an error, so that no role may start.</summary>
    public bool HasErrors => diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);

    /// <summary>The entries of the operations in the catalogue.</summary>
    public IEnumerable<OperationDescriptor> Descriptors => operations.Select(operation => operation.Descriptor);

    /// <summary>Creates the operations that a role runs, and returns a diagnostic for each whose constructor threw.</summary>
    /// <param name="role">The role.</param>
    public IReadOnlyList<Diagnostic> Create(OperationRole role)
    {
        var problems = new List<Diagnostic>();
        foreach (var operation in operations.Where(entry => entry.Descriptor.Role == role).DistinctBy(entry => entry.Class))
        {
            try
            {
                var withClock = operation.Class.GetConstructor([typeof(TimeProvider)]);
                _instances[operation.Class] = withClock?.Invoke([TimeProvider.System]) ?? Activator.CreateInstance(operation.Class)!;
            }
            catch (Exception exception) when (!MemoryShortage.Is(exception))
            {
                problems.Add(PluginDiagnostics.NotCreated(operation.Descriptor.Package!, operation.Class, Cause(exception)));
            }
        }

        return problems;
    }

    // Reflection and static constructors wrap what a constructor throws.
    private static Exception Cause(Exception exception) =>
        exception is (TargetInvocationException or TypeInitializationException) && exception.InnerException is { } inner
            ? Cause(inner)
            : exception;

    /// <summary>The operations of one kind that <see cref="Create"/> has created.</summary>
    /// <typeparam name="T"><see cref="ICompute"/> or <see cref="IEffect"/>.</typeparam>
    internal IEnumerable<(OperationDescriptor Descriptor, T Operation)> Instances<T>()
        where T : class =>
        operations.Where(operation => _instances.GetValueOrDefault(operation.Class) is T)
            .Select(operation => (operation.Descriptor, (T)_instances[operation.Class]));
}
