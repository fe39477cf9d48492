namespace Onex.Contracts.Diagnostics;

/// <summary>A failure of an example, found by running it.</summary>
/// <param name="Kind">The kind of failure, which selects the code.</param>
/// <param name="At">The position in the file.</param>
/// <param name="Example">The name of the example.</param>
/// <param name="What">What was expected and what happened, as a clause.</param>
/// <param name="Remedy">How to fix it.</param>
public sealed record ExampleProblem(ExampleProblemKind Kind, SourceSpan At, string Example, string What, string Remedy);

/// <summary>The failures of an example that compiles.</summary>
public enum ExampleProblemKind
{
    /// <summary>The outcome differs from the expectation.</summary>
    NotAsExpected,

    /// <summary>An expression reads the result of a step without a script.</summary>
    NotScripted,

    /// <summary>The saga does not end within the limit of decisions.</summary>
    Endless,

    /// <summary>The saga is never in the state of an entry under <c>events</c>, or leaves it before the event is sent.</summary>
    NotSent,
}
