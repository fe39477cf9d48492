using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The declarations of a contract. <see cref="DeclarationReader"/> collects them in a first pass, because an expression may name a step or
/// a state that the file declares further down.
/// </summary>
internal sealed class Declarations
{
    /// <summary>The states by name, with the positions of their names.</summary>
    public Dictionary<string, SourceSpan> States { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of all steps, with the state of the first step of that id.</summary>
    public Dictionary<string, string> Steps { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of the steps that call nothing.</summary>
    public HashSet<string> WithoutResult { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of the steps that declare a compensation.</summary>
    public HashSet<string> Compensated { get; } = new(StringComparer.Ordinal);

    /// <summary>The syntax of each step by id.</summary>
    public Dictionary<string, MapSyntax> StepNodes { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, DataField> Data { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, RetryPolicy> Retries { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, EventPlan> Events { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the contract has rules for any state.</summary>
    public bool HasAnyState { get; set; }

    /// <summary>The schema of the request's payload.</summary>
    public JsonSchema? Input { get; set; }

    /// <summary>The schema of the response of a completed end.</summary>
    public JsonSchema? Output { get; set; }
}
