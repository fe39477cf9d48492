using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Plans;

/// <summary>The immutable, checked form that a contract compiles to. Only the compiler creates one.</summary>
public sealed class Plan
{
    internal Plan()
    {
    }

    /// <summary>The contract's name; no dots.</summary>
    public required string Name { get; init; }

    /// <summary>The contract's version (semantic).</summary>
    public required string Version { get; init; }

    /// <summary>The position of its name.</summary>
    internal SourceSpan NamedAt { get; init; } = SourceSpan.Start;

    /// <summary>What it is for, in the author's words.</summary>
    public required string Description { get; init; }

    /// <summary>
    /// The identity of the content: a SHA-256 in lower-case hex, which ignores comments, examples and the plan's description.
    /// </summary>
    public required string Hash { get; init; }

    /// <summary>The texts that it is compiled from. They are stored, so that every process can compile the same plan.</summary>
    public required ContractSource Source { get; init; }

    /// <summary>The type of the payload of a request.</summary>
    public required JsonSchema Input { get; init; }

    /// <summary>The type of the output of a completed end, or null.</summary>
    public JsonSchema? Output { get; init; }

    /// <summary>The expression over <c>input</c> for the business key, or null.</summary>
    public Expression? Key { get; init; }

    /// <summary>The policy for a request whose business key belongs to a live saga.</summary>
    public required DuplicatePolicy OnDuplicate { get; init; }

    /// <summary>The fields of <c>data</c>, in the order of the file.</summary>
    public required ImmutableArray<DataField> Data { get; init; }

    /// <summary>The events that may be sent to its sagas, by name.</summary>
    public FrozenDictionary<string, EventPlan> Events { get; init; } = FrozenDictionary<string, EventPlan>.Empty;

    /// <summary>The event rules for every ordinary state before the pivot, in order. Rules of a state take precedence.</summary>
    public ImmutableArray<EventRule> AnyState { get; init; } = [];

    /// <summary>The time limit from the start of a saga, or null. Applies in ordinary states before the pivot.</summary>
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
    /// The target of uncaught failures. Without <c>on_failure</c> in the file it is the implicit state <c>compensating</c>, which leads to
    /// an implicit failed end.
    /// </summary>
    public required string OnFailure { get; init; }

    /// <summary>
    /// The target of a cancellation: a compensating state whose only transition leads to a failed end. It is <see cref="OnFailure"/> if
    /// that qualifies; otherwise the compiler adds one, so a cancellation always compensates and ends.
    /// </summary>
    public required string CancelState { get; init; }

    /// <summary>The failed end that <see cref="CancelState"/> leads to.</summary>
    public string CancelEnd => State(CancelState).Choices[0].Next;

    /// <summary>The contracts that its steps call or start, with their positions in the file.</summary>
    internal ImmutableArray<ChildReference> Children { get; init; } = [];

    /// <summary>Its references to other contracts and connections.</summary>
    internal PlanUses Uses { get; init; } = new([], []);

    /// <summary>The names of the remote operations that its steps call.</summary>
    public ImmutableArray<string> RemoteOperations { get; init; } = [];

    /// <summary>The public properties of connections as configured in this process: a map by name of maps by property.</summary>
    public CelValue Connections { get; init; } = CelValue.Map([]);

    /// <summary>The maximum of buffered events per saga.</summary>
    public required int BufferedEventsMax { get; init; }

    /// <summary>The maximum of consecutive entries into a state without an event, a wait or new data in between.</summary>
    public required int IdleEntriesMax { get; init; }

    /// <summary>Its examples.</summary>
    public ImmutableArray<ExamplePlan> Examples { get; init; } = [];

    /// <summary>The state of that name. Names from the plan always exist.</summary>
    public StatePlan State(string name) => StatesByName[name];
}

/// <summary>The text of a contract and of every file it refers to, by path relative to the contracts directory.</summary>
public sealed record ContractSource(string Path, string Text, ImmutableSortedDictionary<string, string> References);

/// <summary>The policy for a request whose business key belongs to a live saga.</summary>
public enum DuplicatePolicy
{
    /// <summary>An error.</summary>
    Reject,

    /// <summary>The response of the live saga.</summary>
    Join,
}

/// <summary>A field of <c>data</c>.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Initial">Its initial value, or null if it has none.</param>
public sealed record DataField(string Name, DataType Type, CelValue? Initial);
