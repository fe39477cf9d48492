using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Plans;

/// <summary>The immutable, checked thing that a contract compiles to. Only the compiler makes one.</summary>
public sealed class Plan
{
    internal Plan()
    {
    }

    /// <summary>The contract's name; no dots.</summary>
    public required string Name { get; init; }

    /// <summary>The contract's version (semantic).</summary>
    public required string Version { get; init; }

    /// <summary>Where the file names it.</summary>
    internal SourceSpan NamedAt { get; init; } = SourceSpan.Start;

    /// <summary>What it is for, in the author's words.</summary>
    public required string Description { get; init; }

    /// <summary>SHA-256 over the file and everything it refers to, in lower-case hex: the identity of the content.</summary>
    public required string Hash { get; init; }

    /// <summary>Everything the hash is over, so that it can be stored and compiled again anywhere.</summary>
    public required ContractSource Source { get; init; }

    /// <summary>What a request's payload must be.</summary>
    public required JsonSchema Input { get; init; }

    /// <summary>What a completed end's output must be, or null.</summary>
    public JsonSchema? Output { get; init; }

    /// <summary>The business key's expression over <c>input</c>, or null.</summary>
    public Expression? Key { get; init; }

    /// <summary>What a request gets whose business key a live saga has.</summary>
    public required DuplicatePolicy OnDuplicate { get; init; }

    /// <summary>The fields of <c>data</c>, in the order of the file.</summary>
    public required ImmutableArray<DataField> Data { get; init; }

    /// <summary>The events that may be sent to its sagas, by name.</summary>
    public FrozenDictionary<string, EventPlan> Events { get; init; } = FrozenDictionary<string, EventPlan>.Empty;

    /// <summary>What events do in every ordinary state before the pivot, in order; a state's own rules come first.</summary>
    public ImmutableArray<EventRule> AnyState { get; init; } = [];

    /// <summary>How long a saga may take from its start, or null. Applies in ordinary states before the pivot.</summary>
    public TimeLimit? Deadline { get; init; }

    /// <summary>When sagas start without a request, or null.</summary>
    public SchedulePlan? Schedule { get; init; }

    /// <summary>The state that a saga starts in.</summary>
    public required string Initial { get; init; }

    /// <summary>The states in the order of the file. Includes the implicit ones: see <see cref="StatePlan.Implicit"/>.</summary>
    public required ImmutableArray<StatePlan> States { get; init; }

    /// <summary>The states by name.</summary>
    public required FrozenDictionary<string, StatePlan> StatesByName { get; init; }

    /// <summary>
    /// Where an uncaught failure leads. Without <c>on_failure</c> in the file it is the implicit state <c>compensating</c>,
    /// which leads to the implicit end <c>failed</c>.
    /// </summary>
    public required string OnFailure { get; init; }

    /// <summary>
    /// Where a cancel leads: a compensating state whose only way leads to a failed end. It is <see cref="OnFailure"/> if that is one, else the
    /// compiler adds it, so that whatever a contract does about failures a cancel compensates and ends.
    /// </summary>
    public required string CancelState { get; init; }

    /// <summary>The failed end that <see cref="CancelState"/> leads to.</summary>
    public string CancelEnd => State(CancelState).Choices[0].Next;

    /// <summary>The contracts that its steps call or start, with the places where the file says so.</summary>
    internal ImmutableArray<ChildReference> Children { get; init; } = [];

    /// <summary>What it uses of what is outside of it.</summary>
    internal PlanUses Uses { get; init; } = new([], []);

    /// <summary>What connections tell to its expressions: a map by name of maps by property, as they are configured here and now.</summary>
    public CelValue Connections { get; init; } = CelValue.Map([]);

    /// <summary>Events that wait for one of its sagas to want them, at most.</summary>
    public required int BufferedEventsMax { get; init; }

    /// <summary>Entries of one of its sagas into a state, one after the other, without an event, a wait or new data in between, at most.</summary>
    public required int IdleEntriesMax { get; init; }

    /// <summary>The cases that show how it behaves.</summary>
    public ImmutableArray<ExamplePlan> Examples { get; init; } = [];

    /// <summary>The state of that name; the plan's own names always exist.</summary>
    public StatePlan State(string name) => StatesByName[name];
}

/// <summary>The text of a contract and of every file it refers to, by path relative to the contracts directory.</summary>
public sealed record ContractSource(string Path, string Text, ImmutableSortedDictionary<string, string> References);

/// <summary>What a request gets whose business key a live saga has.</summary>
public enum DuplicatePolicy
{
    /// <summary>An error.</summary>
    Reject,

    /// <summary>The answer of the saga that is there.</summary>
    Join,
}

/// <summary>A field of <c>data</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Initial">Its first value, or null if it starts unset.</param>
public sealed record DataField(string Name, DataType Type, CelValue? Initial);
