using Onex.Contracts.Catalogue;
using Onex.Effects;
using Onex.Hosting.Settings;
using Onex.Workers;

namespace Onex.Runtime;

/// <summary>All operations that contracts may name, collected from the roles, so that the orchestrator can check contracts.</summary>
internal static class Catalogue
{
    private static readonly OperationDescriptor[] _all = [.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors];

    /// <summary>Their names.</summary>
    public static IEnumerable<string> Names => _all.Select(operation => operation.Name);

    /// <summary>The prefixes of their names.</summary>
    public static string[] Prefixes => [.. _all.Select(Prefix).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The operations that <c>handlers.enabled</c> enables.</summary>
    public static OperationCatalogue Of(RuntimeSettings settings) =>
        new(_all.Where(operation => settings.EnabledHandlers is not { } enabled
            || enabled.Select(OperationAliases.ResolvePrefix).Contains(Prefix(operation), StringComparer.Ordinal)));

    private static string Prefix(OperationDescriptor operation) => operation.Name.Split('.')[0];
}
