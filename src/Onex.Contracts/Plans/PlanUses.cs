using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;

namespace Onex.Contracts.Plans;

/// <summary>References of a plan to other contracts and connections; checked when all are known.</summary>
/// <param name="Catches">Caught codes that only called contracts can raise.</param>
/// <param name="Connections">The connections that its steps use or its expressions read.</param>
internal sealed record PlanUses(ImmutableArray<UnverifiedCatch> Catches, ImmutableArray<string> Connections);

/// <summary>A caught code that only a called contract can raise.</summary>
/// <param name="Diagnostic">The warning if none of them raises it.</param>
/// <param name="Code">The code.</param>
/// <param name="Contracts">The called contracts.</param>
internal sealed record UnverifiedCatch(DiagnosticDraft Diagnostic, string Code, ImmutableArray<string> Contracts);

/// <summary>A contract that a step calls or starts.</summary>
/// <param name="Contract">The name of the contract.</param>
/// <param name="At">The position of the name in the file.</param>
/// <param name="Detached">Whether the step does not wait for it.</param>
internal sealed record ChildReference(string Contract, SourceSpan At, bool Detached);
