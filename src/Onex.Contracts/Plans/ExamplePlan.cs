using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;

namespace Onex.Contracts.Plans;

/// <summary>An example of a contract's behavior: a request, scripted outcomes of steps, events, and the expected outcome.</summary>
public sealed record ExamplePlan
{
    /// <summary>The name that the author gave it.</summary>
    public required string Name { get; init; }

    /// <summary>Its position in the file.</summary>
    public required SourceSpan At { get; init; }

    /// <summary>The request's payload, typed by the contract's <c>input</c>.</summary>
    public required CelValue Input { get; init; }

    /// <summary>The time of the request, or null if it does not matter.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>The scripts of steps by id, and of compensations by <c>id.compensate</c>.</summary>
    public required FrozenDictionary<string, Script> Scripts { get; init; }

    /// <summary>The events and the passing of time, in order.</summary>
    public required ImmutableArray<ExampleEvent> Events { get; init; }

    /// <summary>The expected outcome.</summary>
    public required Expectation Expect { get; init; }

    /// <summary>The name of the script of a step's compensation.</summary>
    public static string CompensationOf(string step) => step + ".compensate";
}

/// <summary>The scripted outcomes of a step or a compensation.</summary>
/// <param name="At">Its position in the file.</param>
/// <param name="Answers">The answers of the attempts in order, at least one. Further attempts get the last answer.</param>
public sealed record Script(SourceSpan At, ImmutableArray<ScriptedAnswer> Answers);

/// <summary>How one attempt ends.</summary>
/// <param name="Outcome">The kind of outcome.</param>
/// <param name="Result">The result as the example gives it; CEL's null if there is none.</param>
/// <param name="Code">The code, unless there is a result.</param>
public sealed record ScriptedAnswer(ScriptedOutcome Outcome, CelValue Result, string? Code);

/// <summary>The kind of outcome in a script.</summary>
public enum ScriptedOutcome
{
    /// <summary>A result, classified like a result of the operation.</summary>
    Answered,

    /// <summary><c>{ rejected: code }</c>: a final "no".</summary>
    Rejected,

    /// <summary><c>{ failed: code }</c>: unknown or transient.</summary>
    Failed,
}

/// <summary>An external event, or the passing of time.</summary>
/// <param name="At">Its position in the file.</param>
/// <param name="State">The state in which the event is sent or the time passes.</param>
/// <param name="Event">The event, or null if only time passes.</param>
/// <param name="Data">The event's payload, typed; CEL's null without an event.</param>
/// <param name="After">The time that passes, before the event if there is one; null if none passes.</param>
/// <param name="Declined">Whether the saga must decline the event.</param>
public sealed record ExampleEvent(SourceSpan At, string State, string? Event, CelValue Data, TimeSpan? After, bool Declined);

/// <summary>The expected outcome of an example. A property that is null is not checked.</summary>
public sealed record Expectation
{
    /// <summary>The positions of the expectations by key.</summary>
    public required FrozenDictionary<string, SourceSpan> Places { get; init; }

    /// <summary>How the saga ends.</summary>
    public EndKind? End { get; init; }

    /// <summary>The state in which it waits when no more events follow.</summary>
    public string? Waiting { get; init; }

    /// <summary>The state in which it is blocked.</summary>
    public string? Blocked { get; init; }

    /// <summary>The code of its last fault.</summary>
    public string? Fault { get; init; }

    /// <summary>The states that it enters, in order.</summary>
    public ImmutableArray<string>? Visited { get; init; }

    /// <summary>The compensated steps, in order.</summary>
    public ImmutableArray<string>? Compensated { get; init; }

    /// <summary>The end's output: the fields that matter.</summary>
    public CelValue? Output { get; init; }

    /// <summary>The response of a <c>respond</c> step: the fields that matter.</summary>
    public CelValue? Responded { get; init; }
}
