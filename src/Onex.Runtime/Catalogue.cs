using Onex.Contracts.Catalogue;
using Onex.Effects;
using Onex.Hosting.Settings;
using Onex.Workers;

namespace Onex.Runtime;

/// <summary>Every operation that contracts may name, collected from the roles that run them, so that main can check contracts against them.</summary>
internal static class Catalogue
{
    private static readonly OperationDescriptor[] _all = [.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors];

    private static string[] Prefixes => [.. _all.Select(Prefix).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>The operations that <c>handlers.enabled</c> leaves.</summary>
    public static OperationCatalogue Of(RuntimeSettings settings) =>
        new(_all.Where(operation => settings.EnabledHandlers is not { } enabled
            || enabled.Select(OperationAliases.ResolvePrefix).Contains(Prefix(operation), StringComparer.Ordinal)));

    /// <summary>What <c>handlers.enabled</c> names that does not exist, a line each.</summary>
    public static IEnumerable<string> Problems(RuntimeSettings settings) => (settings.EnabledHandlers ?? [])
        .Where(prefix => !Prefixes.Contains(OperationAliases.ResolvePrefix(prefix), StringComparer.Ordinal))
        .Select(unknown => $"handlers.enabled names '{unknown}', which no operation begins with. Use some of {string.Join(", ", Prefixes)}, or remove the key for all.");

    private static string Prefix(OperationDescriptor operation) => operation.Name.Split('.')[0];
}
