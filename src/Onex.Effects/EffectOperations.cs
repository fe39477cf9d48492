using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Catalogue;
using Onex.Effects.Db;
using Onex.Effects.Http;
using Onex.Effects.Operations;
using Onex.Effects.Plugins;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Operations;

namespace Onex.Effects;

/// <summary>The effect operations: descriptions for all roles, implementations for the effects role.</summary>
public static class EffectOperations
{
    private static readonly Type[] _classes =
        [.. typeof(EffectOperations).Assembly.GetTypes().Where(type => type.IsDefined(typeof(OperationAttribute), inherit: false))];

    /// <summary>The descriptions, without those of plug-ins.</summary>
    public static IReadOnlyList<OperationDescriptor> Descriptors { get; } =
    [
        .. _classes.SelectMany(Describe).OrderBy(descriptor => descriptor.Name, StringComparer.Ordinal),
    ];

    /// <summary>Creates the operations by name, including those of plug-ins, with the role's services.</summary>
    internal static Dictionary<string, IEffectOperation> Create(IServiceProvider services)
    {
        var operations = new Dictionary<string, IEffectOperation>(StringComparer.Ordinal);
        foreach (var type in _classes)
        {
            var operation = (IEffectOperation)ActivatorUtilities.CreateInstance(services, type);
            foreach (var attribute in type.GetCustomAttributes<OperationAttribute>(inherit: false))
            {
                operations.Add(attribute.Name, operation);
            }
        }

        foreach (var (descriptor, effect) in services.GetService<PluginSet>()?.Instances<IEffect>() ?? [])
        {
            operations.Add(
                descriptor.Name,
                new PluginEffect(
                    effect, descriptor, services.GetRequiredService<HttpTransport>(), services.GetRequiredService<DatabasePools>(),
                    services.GetRequiredService<TimeProvider>(), services.GetRequiredService<RoleHealth>(),
                    services.GetRequiredService<ILogger<PluginEffect>>()));
        }

        return operations;
    }

    private static IEnumerable<OperationDescriptor> Describe(Type type)
    {
        var parent = type.BaseType;
        while (parent is not null && !(parent.IsGenericType && parent.GetGenericTypeDefinition() == typeof(EffectOperation<,>)))
        {
            parent = parent.BaseType;
        }

        var typeArguments = parent?.GetGenericArguments()
            ?? throw new InvalidOperationException($"{type} carries [Operation], so it must derive from EffectOperation<,>.");
        return OperationDescriber.Describe(type, OperationRole.Effect, typeArguments[0], typeArguments[1]);
    }
}
