using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>The part of a contract that its callers depend on.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Input">The schema of its input; null if it is missing.</param>
/// <param name="Output">The schema of its response to a caller; null if undeclared, or if it does not hold for every response.</param>
internal sealed record ContractHead(string Name, string Version, JsonSchema? Input, JsonSchema? Output)
{
    /// <summary>Its name and version as messages show them.</summary>
    public string DisplayName => $"contract '{Name}' {Version}";

    /// <summary>Whether a predicate holds for any state, branch or step in a node: the list of states or a part of it.</summary>
    public static bool AnyStep(SyntaxNode? node, Predicate<MapSyntax> holds) => node switch
    {
        ListSyntax list => list.Items.Any(item => AnyStep(item, holds)),
        MapSyntax map => holds(map)
            || AnyStep(map.Find("steps"), holds)
            || AnyStep((map.Find("parallel") as MapSyntax)?.Find("branches"), holds),
        _ => false,
    };
}

/// <summary>The contracts that steps may call, each in its highest version, because a call starts that version.</summary>
internal sealed class ContractHeads
{
    private readonly Dictionary<string, ContractHead> _byName = new(StringComparer.Ordinal);

    private ContractHeads(IEnumerable<ContractHead> heads)
    {
        foreach (var head in heads)
        {
            if (!_byName.TryGetValue(head.Name, out var other) || SemanticVersionOrder.Instance.Compare(head.Version, other.Version) > 0)
            {
                _byName[head.Name] = head;
            }
        }
    }

    /// <summary>No contracts: a contract that is compiled alone does not know the others.</summary>
    public static ContractHeads None { get; } = new([]);

    /// <summary>The contracts of a directory, even those with errors.</summary>
    public static ContractHeads From(IEnumerable<ContractHead> heads) => new(heads);

    /// <summary>The contract of that name; null if it is not known.</summary>
    public ContractHead? Find(string name) => _byName.GetValueOrDefault(name);
}
