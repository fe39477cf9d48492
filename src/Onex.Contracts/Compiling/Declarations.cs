using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The declarations of a contract. <see cref="DeclarationReader"/> collects them, except for the schemas, before other parts are read,
/// because these may name a step or a state that the file declares further down.
/// </summary>
internal sealed class Declarations
{
    /// <summary>The positions of the states' names, by name.</summary>
    public Dictionary<string, SourceSpan> States { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of all steps, with the state of the first step of that id.</summary>
    public Dictionary<string, string> Steps { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of the steps without a result: they call nothing, or do not wait for the contract that they start.</summary>
    public HashSet<string> WithoutResult { get; } = new(StringComparer.Ordinal);

    /// <summary>The ids of the steps that declare a compensation other than <c>none</c>.</summary>
    public HashSet<string> WithCompensation { get; } = new(StringComparer.Ordinal);

    /// <summary>The syntax of the first step of each id.</summary>
    public Dictionary<string, MapSyntax> StepNodes { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, DataField> Data { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, RetryPolicy> Retries { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, EventPlan> Events { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the contract has <c>any_state</c>.</summary>
    public bool HasAnyState { get; set; }

    /// <summary>The schema of the request's payload; null if <c>input</c> is missing.</summary>
    public JsonSchema? Input { get; set; }

    /// <summary>The schema of the response of a completed end; null without <c>output</c>.</summary>
    public JsonSchema? Output { get; set; }
}
