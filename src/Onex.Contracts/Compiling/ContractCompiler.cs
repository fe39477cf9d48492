using System.Collections.Concurrent;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>Compiles contracts. The one public door of this project.</summary>
public static class ContractCompiler
{
    /// <summary>Compiles every contract below a directory: <c>*.yaml</c> except <c>runtime/</c>, <c>connections/</c> and <c>schemas/</c>. Never throws for what the files hold.</summary>
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
            var reason = wrong is DirectoryNotFoundException ? "there is no contracts directory here." : $"this cannot be read: {wrong.Message}";
            return new Compilation([], [WithoutLine(directory, ContractDiagnostics.NoContracts(reason))]);
        }

        var (plans, diagnostics) = (new List<Plan>(), new List<Diagnostic>());
        diagnostics.AddRange(ignored.Select(path => WithoutLine(contracts.Shown(path), ContractDiagnostics.IgnoredFile(path))));
        if (paths.Count == 0)
        {
            diagnostics.Add(WithoutLine(directory, ContractDiagnostics.NoContracts("no contract is in this directory.")));
        }

        // No file knows of another until all are read; what they say together is worked out in their order. Only those that call others wait for them.
        var read = new ReadFile[paths.Count];
        var loaded = new ConcurrentDictionary<string, LoadedFile>(StringComparer.Ordinal);
        Parallel.For(0, read.Length, index => read[index] = Read(contracts, paths[index], loaded, context));
        var heads = ContractHeads.From(read.Select(each => each.Head).OfType<ContractHead>());
        Parallel.For(0, read.Length, index => read[index] = read[index].Finish(heads));
        var taken = new Dictionary<(string Name, string Version), Plan>();
        var kept = read.Where(each => each.Plan is { } plan && !IsTaken(plan, taken, each.File, contracts)).ToList();
        ChildChecks.Run([.. kept.Select(each => (each.File, each.Plan!))], complete: read.All(each => each.Plan is not null), context.Operations);
        if (paths.Count > 0 && read.All(each => each.Plan is not null))
        {
            diagnostics.AddRange(UnusedChecks.Connections(contracts, read.Select(each => each.Plan!), context));
        }

        plans.AddRange(kept.Where(each => !each.File.HasErrors && ExamplesHold(each.Plan!, each.File, context)).Select(each => each.Plan!));
        diagnostics.AddRange(read.SelectMany(each => Found(each.File, each.References)));
        return new Compilation(plans, Sorted(diagnostics));
    }

    private static ReadFile Read(ContractDirectory contracts, string path, ConcurrentDictionary<string, LoadedFile> loaded, CompilerContext context)
    {
        var (text, complaint) = contracts.Load(path);
        var file = new SourceFile(contracts.Shown(path), text);
        var references = new References(reference => loaded.GetOrAdd(reference, path => contracts.LoadReference(path, context.Allowed.Depth)), contracts.Shown);
        if (complaint is not null)
        {
            file.Report(complaint);
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
        var file = new SourceFile(source.Path, source.Text);
        var references = new References(
            path => LoadedFile.Parse(path, source.References.GetValueOrDefault(path), "there is no such file", context.Allowed.Depth, context.IsRegistered), path => path);
        var plan = ContractReader.Open(source.Path, file, references, context)?.Read(ContractHeads.None);
        return new Compilation(plan is not null && ExamplesHold(plan, file, context) ? [plan] : [], Sorted(Found(file, references)));
    }

    /// <summary>The JSON Schema (2020-12) of contracts, with which editors complete and check them as they are written.</summary>
    /// <param name="operations">The operations that steps may name.</param>
    public static string EditorSchema(OperationCatalogue operations) => Compiling.EditorSchema.Write(operations);

    private static bool ExamplesHold(Plan plan, SourceFile file, CompilerContext context)
    {
        var hold = true;
        foreach (var problem in plan.Examples.IsEmpty ? [] : context.Examples?.Invoke(plan) ?? [])
        {
            hold = false;
            file.Report(ContractDiagnostics.ExampleBroken(problem));
        }

        return hold;
    }

    // The same content twice is one contract in two places, which harms nobody until one of them is changed.
    private static bool IsTaken(Plan plan, Dictionary<(string Name, string Version), Plan> taken, SourceFile file, ContractDirectory contracts)
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

    private static IEnumerable<Diagnostic> Found(SourceFile file, References references) =>
        file.Diagnostics().Concat(references.Files.SelectMany(reference => reference.File.Diagnostics()));

    // Two contracts may refer to the same broken schema: it is said once.
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
        // What is read is let go of at once: a thousand files in one piece would be much to hold.
        public ReadFile Finish(ContractHeads heads) => Waiting is null ? this : this with { Waiting = null, Plan = Waiting.Read(heads) };
    }

    private static Diagnostic WithoutLine(string path, DiagnosticDraft complaint) =>
        new(complaint.Code, complaint.Severity, path, 1, 1, 1, complaint.Problem, complaint.Remedy, null);
}

/// <summary>What contracts are checked against.</summary>
/// <param name="Operations">The operations that steps may name.</param>
/// <param name="Connections">The connections that steps may name; null to leave them unchecked.</param>
public sealed record CompilerContext(OperationCatalogue Operations, IReadOnlyDictionary<string, ConnectionDescriptor>? Connections)
{
    /// <summary>
    /// Runs the examples of a contract that has no other error, and says what does not hold. Null to leave them unrun: a role that starts does
    /// not prove again what its author has proved.
    /// </summary>
    public Func<Plan, IEnumerable<ExampleProblem>>? Examples { get; init; }

    /// <summary>Whether to warn of what the compiler cannot prove, too: values without a type, fields that may be missing.</summary>
    public bool IsStrict { get; init; }

    /// <summary>What is allowed to contracts.</summary>
    public ContractLimits Limits { get; init; } = ContractLimits.Default;

    /// <summary>
    /// Whether the contract was accepted before, and sagas of it may live: a connection that is gone, or a limit that was lowered since, does
    /// not stop them.
    /// </summary>
    public bool IsRegistered { get; init; }

    internal ContractLimits Allowed => IsRegistered ? ContractLimits.Highest : Limits;
}

/// <summary>What came of compiling: plans, and every diagnostic. With an error among them nothing may start.</summary>
/// <param name="Plans">The plans of the contracts that compiled.</param>
/// <param name="Diagnostics">In order of file and place.</param>
public sealed record Compilation(IReadOnlyList<Plan> Plans, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>Whether some diagnostic is an error.</summary>
    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);
}
