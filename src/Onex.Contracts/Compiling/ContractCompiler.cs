using System.Collections.Concurrent;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Compiling;

/// <summary>Compiles contracts: the public entry point of this project.</summary>
public static class ContractCompiler
{
    /// <summary>
    /// Compiles every contract below a directory: <c>*.yaml</c> except <c>runtime/</c>, <c>connections/</c>, <c>schemas/</c> and
    /// <c>operations/</c>. Never throws because of the contents of files.
    /// </summary>
    public static Compilation CompileDirectory(string directory, CompilerContext context)
    {
        var contracts = new ContractDirectory(directory);
        List<string> paths, ignored;
        try
        {
            (paths, ignored) = contracts.List();
        }
        catch (Exception wrong) when (wrong is IOException or UnauthorizedAccessException or ArgumentException)
        {
            var reason = wrong is DirectoryNotFoundException ? "there is no contracts directory here."
                : $"this cannot be read: {wrong.Message}";
            return new Compilation([], [WithoutLine(directory, ContractDiagnostics.NoContracts(reason))]);
        }

        var (plans, diagnostics) = (new List<Plan>(), new List<Diagnostic>());
        diagnostics.AddRange(ignored.Select(path => WithoutLine(contracts.Shown(path), ContractDiagnostics.IgnoredFile(path))));
        if (paths.Count == 0)
        {
            diagnostics.Add(WithoutLine(directory, ContractDiagnostics.NoContracts("no contract is in this directory.")));
        }

        // Files are read in parallel and independently; checks across them follow in file order. Only contracts that call others wait for
        // the heads of all.
        var read = new ReadFile[paths.Count];
        var loaded = new ConcurrentDictionary<string, LoadedFile>(StringComparer.Ordinal);
        Parallel.For(0, read.Length, index => read[index] = Read(contracts, paths[index], loaded, context));
        var heads = ContractHeads.From(read.Select(each => each.Head).OfType<ContractHead>());
        Parallel.For(0, read.Length, index => read[index] = read[index].Finish(heads));
        var taken = new Dictionary<(string Name, string Version), Plan>();
        var kept = read.Where(each => each.Plan is { } plan && !IsDuplicate(plan, taken, each.File, contracts)).ToList();
        ChildChecks.Run([.. kept.Select(each => (each.File, each.Plan!))], complete: read.All(each => each.Plan is not null),
            context.Operations);
        if (paths.Count > 0 && read.All(each => each.Plan is not null))
        {
            diagnostics.AddRange(UnusedChecks.Connections(contracts, read.Select(each => each.Plan!), context));
        }

        plans.AddRange(kept.Where(each => !each.File.HasErrors && ExamplesPass(each.Plan!, each.File, context)).Select(each => each.Plan!));
        diagnostics.AddRange(read.SelectMany(each => DiagnosticsOf(each.File, each.References)));
        return new Compilation(plans, Sorted(diagnostics));
    }

    private static ReadFile Read(ContractDirectory contracts, string path, ConcurrentDictionary<string, LoadedFile> loaded,
        CompilerContext context)
    {
        var (text, draft) = contracts.Load(path);
        var file = new SourceFile(contracts.Shown(path), text);
        var references = new References(
            reference => loaded.GetOrAdd(reference, path => contracts.LoadReference(path, context.Allowed.Depth)), contracts.Shown);
        if (draft is not null)
        {
            file.Report(draft);
            return new ReadFile(file, references, null, null, null);
        }

        var reader = ContractReader.Open(path, file, references, context);
        return reader is { CallsContracts: false }
            ? new ReadFile(file, references, reader.Head, null, reader.Read(ContractHeads.None))
            : new ReadFile(file, references, reader?.Head, reader, null);
    }

    /// <summary>Compiles one contract from its text and the files it refers to, as it was registered.</summary>
    public static Compilation Compile(ContractSource source, CompilerContext context)
    {
        context = context with
        {
            IsDirect = DirectContracts.Has(source),
            Operations = context.Operations.With([.. RemoteOperationText.Read(source.References, context.Operations)]),
        };
        var file = new SourceFile(source.Path, source.Text);
        var references = new References(
            path => LoadedFile.Parse(path, source.References.GetValueOrDefault(path), "there is no such file", context.Allowed.Depth,
                context.IsRegistered), path => path);
        var plan = ContractReader.Open(source.Path, file, references, context)?.Read(ContractHeads.None);
        return new Compilation(plan is not null && ExamplesPass(plan, file, context) ? [plan]
            : [], Sorted(DiagnosticsOf(file, references)));
    }

    /// <summary>The JSON Schema (2020-12) of contracts, for completion and checks in editors.</summary>
    /// <param name="operations">The operations that steps may name.</param>
    public static string EditorSchema(OperationCatalogue operations) => Compiling.EditorSchema.Write(operations);

    /// <summary>The JSON Schema (2020-12) of files that declare remote operations.</summary>
    public static string RemoteOperationsSchema() => Compiling.EditorSchema.WriteRemoteOperations();

    private static bool ExamplesPass(Plan plan, SourceFile file, CompilerContext context)
    {
        var hold = true;
        foreach (var problem in plan.Examples.IsEmpty ? [] : context.Examples?.Invoke(plan) ?? [])
        {
            hold = false;
            file.Report(ContractDiagnostics.ExampleBroken(problem));
        }

        return hold;
    }

    // Two files with the same content are only a warning: they conflict once one of them changes.
    private static bool IsDuplicate(Plan plan, Dictionary<(string Name, string Version), Plan> taken, SourceFile file,
        ContractDirectory contracts)
    {
        if (taken.TryAdd((plan.Name, plan.Version), plan))
        {
            return false;
        }

        var other = taken[(plan.Name, plan.Version)];

        var otherPath = contracts.Shown(other.Source.Path);
        file.Report(other.Hash == plan.Hash
            ? ContractDiagnostics.SameContent(plan.NamedAt, plan.Name, plan.Version, otherPath)
            : ContractDiagnostics.SameIdentity(plan.NamedAt, plan.Name, plan.Version, otherPath));

        return true;
    }

    private static IEnumerable<Diagnostic> DiagnosticsOf(SourceFile file, References references) =>
        file.Diagnostics().Concat(references.Files.SelectMany(reference => reference.File.Diagnostics()));

    // Two contracts may refer to the same invalid schema; its diagnostics are reported once.
    private static List<Diagnostic> Sorted(IEnumerable<Diagnostic> diagnostics) =>
    [
        .. diagnostics
            .Distinct()
            .OrderBy(diagnostic => diagnostic.Path, StringComparer.Ordinal)
            .ThenBy(diagnostic => diagnostic.Line)
            .ThenBy(diagnostic => diagnostic.Column)
            .ThenBy(diagnostic => diagnostic.Code, StringComparer.Ordinal),
    ];

    private sealed record ReadFile(SourceFile File, References References, ContractHead? Head, ContractReader? Waiting, Plan? Plan)
    {
        // Releases the reader at once: the syntax trees of a thousand files need much memory.
        public ReadFile Finish(ContractHeads heads) => Waiting is null ? this : this with { Waiting = null, Plan = Waiting.Read(heads) };
    }

    private static Diagnostic WithoutLine(string path, DiagnosticDraft draft) =>
        new(draft.Code, draft.Severity, path, 1, 1, 1, draft.Problem, draft.Remedy, null);
}

/// <summary>The catalogue, connections and limits that contracts are checked against.</summary>
/// <param name="Operations">The operations that steps may name.</param>
/// <param name="Connections">The connections that steps may name; null to leave them unchecked.</param>
public sealed record CompilerContext(OperationCatalogue Operations, IReadOnlyDictionary<string, ConnectionDescriptor>? Connections)
{
    /// <summary>
    /// Runs the examples of a contract without other errors and returns the failures. Null skips them: a role does not run them at every
    /// start.
    /// </summary>
    public Func<Plan, IEnumerable<ExampleProblem>>? Examples { get; init; }

    /// <summary>Whether to warn of unproven assumptions too: values without a type, fields that may be missing.</summary>
    public bool IsStrict { get; init; }

    /// <summary>The limits of contracts.</summary>
    public ContractLimits Limits { get; init; } = ContractLimits.Default;

    /// <summary>
    /// Whether the contract was accepted before and may have live sagas: then a removed connection or a lowered limit is not an error.
    /// </summary>
    public bool IsRegistered { get; init; }

    /// <summary>Whether it is a built-in contract of an operation, whose arguments are those of a request.</summary>
    internal bool IsDirect { get; init; }

    internal ContractLimits Allowed => IsRegistered ? ContractLimits.Highest : Limits;
}

/// <summary>The result of compiling: plans and all diagnostics. With an error among them nothing may start.</summary>
/// <param name="Plans">The plans of the contracts that compiled.</param>
/// <param name="Diagnostics">In order of file and place.</param>
public sealed record Compilation(IReadOnlyList<Plan> Plans, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>Whether some diagnostic is an error.</summary>
    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);
}
