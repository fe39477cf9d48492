using System.Collections.Immutable;

namespace Onex.Contracts.Plans;

/// <summary>Where a step's final error leads.</summary>
/// <param name="Errors">The codes it is for; empty for any.</param>
/// <param name="Next">The state it leads to.</param>
public sealed record CatchRule(ImmutableArray<string> Errors, string Next)
{
    /// <summary>Whether it is for that code.</summary>
    public bool Covers(string code) => Errors.IsEmpty || Errors.Contains(code, StringComparer.Ordinal);
}
