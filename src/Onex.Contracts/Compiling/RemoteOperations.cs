using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;

namespace Onex.Contracts.Compiling;

/// <summary>The operations that <c>contracts/operations/</c> declares.</summary>
/// <param name="Operations">Their entries in the catalogue. An operation with errors is included as far as it could be read.</param>
/// <param name="Diagnostics">The diagnostics by file and position. With an error among them nothing may start.</param>
public sealed record RemoteOperations(IReadOnlyList<OperationDescriptor> Operations, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>No operations.</summary>
    public static RemoteOperations None { get; } = new([], []);

    /// <summary>Whether some diagnostic is an error.</summary>
    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);
}
