using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Plans;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The facts that the readers collected from a whole contract. Only <see cref="FindingsBuilder.Complete"/> creates it, so a check that
/// takes it cannot run before the file has been read: the checks of the flow need every transition.
/// </summary>
internal sealed class Findings(FindingsBuilder found)
{
    /// <summary>The remote operations that the contract's steps call, in order of name.</summary>
    public IReadOnlyCollection<OperationDescriptor> RemoteOperations => found.RemoteOperations.Values;

    /// <summary>Every transition that the file declares from one state.</summary>
    public IReadOnlyList<DeclaredTransition> Transitions => found.Transitions;

    /// <summary>The targets of rules for every ordinary state before the pivot: <c>any_state</c> and <c>deadline</c>.</summary>
    public IReadOnlyList<string> AnyStateTargets => found.AnyStateTargets;

    /// <summary>The states with errors. Diagnostics about their transitions would only be consequences of these errors.</summary>
    public IReadOnlySet<string> StatesWithErrors => found.StatesWithErrors;

    /// <summary>The position of each expression: its scalar, and the offset in it.</summary>
    public IReadOnlyDictionary<Expression, (ScalarSyntax Scalar, int Start)> Origins => found.Origins;

    /// <summary>Expressions inside text that are null only if fields of <c>data</c> are, with the type for given non-null fields.</summary>
    public IReadOnlyDictionary<Expression, Func<Func<string, bool>, CelType>> MayBeNull => found.MayBeNull;

    /// <summary>The position of <c>retry</c>, by the step's id.</summary>
    public IReadOnlyDictionary<string, SourceSpan> RetriedAt => found.RetriedAt;

    /// <summary>The codes of each entry of a <c>catch</c>; empty from the first entry on that catches any code.</summary>
    public IReadOnlyDictionary<CatchRule, IReadOnlyList<ScalarSyntax>> CatchCodes => found.CatchCodes;

    /// <summary>The timeouts of states, and the waits whose durations are constant.</summary>
    public IReadOnlyList<DeclaredWait> Waits => found.Waits;

    /// <summary>Steps that change the world and have no <c>compensate</c>.</summary>
    public IReadOnlyList<CompensationGap> Uncompensated => found.Uncompensated;

    /// <summary>Effects that change the world and whose <c>compensate</c> has no <c>when_unknown</c>.</summary>
    public IReadOnlyList<CompensationGap> UnknownOutcomeUnhandled => found.UnknownOutcomeUnhandled;

    /// <summary>The paths that expressions read in the results of steps, by step; an empty path is the whole result.</summary>
    public IReadOnlyDictionary<string, List<ImmutableArray<string>>> ReadPaths => found.ReadPaths;

    public IReadOnlySet<string> ReadData => found.ReadData;

    public IReadOnlySet<string> WrittenData => found.WrittenData;

    public IReadOnlySet<string> UsedEvents => found.UsedEvents;

    public IReadOnlySet<string> UsedRetries => found.UsedRetries;

    public IReadOnlySet<string> UsedConnections => found.UsedConnections;

    /// <summary>The contracts that steps and compensations call or start.</summary>
    public IReadOnlyList<ChildReference> Children => found.Children;

    /// <summary>Whether a target does not exist. Then the state that was meant may only seem unreachable.</summary>
    public bool HasUnknownState => found.HasUnknownState;

    /// <summary>The position of an expression.</summary>
    public SourceSpan PositionOf(Expression expression) => found.PositionOf(expression);
}

/// <summary>Collects the findings while a contract is read. <see cref="Findings"/> describes the properties.</summary>
internal sealed class FindingsBuilder
{
    public List<DeclaredTransition> Transitions { get; } = [];

    public List<string> AnyStateTargets { get; } = [];

    public HashSet<string> StatesWithErrors { get; } = new(StringComparer.Ordinal);

    public Dictionary<Expression, (ScalarSyntax Scalar, int Start)> Origins { get; } = [];

    public Dictionary<Expression, Func<Func<string, bool>, CelType>> MayBeNull { get; } = [];

    public Dictionary<string, SourceSpan> RetriedAt { get; } = new(StringComparer.Ordinal);

    public Dictionary<CatchRule, IReadOnlyList<ScalarSyntax>> CatchCodes { get; } = new(ReferenceEqualityComparer.Instance);

    public List<DeclaredWait> Waits { get; } = [];

    public List<CompensationGap> Uncompensated { get; } = [];

    public List<CompensationGap> UnknownOutcomeUnhandled { get; } = [];

    public Dictionary<string, List<ImmutableArray<string>>> ReadPaths { get; } = new(StringComparer.Ordinal);

    public HashSet<string> ReadData { get; } = new(StringComparer.Ordinal);

    public HashSet<string> WrittenData { get; } = new(StringComparer.Ordinal);

    public HashSet<string> UsedEvents { get; } = new(StringComparer.Ordinal);

    public HashSet<string> UsedRetries { get; } = new(StringComparer.Ordinal);

    public SortedDictionary<string, OperationDescriptor> RemoteOperations { get; } = new(StringComparer.Ordinal);

    public HashSet<string> UsedConnections { get; } = new(StringComparer.Ordinal);

    public List<ChildReference> Children { get; } = [];

    public bool HasUnknownState { get; set; }

    /// <summary>The findings, once everything has been read.</summary>
    public Findings Complete() => new(this);

    public SourceSpan PositionOf(Expression expression)
    {
        var (scalar, start) = Origins[expression];
        return scalar.Part(start, expression.Text.Length);
    }
}

/// <summary>A transition that the file declares.</summary>
/// <param name="From">The source state.</param>
/// <param name="To">The target state.</param>
/// <param name="At">The position of the target in the file.</param>
/// <param name="FaultMissing">Whether nothing gives it a fault; that is an error if its target is a compensating state.</param>
internal sealed record DeclaredTransition(string From, string To, SourceSpan At, bool FaultMissing);

/// <summary>How long a state waits according to the file. <c>What</c> is <c>a wait</c> or <c>a timeout</c>, for messages.</summary>
internal sealed record DeclaredWait(string State, TimeSpan Length, SourceSpan At, string What);

/// <summary>A step that changes the world and lacks a compensation, or whose compensation lacks <c>when_unknown</c>.</summary>
internal sealed record CompensationGap(string State, string Step, string Operation, SourceSpan At);
