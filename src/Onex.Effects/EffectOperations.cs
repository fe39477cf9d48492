using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Onex.Contracts.Catalogue;
using Onex.Effects.Operations;

namespace Onex.Effects;

/// <summary>The effect operations: their descriptions, for every role, and the code behind them, for this one.</summary>
public static class EffectOperations
{
    private static readonly Type[] _classes =
        [.. typeof(EffectOperations).Assembly.GetTypes().Where(type => type.IsDefined(typeof(OperationAttribute), inherit: false))];

    /// <summary>What contracts are checked against. Needs nothing of the role's runtime.</summary>
    public static IReadOnlyList<OperationDescriptor> Descriptors { get; } =
    [
        .. _classes.SelectMany(Describe).Concat(OperationsToCome.All).OrderBy(descriptor => descriptor.Name, StringComparer.Ordinal),
    ];

    /// <summary>Whether it is one that contracts may name and that no version runs yet.</summary>
    internal static bool IsToCome(string name) => Array.Exists(OperationsToCome.All, operation => operation.Name == name);

    /// <summary>The operations by name, made with the role's services; a class that runs several is made once.</summary>
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

        return operations;
    }

    private static IEnumerable<OperationDescriptor> Describe(Type type)
    {
        var generic = type.BaseType is { IsGenericType: true } parent && parent.GetGenericTypeDefinition() == typeof(EffectOperation<,>)
            ? parent.GetGenericArguments()
            : throw new InvalidOperationException($"{type} carries [Operation], so it must derive from EffectOperation<,>.");
        return OperationAttribute.Describe(type, OperationRole.Effect, generic[0], generic[1]);
    }
}
