using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>A case that shows how a contract behaves: a request, what its steps answer, what is sent to it, and what must come of that.</summary>
public sealed record ExamplePlan
{
    /// <summary>What it shows, in the author's words.</summary>
    public required string Name { get; init; }

    /// <summary>Where the file says so.</summary>
    public required SourceSpan At { get; init; }

    /// <summary>The request's payload, typed by the contract's <c>input</c>.</summary>
    public required CelValue Input { get; init; }

    /// <summary>When the request comes, or null where that makes no difference.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>What steps answer, by id; what compensations answer, by <c>id.compensate</c>.</summary>
    public required FrozenDictionary<string, Script> Scripts { get; init; }

    /// <summary>What is sent to the saga, and how much time goes by, in order.</summary>
    public required ImmutableArray<ExampleEvent> Events { get; init; }

    /// <summary>What must come of it.</summary>
    public required Expectation Expect { get; init; }

    /// <summary>The name of the script of a step's compensation.</summary>
    public static string CompensationOf(string step) => step + ".compensate";
}

/// <summary>What a step answers.</summary>
/// <param name="At">Where the file says so.</param>
/// <param name="Answers">One per call, a retry being a call; the last is for all that follow. At least one.</param>
public sealed record Script(SourceSpan At, ImmutableArray<ScriptedAnswer> Answers);

/// <summary>How one call ends.</summary>
/// <param name="Outcome">What kind of answer it is.</param>
/// <param name="Result">What the operation returns; nothing of it is filled in yet. Null for what has no result.</param>
/// <param name="Code">The code, unless there is a result.</param>
public sealed record ScriptedAnswer(ScriptedOutcome Outcome, CelValue Result, string? Code);

/// <summary>What kind of answer a script gives.</summary>
public enum ScriptedOutcome
{
    /// <summary>A result, which is judged as one of the operation's would be.</summary>
    Answered,

    /// <summary><c>{ rejected: code }</c>: a final "no".</summary>
    Rejected,

    /// <summary><c>{ failed: code }</c>: unknown or transient.</summary>
    Failed,
}

/// <summary>Something that happens to the saga from outside.</summary>
/// <param name="At">Where the file says so.</param>
/// <param name="State">The state in which it happens.</param>
/// <param name="Event">The event that is sent, or null if only time goes by.</param>
/// <param name="Data">The event's payload, typed.</param>
/// <param name="After">How much time goes by before, or null.</param>
/// <param name="Refused">Whether the saga must refuse the event.</param>
public sealed record ExampleEvent(SourceSpan At, string State, string? Event, CelValue Data, TimeSpan? After, bool Refused);

/// <summary>What must come of an example. What is null is not looked at.</summary>
public sealed record Expectation
{
    /// <summary>Where the file says what is expected, by key.</summary>
    public required FrozenDictionary<string, SourceSpan> Places { get; init; }

    /// <summary>How it ends.</summary>
    public EndKind? End { get; init; }

    /// <summary>The state in which it still waits when nothing more can happen.</summary>
    public string? Waiting { get; init; }

    /// <summary>The state in which it is blocked.</summary>
    public string? Blocked { get; init; }

    /// <summary>The code of its last fault.</summary>
    public string? Fault { get; init; }

    /// <summary>The states that it enters, in order.</summary>
    public ImmutableArray<string>? Visited { get; init; }

    /// <summary>The steps that are taken back, in order.</summary>
    public ImmutableArray<string>? Compensated { get; init; }

    /// <summary>The end's output: the fields that matter.</summary>
    public CelValue? Output { get; init; }

    /// <summary>What a <c>respond</c> step answers: the fields that matter.</summary>
    public CelValue? Responded { get; init; }
}
