using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Compiling;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Persistence.Registry;

namespace Onex.Orchestrator.Machines;

/// <summary>Registers plans, and maps them to and from the rows of <c>contracts</c>, which hold their source.</summary>
internal static class RegisteredPlans
{
    public static RegisteredContract ToRow(Plan plan) => new(
        plan.Hash,
        plan.Name,
        plan.Version,
        new RawJson(JsonSerializer.SerializeToUtf8Bytes(
            new StoredSource(plan.Source.Path, plan.Source.Text, new Dictionary<string, string>(plan.Source.References)),
            StoredSourceJson.Default.StoredSource)));

    /// <summary>The plan of a row; null if this version of Onex does not compile it.</summary>
    public static Plan? ToPlan(RegisteredContract registered, CompilerContext compiler) =>
        ContractCompiler.Compile(SourceOf(registered), compiler with { IsRegistered = true }).Plans is [var plan] ? plan : null;

    /// <summary>The plan of that content; null if it was never registered or no longer compiles.</summary>
    public static async Task<Plan?> FindAsync(
        IContractRegistry registry, string hash, CompilerContext compiler, CancellationToken cancellation) =>
        await registry.FindAsync(hash, cancellation) is { } registered ? ToPlan(registered, compiler) : null;

    /// <summary>
    /// Registers plans, so that every orchestrator can continue their sagas. Returns the contracts that are registered under the same
    /// version with another meaning.
    /// </summary>
    public static async Task<IReadOnlyList<RegisteredContract>> RegisterAsync(
        IContractRegistry registry, IReadOnlyList<Plan> plans, CompilerContext compiler, bool mutable, CancellationToken cancellation)
    {
        var others = await registry.RegisterAsync([.. plans.Select(ToRow)], mutable, cancellation);
        if (others.Count == 0)
        {
            return [];
        }

        // The same meaning may have another hash, because another version of Onex computed it.
        var byVersion = plans.ToLookup(plan => (plan.Name, plan.Version));
        var same = others
            .SelectMany(other => byVersion[(other.Name, other.Version)], (other, plan) => (Other: other, Plan: plan))
            .Where(pair => IsSame(pair.Other, pair.Plan, compiler))
            .ToList();
        await registry.RegisterAsync([.. same.Select(pair => ToRow(pair.Plan))], mutable: true, cancellation);
        return [.. others.Except(same.Select(pair => pair.Other))];
    }

    // Compares the text first, which needs no compilation.
    private static bool IsSame(RegisteredContract registered, Plan plan, CompilerContext compiler)
    {
        var source = SourceOf(registered);
        return (source.Text == plan.Source.Text && source.References.SequenceEqual(plan.Source.References))
            || ToPlan(registered, compiler)?.Hash == plan.Hash;
    }

    private static ContractSource SourceOf(RegisteredContract registered)
    {
        var stored = JsonSerializer.Deserialize(registered.Source.Utf8.Span, StoredSourceJson.Default.StoredSource)!;
        return new ContractSource(stored.Path, stored.Text, stored.References.ToImmutableSortedDictionary(StringComparer.Ordinal));
    }
}
