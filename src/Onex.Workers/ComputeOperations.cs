using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Onex.Contracts.Catalogue;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Operations;
using Onex.Workers.Operations;
using Onex.Workers.Plugins;

namespace Onex.Workers;

/// <summary>The compute operations: descriptions for all roles, implementations for this one.</summary>
public static class ComputeOperations
{
    private static readonly Type[] _classes =
        [.. typeof(ComputeOperations).Assembly.GetTypes().Where(type => type.IsDefined(typeof(OperationAttribute), inherit: false))];

    /// <summary>The descriptions, against which contracts are checked. They do not need the role's services.</summary>
    public static IReadOnlyList<OperationDescriptor> Descriptors { get; } =
    [
        .. _classes.SelectMany(Describe).OrderBy(descriptor => descriptor.Name, StringComparer.Ordinal),
    ];

    /// <summary>Creates the operations by name, with the role's services, those of plug-ins among them.</summary>
    internal static Dictionary<string, IComputeOperation> Create(IServiceProvider services)
    {
        var operations = new Dictionary<string, IComputeOperation>(StringComparer.Ordinal);
        foreach (var type in _classes)
        {
            var operation = (IComputeOperation)ActivatorUtilities.CreateInstance(services, type);
            foreach (var attribute in type.GetCustomAttributes<OperationAttribute>(inherit: false))
            {
                operations.Add(attribute.Name, operation);
            }
        }

        foreach (var (descriptor, compute) in services.GetService<PluginSet>()?.Created<ICompute>() ?? [])
        {
            operations.Add(
                descriptor.Name,
                new PluginCompute(
                    compute, descriptor, services.GetRequiredService<TimeProvider>(), services.GetRequiredService<RoleHealth>()));
        }

        return operations;
    }

    private static IEnumerable<OperationDescriptor> Describe(Type type)
    {
        var generic = type.BaseType is { IsGenericType: true } parent && parent.GetGenericTypeDefinition() == typeof(ComputeOperation<,>)
            ? parent.GetGenericArguments()
            : throw new InvalidOperationException($"{type} carries [Operation], so it must derive from ComputeOperation<,>.");
        return OperationDescriber.Describe(type, OperationRole.Compute, generic[0], generic[1]);
    }
}
