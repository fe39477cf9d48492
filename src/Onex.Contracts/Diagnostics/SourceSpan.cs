using System.Runtime.InteropServices;

namespace Onex.Contracts.Diagnostics;

/// <summary>A place in a file, within one line.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in UTF-16 units.</param>
/// <param name="Length">At least 1.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct SourceSpan(int Line, int Column, int Length)
{
    /// <summary>Where a file begins: the place of what is missing from all of it.</summary>
    public static SourceSpan Start { get; } = new(1, 1, 1);
}
