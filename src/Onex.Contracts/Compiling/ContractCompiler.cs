using System.Collections.Concurrent;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;

namespace Onex.Contracts.Compiling;

/// <summary>Compiles contracts: the main public entry point of this project.</summary>
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
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            var reason = exception is DirectoryNotFoundException ? "there is no contracts directory here."
                : $"this cannot be read: {exception.Message}";
            return new Compilation([], [WithoutLine(directory, ContractDiagnostics.NoContracts(reason))]);
        }

        var diagnostics = new List<Diagnostic>();
        diagnostics.AddRange(ignored.Select(path => WithoutLine(contracts.DisplayPath(path), ContractDiagnostics.IgnoredFile(path))));
        if (paths.Count == 0)
        {
            diagnostics.Add(WithoutLine(directory, ContractDiagnostics.NoContracts("no contract is in this directory.")));
        }

        // Files are read in parallel, without each other's results. A contract that calls others is finished in a second pass, when the
        // heads of all contracts are known. Checks between files follow, in file order.
        var files = new ContractFile[paths.Count];
        var loaded = new ConcurrentDictionary<string, LoadedFile>(StringComparer.Ordinal);
        Parallel.For(0, files.Length, index => files[index] = Read(contracts, paths[index], loaded, context));
        var heads = ContractHeads.From(files.Select(file => file.Head).OfType<ContractHead>());
        Parallel.For(0, files.Length, index => files[index] = files[index].Finish(heads));
        var byIdentity = new Dictionary<(string Name, string Version), Plan>();
        var unique = files.Where(file => file.Plan is { } plan && AddUnlessDuplicate(plan, byIdentity, file.Source, contracts)).ToList();
        var isComplete = files.All(file => file.Plan is not null);
        ChildChecks.Run([.. unique.Select(file => (file.Source, file.Plan!))], isComplete, context.Operations);
        if (paths.Count > 0 && isComplete)
        {
            diagnostics.AddRange(UnusedChecks.Connections(contracts, files.Select(file => file.Plan!), context));
        }

        var valid = unique.Where(file => !file.Source.HasErrors && RunExamples(file.Plan!, file.Source, context)).ToList();
        diagnostics.AddRange(files.SelectMany(file => DiagnosticsOf(file.Source, file.References)));
        return new Compilation([.. valid.Select(file => file.Plan!)], Sort(diagnostics));
    }

    private static ContractFile Read(ContractDirectory contracts, string path, ConcurrentDictionary<string, LoadedFile> loaded,
        CompilerContext context)
    {
        var (text, problem) = contracts.Load(path);
        var file = new SourceFile(contracts.DisplayPath(path), text);
        var references = new References(
            reference => loaded.GetOrAdd(reference, path => contracts.LoadReference(path, context.EffectiveLimits.Depth)),
            contracts.DisplayPath);
        if (problem is not null)
        {
            file.Report(problem);
            return new ContractFile(file, references, Head: null, Unfinished: null, Plan: null);
        }

        var reader = ContractReader.Open(path, file, references, context);
        return reader is { CallsContracts: false }
            ? new ContractFile(file, references, reader.Head, Unfinished: null, reader.Read(ContractHeads.None))
            : new ContractFile(file, references, reader?.Head, reader, Plan: null);
    }

    /// <summary>Compiles one contract from its text and the files it refers to, without checks against the contracts it calls.</summary>
    public static Compilation Compile(ContractSource source, CompilerContext context)
    {
        context = context with
        {
            IsDirect = DirectContracts.IsSource(source),
            Operations = context.Operations.With([.. RemoteOperationText.Read(source.References, context.Operations)]),
        };
        var file = new SourceFile(source.Path, source.Text);
        var references = new References(
            path => LoadedFile.Parse(path, source.References.GetValueOrDefault(path), "there is no such file",
                context.EffectiveLimits.Depth, context.IsRegistered), path => path);
        var plan = ContractReader.Open(source.Path, file, references, context)?.Read(ContractHeads.None);
        var isValid = plan is not null && RunExamples(plan, file, context);
        return new Compilation(isValid ? [plan!] : [], Sort(DiagnosticsOf(file, references)));
    }

    /// <summary>The JSON Schema (2020-12) of contracts, for completion and checks in editors.</summary>
    /// <param name="operations">The operations that steps may name.</param>
    public static string EditorSchema(OperationCatalogue operations) => Compiling.EditorSchema.Write(operations);

    /// <summary>The JSON Schema (2020-12) of files that declare remote operations.</summary>
    public static string RemoteOperationsSchema() => Compiling.EditorSchema.WriteRemoteOperations();

    // Reports the examples that fail, and returns whether all passed. Without `CompilerContext.Examples` none runs.
    private static bool RunExamples(Plan plan, SourceFile file, CompilerContext context)
    {
        var passed = true;
        foreach (var problem in plan.Examples.IsEmpty ? [] : context.Examples?.Invoke(plan) ?? [])
        {
            passed = false;
            file.Report(ContractDiagnostics.ExampleBroken(problem));
        }

        return passed;
    }

    // False after reporting a duplicate: a warning if the contents are the same, because they do not conflict until one of them changes.
    private static bool AddUnlessDuplicate(Plan plan, Dictionary<(string Name, string Version), Plan> byIdentity, SourceFile file,
        ContractDirectory contracts)
    {
        if (byIdentity.TryAdd((plan.Name, plan.Version), plan))
        {
            return true;
        }

        var other = byIdentity[(plan.Name, plan.Version)];
        var otherPath = contracts.DisplayPath(other.Source.Path);
        file.Report(other.Hash == plan.Hash
            ? ContractDiagnostics.SameContent(plan.NamedAt, plan.Name, plan.Version, otherPath)
            : ContractDiagnostics.SameIdentity(plan.NamedAt, plan.Name, plan.Version, otherPath));

        return false;
    }

    private static IEnumerable<Diagnostic> DiagnosticsOf(SourceFile file, References references) =>
        file.Diagnostics().Concat(references.Files.SelectMany(reference => reference.File.Diagnostics()));

    // Drops duplicates too: two contracts may refer to the same invalid schema.
    private static List<Diagnostic> Sort(IEnumerable<Diagnostic> diagnostics) =>
    [
        .. diagnostics
            .Distinct()
            .OrderBy(diagnostic => diagnostic.Path, StringComparer.Ordinal)
            .ThenBy(diagnostic => diagnostic.Line)
            .ThenBy(diagnostic => diagnostic.Column)
            .ThenBy(diagnostic => diagnostic.Code, StringComparer.Ordinal),
    ];

    private sealed record ContractFile(SourceFile Source, References References, ContractHead? Head, ContractReader? Unfinished, Plan? Plan)
    {
        // Releases the reader at once: the syntax trees of a thousand files need much memory.
        public ContractFile Finish(ContractHeads heads) =>
            Unfinished is null ? this : this with { Unfinished = null, Plan = Unfinished.Read(heads) };
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
    /// Runs the examples of a contract that has no other errors, and returns the failures. Null skips the examples, as the roles do at
    /// their start.
    /// </summary>
    public Func<Plan, IEnumerable<ExampleProblem>>? Examples { get; init; }

    /// <summary>Whether to warn of unproven assumptions too: values without a type, fields that may be missing.</summary>
    public bool IsStrict { get; init; }

    /// <summary>The limits of contracts.</summary>
    public ContractLimits Limits { get; init; } = ContractLimits.Default;

    /// <summary>
    /// Whether the contract was accepted before and may have live sagas: then a removed connection, a lowered limit or a violation of a
    /// later rule is not an error.
    /// </summary>
    public bool IsRegistered { get; init; }

    /// <summary>Whether this is a built-in contract of an operation, which passes on the arguments of a request.</summary>
    internal bool IsDirect { get; init; }

    internal ContractLimits EffectiveLimits => IsRegistered ? ContractLimits.Highest : Limits;
}

/// <summary>The result of compiling: plans and all diagnostics. With an error among them nothing may start.</summary>
/// <param name="Plans">The plans of the contracts without errors, one per name and version.</param>
/// <param name="Diagnostics">In order of file and place.</param>
public sealed record Compilation(IReadOnlyList<Plan> Plans, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>Whether some diagnostic is an error.</summary>
    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);
}
