using System.Runtime.InteropServices;

namespace Onex.Contracts.Diagnostics;

/// <summary>A position in a file, within one line.</summary>
/// <param name="Line">From 1.</param>
/// <param name="Column">From 1, in UTF-16 units.</param>
/// <param name="Length">At least 1.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct SourceSpan(int Line, int Column, int Length)
{
    /// <summary>The start of a file: the position of a diagnostic about the file as a whole.</summary>
    public static SourceSpan Start { get; } = new(1, 1, 1);
}
