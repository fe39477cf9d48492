using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Onex.Contracts.Catalogue;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Operations;
using Onex.Workers.Operations;
using Onex.Workers.Plugins;

namespace Onex.Workers;

/// <summary>The compute operations: descriptions for all roles, implementations for the workers role.</summary>
public static class ComputeOperations
{
    private static readonly Type[] _classes =
        [.. typeof(ComputeOperations).Assembly.GetTypes().Where(type => type.IsDefined(typeof(OperationAttribute), inherit: false))];

    /// <summary>The descriptions, without those of plug-ins.</summary>
    public static IReadOnlyList<OperationDescriptor> Descriptors { get; } =
    [
        .. _classes.SelectMany(Describe).OrderBy(descriptor => descriptor.Name, StringComparer.Ordinal),
    ];

    /// <summary>
    /// Creates all operations, including those of plug-ins, by name. Operations that run code are left out unless they are enabled, so that
    /// no command can reach them.
    /// </summary>
    /// <param name="services">The role's services.</param>
    /// <param name="enabled">The prefixes in <c>handlers.enabled</c>, or null if it is not set.</param>
    internal static Dictionary<string, IComputeOperation> Create(IServiceProvider services, IReadOnlyList<string>? enabled)
    {
        var operations = new Dictionary<string, IComputeOperation>(StringComparer.Ordinal);
        foreach (var type in _classes)
        {
            var names = type.GetCustomAttributes<OperationAttribute>(inherit: false).Select(attribute => attribute.Name)
                .Where(name => IsServed(enabled, name)).ToList();
            if (names.Count > 0)
            {
                var operation = (IComputeOperation)ActivatorUtilities.CreateInstance(services, type);
                names.ForEach(name => operations.Add(name, operation));
            }
        }

        foreach (var (descriptor, compute) in services.GetService<PluginSet>()?.Instances<ICompute>() ?? [])
        {
            operations.Add(
                descriptor.Name,
                new PluginCompute(
                    compute, descriptor, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<RoleHealth>()));
        }

        return operations;
    }

    /// <summary>
    /// Whether a worker serves the operation: always, unless it runs code and <c>handlers.enabled</c> does not name it. What contracts may
    /// name is a stricter rule, which the orchestrator checks.
    /// </summary>
    internal static bool IsServed(IReadOnlyList<string>? enabled, string operation) =>
        !EnabledOperations.MustBeNamed(operation) || EnabledOperations.Includes(enabled, operation);

    private static IEnumerable<OperationDescriptor> Describe(Type type)
    {
        var arguments = type.BaseType is { IsGenericType: true } parent && parent.GetGenericTypeDefinition() == typeof(ComputeOperation<,>)
            ? parent.GetGenericArguments()
            : throw new InvalidOperationException($"{type} carries [Operation], so it must derive from ComputeOperation<,>.");
        return OperationDescriber.Describe(type, OperationRole.Compute, arguments[0], arguments[1]);
    }
}
