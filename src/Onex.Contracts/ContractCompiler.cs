using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts;

/// <summary>Compiles contracts. The one public door of this project.</summary>
public static class ContractCompiler
{
    /// <summary>Compiles every contract below a directory: <c>*.yaml</c> except <c>runtime/</c>, <c>connections/</c> and <c>schemas/</c>. Never throws for what the files hold.</summary>
    public static Compilation CompileDirectory(string directory, CompilerContext context) => throw new NotImplementedException();

    /// <summary>Compiles one contract from its text and the files it refers to, as it was registered.</summary>
    public static Compilation Compile(ContractSource source, CompilerContext context) => throw new NotImplementedException();
}

/// <summary>What contracts are checked against.</summary>
/// <param name="Operations">The operations that steps may name.</param>
/// <param name="Connections">The connections that steps may name; null to leave them unchecked (a registered contract).</param>
public sealed record CompilerContext(OperationCatalogue Operations, IReadOnlyDictionary<string, ConnectionDescriptor>? Connections);

/// <summary>What came of compiling: plans, and every diagnostic. With an error among them nothing may start.</summary>
/// <param name="Plans">The plans of the contracts that compiled.</param>
/// <param name="Diagnostics">In order of file and place.</param>
public sealed record Compilation(IReadOnlyList<Plan> Plans, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>Whether some diagnostic is an error.</summary>
    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);
}
