using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>What the readers of one contract's parts know of the whole, and what they find out for the checks that come after them.</summary>
internal sealed class ContractScope(SourceFile file, CompilerContext context, SchemaReader schemas, DataTypeReader types)
{
    public SourceFile File { get; } = file;

    public CompilerContext Context { get; } = context;

    public ContractLimits Limits { get; } = context.Allowed;

    /// <summary>What connections tell to expressions: a map by name of maps by property.</summary>
    public CelValue Connections { get; } = CelValue.Map(
        (context.Connections ?? FrozenDictionary<string, ConnectionDescriptor>.Empty).Select(pair => KeyValuePair.Create(pair.Key, pair.Value.Public)));

    public SchemaReader Schemas { get; } = schemas;

    public DataTypeReader Types { get; } = types;

    /// <summary>The declared states by name, with the places of their names.</summary>
    public Dictionary<string, SourceSpan> States { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of all steps, with the state that the first of that id is in.</summary>
    public Dictionary<string, string> Steps { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of those of them that call nothing.</summary>
    public HashSet<string> WithoutResult { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of the steps that say how they are taken back.</summary>
    public HashSet<string> Compensated { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, DataField> Data { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, RetryPolicy> Retries { get; } = new(StringComparer.Ordinal);

    /// <summary>The declared events.</summary>
    public Dictionary<string, EventPlan> Events { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the contract has rules for any state.</summary>
    public bool HasAnyState { get; set; }

    /// <summary>The events that some rule is for.</summary>
    public HashSet<string> UsedEvents { get; } = new(StringComparer.Ordinal);

    /// <summary>Every time that the file writes down for a wait or a state, with its place.</summary>
    public List<Wait> Waits { get; } = [];

    /// <summary>The states with which something is wrong already: what is said of their ways would only follow from that.</summary>
    public HashSet<string> Broken { get; } = new(StringComparer.Ordinal);

    /// <summary>The paths that expressions read below each step's result.</summary>
    public Dictionary<string, List<ImmutableArray<string>>> ReadPaths { get; } = new(StringComparer.Ordinal);

    /// <summary>The steps that call something, by id.</summary>
    public Dictionary<string, MapSyntax> CallNodes { get; } = new(StringComparer.Ordinal);

    /// <summary>The schemas of the request and of what a completed end answers, once they are read.</summary>
    public JsonSchema? Input { get; set; }

    public JsonSchema? Output { get; set; }

    /// <summary>The contracts that steps may call, as far as they are known.</summary>
    public ContractHeads Contracts { get; set; } = ContractHeads.None;

    /// <summary>Every way from a state to another that the file writes down.</summary>
    public List<Way> Ways { get; } = [];

    /// <summary>Where the file leads from every ordinary state before the pivot: events of any state, the deadline.</summary>
    public List<string> Anywhere { get; } = [];

    /// <summary>Where each expression stands: the scalar, and the character of it where the expression begins.</summary>
    public Dictionary<Expression, (ScalarSyntax Scalar, int Start)> Origins { get; } = [];

    /// <summary>Expressions inside text that may be null, with the type that they have if some fields of <c>data</c> are not.</summary>
    public Dictionary<Expression, Func<Func<string, bool>, CelType>> MayBeNull { get; } = [];

    /// <summary>Where a step says how it is retried.</summary>
    public Dictionary<string, SourceSpan> RetriedAt { get; } = new(StringComparer.Ordinal);

    /// <summary>Where each entry of a <c>catch</c> names its codes.</summary>
    public Dictionary<CatchRule, IReadOnlyList<ScalarSyntax>> CatchCodes { get; } = new(ReferenceEqualityComparer.Instance);

    /// <summary>Of <c>data</c> and <c>retries</c>: what some expression reads, something writes, or some step names.</summary>
    public HashSet<string> ReadData { get; } = new(StringComparer.Ordinal);

    public HashSet<string> WrittenData { get; } = new(StringComparer.Ordinal);

    public HashSet<string> UsedRetries { get; } = new(StringComparer.Ordinal);

    /// <summary>The connections that steps go through, or that expressions read.</summary>
    public HashSet<string> UsedConnections { get; } = new(StringComparer.Ordinal);

    /// <summary>The contracts that steps call or start.</summary>
    public List<Child> Children { get; } = [];

    /// <summary>Steps that change the world and do not say how they are taken back.</summary>
    public List<Uncompensated> Uncompensated { get; } = [];

    /// <summary>Steps that change the world, and whose compensations do not say what holds when their outcome stays unknown.</summary>
    public List<Uncompensated> Undecided { get; } = [];

    /// <summary>Whether the file uses what this version does not have: then what hangs together cannot be judged.</summary>
    public bool HasNotYet { get; private set; }

    /// <summary>Whether some way leads to a state that does not exist: then the one that was meant may look as if nothing led to it.</summary>
    public bool HasUnknownState { get; private set; }

    /// <summary>The place of an expression.</summary>
    public SourceSpan PlaceOf(Expression expression)
    {
        var (scalar, start) = Origins[expression];
        return scalar.Part(start, expression.Text.Length);
    }

    public void Report(DiagnosticDraft complaint)
    {
        // A rule that is younger than a contract must not stop the sagas that it has.
        if (!Context.IsRegistered || !ContractDiagnostics.IsLaterRule(complaint.Code))
        {
            File.Report(complaint);
        }
    }

    public void ReportNotYet(SourceSpan at, string what)
    {
        HasNotYet = true;
        File.Report(ContractDiagnostics.NotYet(at, what));
    }

    /// <summary>
    /// Complains about keys that do not belong into a map. A misspelt one is read as what it means from then on, so that nothing is missed for
    /// it and what is behind it is checked, too.
    /// </summary>
    public void CheckKeys(MapSyntax map, Keys keys)
    {
        foreach (var (key, _) in map.Entries)
        {
            if (File.IsFull)
            {
                return;
            }

            if (keys.NotYet.Contains(key.Text))
            {
                ReportNotYet(key.At, key.Text);
            }
            else if (!keys.Known.Contains(key.Text))
            {
                Report(ContractDiagnostics.UnknownKey(key.At, keys.Where, key.Text, keys.Known));
            }
        }

        map.ReadAs(keys.Known);
    }

    public MapSyntax? Map(SyntaxNode? node, string what) => Expect<MapSyntax>(node, what, "a map");

    public ListSyntax? List(SyntaxNode? node, string what) => Expect<ListSyntax>(node, what, "a list");

    /// <summary>Text; a complaint and null for anything else that is there.</summary>
    public ScalarSyntax? Text(SyntaxNode? node, string what)
    {
        if (node is null or ScalarSyntax { IsText: true, Text.Length: > 0 })
        {
            return node as ScalarSyntax;
        }

        Report(ContractDiagnostics.WrongType(node.At, what, "text", node is ScalarSyntax { IsText: true } ? "nothing" : node.Kind));
        return null;
    }

    /// <summary>A name that means itself and nothing else: text, without anything that would be evaluated elsewhere.</summary>
    public ScalarSyntax? Name(SyntaxNode? node, string what)
    {
        var name = Text(node, what);
        if (name?.Text.Contains("${", StringComparison.Ordinal) == true)
        {
            Report(ContractDiagnostics.NameNotEvaluated(name.At, what));
        }

        return name;
    }

    /// <summary>A duration; a complaint and null for anything else that is there.</summary>
    public TimeSpan? Duration(SyntaxNode? node)
    {
        if (node is null)
        {
            return null;
        }

        if (node is ScalarSyntax scalar && Durations.TryParse(scalar.Text, out var duration) && duration > TimeSpan.Zero)
        {
            return duration;
        }

        Report(ContractDiagnostics.BadDuration(node.At, (node as ScalarSyntax)?.Text ?? node.Kind));
        return null;
    }

    /// <summary>The name of a state that exists, and the way to it; a complaint and null for anything else.</summary>
    public string? Target(SyntaxNode? node, string what, string? from, string? fault = null, bool needsFault = false)
    {
        if (Text(node, what) is not { } name)
        {
            return null;
        }

        if (!States.ContainsKey(name.Text))
        {
            HasUnknownState = true;
            Report(ContractDiagnostics.UnknownState(name.At, name.Text, States.Keys));
            return null;
        }

        if (from is not null)
        {
            Ways.Add(new Way(from, name.Text, name.At, needsFault && fault is null));
        }

        return name.Text;
    }

    /// <summary>The same, from a state or, where there is none, from every one that it applies to.</summary>
    public string? TargetFrom(string? state, SyntaxNode? node)
    {
        var target = Target(node, "'next'", state);
        if (state is null && target is not null)
        {
            Anywhere.Add(target);
        }

        return target;
    }

    private T? Expect<T>(SyntaxNode? node, string what, string expected)
        where T : SyntaxNode
    {
        if (node is not (null or T))
        {
            Report(typeof(T) == typeof(MapSyntax) && node is ScalarSyntax { Form: ScalarForm.Plain } scalar && BareExpression.WithoutSpace(scalar.Text) is var (_, key, value) && key is not null
                ? ContractDiagnostics.ColonWithoutSpace(node.At, scalar.Text, $"{key}: {value}")
                : ContractDiagnostics.WrongType(node.At, what, expected, node.Kind));
        }

        return node as T;
    }
}

/// <summary>A contract that a step of another one calls, or starts.</summary>
/// <param name="Contract">Its name.</param>
/// <param name="At">Where the file says so.</param>
/// <param name="Detached">Whether the step does not wait for it.</param>
internal sealed record Child(string Contract, SourceSpan At, bool Detached);

/// <summary>A way from a state to another.</summary>
/// <param name="From">The one.</param>
/// <param name="To">The other.</param>
/// <param name="At">Where the file says so.</param>
/// <param name="FaultMissing">Whether the file would have to say why, if the other is a compensating state.</param>
internal sealed record Way(string From, string To, SourceSpan At, bool FaultMissing);

/// <summary>A time that the file writes down.</summary>
/// <param name="State">The state that it is in.</param>
/// <param name="Length">How long.</param>
/// <param name="At">Where.</param>
/// <param name="What">What it is, in a sentence: <c>a wait</c>.</param>
internal sealed record Wait(string State, TimeSpan Length, SourceSpan At, string What);

/// <summary>A step that changes the world and does not say how it is taken back.</summary>
internal sealed record Uncompensated(string State, string Step, string Operation, SourceSpan At);
