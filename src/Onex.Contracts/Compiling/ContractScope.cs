using System.Collections.Frozen;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The state that the readers of one contract share: the catalogue and limits, the contract's declarations, and the readers' findings.
/// </summary>
internal sealed class ContractScope(SourceFile file, CompilerContext context, SchemaReader schemas, DataTypeReader types)
    : SyntaxReader(file, context.IsRegistered)
{
    public CompilerContext Context { get; } = context;

    public ContractLimits Limits { get; } = context.EffectiveLimits;

    /// <summary>The public properties of connections, as expressions read them: a map from connection name to its properties.</summary>
    public CelValue Connections { get; } = CelValue.Map(
        (context.Connections ?? FrozenDictionary<string, ConnectionDescriptor>.Empty)
            .Select(pair => KeyValuePair.Create(pair.Key, pair.Value.Public)));

    public SchemaReader Schemas { get; } = schemas;

    public DataTypeReader Types { get; } = types;

    public Declarations Declared { get; } = new();

    public FindingsBuilder Found { get; } = new();

    /// <summary>The contracts that steps may call, as far as they are known.</summary>
    public ContractHeads Contracts { get; set; } = ContractHeads.None;

    /// <summary>
    /// Reads the name of an existing state; null without a node, or after reporting. Records the transition unless <c>from</c> is null.
    /// <c>needsFault</c> is for transitions that have no failure or event from which to take the code of a fault.
    /// </summary>
    public string? Target(SyntaxNode? node, string what, string? from, string? fault = null, bool needsFault = false)
    {
        if (Text(node, what) is not { } name)
        {
            return null;
        }

        if (!Declared.States.ContainsKey(name.Text))
        {
            Found.HasUnknownState = true;
            Report(ContractDiagnostics.UnknownState(name.At, name.Text, Declared.States.Keys));
            return null;
        }

        if (from is not null)
        {
            Found.Transitions.Add(new DeclaredTransition(from, name.Text, name.At, needsFault && fault is null));
        }

        return name.Text;
    }

    /// <summary>Reads the <c>next</c> of a rule of one state, or of a rule for all states if <paramref name="state"/> is null.</summary>
    public string? TargetFrom(string? state, SyntaxNode? node)
    {
        var target = Target(node, "'next'", state);
        if (state is null && target is not null)
        {
            Found.AnyStateTargets.Add(target);
        }

        return target;
    }
}
