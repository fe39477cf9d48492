using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>Finds unused declarations of a contract and of its directory.</summary>
internal static class UnusedChecks
{
    /// <summary>
    /// Warns of unused retry policies, and of fields of <c>data</c> that are never written, and never read or without initial value. A
    /// field that is written but never read causes no warning, because operators may read it.
    /// </summary>
    public static void Run(ContractScope scope, Findings findings, MapSyntax root)
    {
        foreach (var (name, _) in (root.Find("data") as MapSyntax)?.Entries ?? [])
        {
            if (findings.WrittenData.Contains(name.Text) || !scope.Declared.Data.TryGetValue(name.Text, out var field))
            {
                continue;
            }

            if (!findings.ReadData.Contains(name.Text))
            {
                scope.Report(ContractDiagnostics.UnusedData(name.At, name.Text));
            }
            else if (field.Initial is null)
            {
                scope.Report(ContractDiagnostics.DataNeverSet(name.At, name.Text));
            }
        }

        foreach (var (name, _) in (root.Find("retries") as MapSyntax)?.Entries ?? [])
        {
            if (!findings.UsedRetries.Contains(name.Text))
            {
                scope.Report(ContractDiagnostics.UnusedRetry(name.At, name.Text));
            }
        }
    }

    /// <summary>Warns of declared connections that no contract of the directory uses. Needs the plans of all its contracts.</summary>
    public static IEnumerable<Diagnostic> Connections(ContractDirectory contracts, IEnumerable<Plan> plans, CompilerContext context)
    {
        var used = plans.SelectMany(plan => plan.Uses.Connections).ToHashSet(StringComparer.Ordinal);
        var unused = (context.Connections?.Keys ?? []).Where(name => !used.Contains(name)).ToHashSet(StringComparer.Ordinal);
        if (unused.Count == 0)
        {
            return [];
        }

        var diagnostics = new List<Diagnostic>();
        foreach (var path in contracts.ConnectionFiles())
        {
            // Parses the text as a second file and drops its errors, because the reader of connections reports them.
            var file = new SourceFile(contracts.DisplayPath(path), contracts.Load(path).Text);
            var declared = YamlReader.Read(new SourceFile(path, file.Text), context.EffectiveLimits.Depth) is MapSyntax map
                ? map.Find("connections") as MapSyntax : null;
            foreach (var (name, _) in declared?.Entries.Where(entry => unused.Contains(entry.Key.Text)) ?? [])
            {
                file.Report(ContractDiagnostics.UnusedConnection(name.At, name.Text));
            }

            diagnostics.AddRange(file.Diagnostics());
        }

        return diagnostics;
    }
}
