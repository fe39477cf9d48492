using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>A transition for final failures.</summary>
/// <param name="Errors">The codes that it catches; empty for any.</param>
/// <param name="Next">The target state.</param>
public sealed record CatchRule(ImmutableArray<string> Errors, string Next)
{
    /// <summary>Whether it catches the code.</summary>
    public bool Covers(string code) => Errors.IsEmpty || Errors.Contains(code, StringComparer.Ordinal);
}
