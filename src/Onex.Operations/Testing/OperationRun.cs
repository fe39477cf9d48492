using System.Text.Json;

namespace Onex.Operations.Testing;

/// <summary>How an attempt ended in a test.</summary>
/// <param name="Status">Whether it completed, was rejected, or failed.</param>
/// <param name="Code">The code of the reason, unless completed.</param>
/// <param name="Message">The reason for people, unless completed.</param>
/// <param name="Result">The result as JSON, or null if there is none.</param>
/// <param name="Progress">The progress that the operation reported.</param>
public sealed record OperationRun(
    EffectStatus Status, string? Code, string? Message, JsonElement? Result, IReadOnlyList<ReportedProgress> Progress);

/// <summary>One report of progress.</summary>
/// <param name="Fraction">How much is done, from 0 to 1, or null.</param>
/// <param name="Text">What is being done, or null.</param>
public sealed record ReportedProgress(double? Fraction, string? Text);
