using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>What other contracts must know of one to call it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Version">Its version.</param>
/// <param name="Input">The schema of its input; null if that cannot be read.</param>
/// <param name="Output">The schema of what it answers its caller with; null if nothing says that.</param>
internal sealed record ContractHead(string Name, string Version, JsonSchema? Input, JsonSchema? Output)
{
    /// <summary>As sentences name it.</summary>
    public string Shown => $"contract '{Name}' {Version}";

    /// <summary>Whether something below a part of a contract holds for one of its steps.</summary>
    /// <param name="node">Its states, or a part of them.</param>
    /// <param name="holds">What is looked for.</param>
    public static bool AnyStep(SyntaxNode? node, Predicate<MapSyntax> holds) => node switch
    {
        ListSyntax list => list.Items.Any(item => AnyStep(item, holds)),
        MapSyntax map => holds(map)
            || AnyStep(map.Find("steps"), holds)
            || AnyStep((map.Find("parallel") as MapSyntax)?.Find("branches"), holds),
        _ => false,
    };
}

/// <summary>The contracts that a step may call, each in the version that a start takes: the highest.</summary>
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

    /// <summary>None is known: of a contract that is compiled alone, the others are not there to be asked.</summary>
    public static ContractHeads None { get; } = new([]);

    /// <summary>Those of a directory.</summary>
    public static ContractHeads From(IEnumerable<ContractHead> heads) => new(heads);

    /// <summary>The contract of that name; null if it is not known.</summary>
    public ContractHead? Find(string name) => _byName.GetValueOrDefault(name);
}
