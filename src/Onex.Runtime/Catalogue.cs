using Onex.Contracts.Catalogue;
using Onex.Effects;
using Onex.Hosting.Settings;
using Onex.Workers;

namespace Onex.Runtime;

/// <summary>All operations that contracts may name, collected from the roles, so that the orchestrator can check contracts.</summary>
internal static class Catalogue
{
    private static readonly OperationDescriptor[] _all = [.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors];

    private static string[] Prefixes => [.. _all.Select(Prefix).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The operations that <c>handlers.enabled</c> enables.</summary>
    public static OperationCatalogue Of(RuntimeSettings settings) =>
        new(_all.Where(operation => settings.EnabledHandlers is not { } enabled
            || enabled.Select(OperationAliases.ResolvePrefix).Contains(Prefix(operation), StringComparer.Ordinal)));

    /// <summary>A line for each prefix in <c>handlers.enabled</c> that does not exist.</summary>
    public static IEnumerable<string> Problems(RuntimeSettings settings) => (settings.EnabledHandlers ?? [])
        .Where(prefix => !Prefixes.Contains(OperationAliases.ResolvePrefix(prefix), StringComparer.Ordinal))
        .Select(
            unknown => $"handlers.enabled names '{unknown}', which is not a prefix of operations. "
                + $"Use some of {string.Join(", ", Prefixes)}, or remove the key for all.");

    private static string Prefix(OperationDescriptor operation) => operation.Name.Split('.')[0];
}
