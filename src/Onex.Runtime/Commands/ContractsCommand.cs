using System.CommandLine;
using System.Text.Json;
using Onex.Contracts.Compiling;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Graphs;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Effects.Connections;
using Onex.Engine.Examples;
using Onex.Hosting;
using Onex.Hosting.Plugins;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Runtime.Running;

namespace Onex.Runtime.Commands;

/// <summary><c>onex contracts check|test|list|graph|schema</c>.</summary>
internal static class ContractsCommand
{
    public static Command Make(Option<bool> json)
    {
        var paths = new Argument<string[]>("path")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = "Contracts directories or files. Default: the directory in CONTRACTS_DIR.",
        };
        var warnings = new Option<bool>("--warnings-as-errors") { Description = "Treat warnings as errors." };
        var strict = new Option<bool>("--strict")
        {
            Description = "Also warn about what cannot be proved: values without a type, fields that may be missing.",
        };
        var check = new Command("check", "Check contracts and report all problems.") { paths, warnings, strict };
        var plugins = CommandLine.PluginsOption();
        check.SetAction(parsed => Check(
            parsed.GetValue(paths) ?? [], parsed.GetValue(warnings), parsed.GetValue(strict), parsed.GetValue(json),
            parsed.GetValue(plugins)));
        var test = new Command("test", "Run the examples of contracts and show their coverage.") { paths };
        test.SetAction(parsed => Test(parsed.GetValue(paths) ?? [], parsed.GetValue(json), parsed.GetValue(plugins)));
        var list = new Command("list", "List the contracts: name, version, hash and schedules.");
        list.SetAction(parsed => List(parsed.GetValue(json), parsed.GetValue(plugins)));
        var name = new Argument<string>("name") { Description = "The contract's name." };
        var format = new Option<string>("--format")
        {
            Description = "The format: mermaid, dot, svg.",
            DefaultValueFactory = _ => "mermaid",
        };
        format.AcceptOnlyFromAmong("mermaid", "dot", "svg");
        var graph = new Command("graph", "Draw a contract: its states and transitions.") { name, format };
        graph.SetAction(parsed => Graph(parsed.GetValue(name)!, parsed.GetValue(format)!, parsed.GetValue(plugins)));
        var connections = new Option<bool>("--connections") { Description = "Print the schema of connection files instead." };
        var operations = new Option<bool>("--operations") { Description = "Print the schema of files of remote operations instead." };
        var schema = new Command("schema", "Print the JSON Schema of contracts, for editors.") { connections, operations };
        schema.SetAction(parsed => Console.Write(
            parsed.GetValue(connections) ? ConnectionSchema.Write()
            : parsed.GetValue(operations) ? ContractCompiler.RemoteOperationsSchema()
            : EditorSchema(parsed.GetValue(plugins))));
        return new Command("contracts", "Check, test, draw and show contracts.") { check, test, list, graph, schema, plugins };
    }

    private static string EditorSchema(string? pluginsDirectory)
    {
        var (settings, plugins) = CommandLine.SettingsAndPlugins(pluginsDirectory);
        return ContractCompiler.EditorSchema(Catalogue.WithRemote(settings, plugins));
    }

    private static int Check(string[] paths, bool warningsFail, bool strict, bool json, string? pluginsDirectory)
    {
        var (settings, plugins) = CommandLine.SettingsAndPlugins(pluginsDirectory);
        var checks = Paths(paths, settings).Select(path => CheckOne(path, settings, plugins, ContractExamples.Problems, strict)).ToList();
        var diagnostics = checks.SelectMany(check => check.Diagnostics).Distinct().ToList();
        var problems = checks.SelectMany(check => check.Problems).Distinct(StringComparer.Ordinal).ToList();
        var plans = checks.SelectMany(check => check.Plans).DistinctBy(plan => plan.Hash).ToList();
        var errors = problems.Count + diagnostics.Count(diagnostic => diagnostic.Severity == Severity.Error);
        var failed = errors > 0 || (warningsFail && diagnostics.Count > 0);
        if (json)
        {
            Json.Print(writer =>
            {
                writer.WriteBoolean("ok", !failed);
                writer.Objects("contracts", plans, plan =>
                {
                    writer.WriteString("contract", plan.Name);
                    writer.WriteString("version", plan.Version);
                    writer.WriteString("hash", plan.Hash);
                });
                WriteDiagnostics(writer, diagnostics);
                writer.Texts("problems", problems);
            });
        }
        else
        {
            PrintDiagnostics(diagnostics, problems);
            var warnings = diagnostics.Count(diagnostic => diagnostic.Severity == Severity.Warning);
            Console.WriteLine(
                $"{Plural.Format(plans.Count, "contract")}, {Plural.Format(errors, "error")}, {Plural.Format(warnings, "warning")}");
        }

        return errors > 0 ? OnexHost.BadConfiguration : failed ? CommandLine.Failed : CommandLine.Done;
    }

    private static int Test(string[] paths, bool json, string? pluginsDirectory)
    {
        var (settings, plugins) = CommandLine.SettingsAndPlugins(pluginsDirectory);
        var reports = new Dictionary<string, ExamplesReport>(StringComparer.Ordinal);
        var checks = Paths(paths, settings).Select(path => CheckOne(path, settings, plugins, Report, strict: false)).ToList();
        var diagnostics = checks.SelectMany(check => check.Diagnostics).Distinct().ToList();
        var problems = checks.SelectMany(check => check.Problems).Distinct(StringComparer.Ordinal).ToList();

        // The compiler does not run contracts without examples, so their coverage of zero is reported here.
        foreach (var plan in checks.SelectMany(check => check.Plans))
        {
            _ = Report(plan);
        }

        var shown = reports.Values.Where(
            report => checks.Exists(
                check => check.IsSelected(report.Plan))).OrderBy(report => report.Plan.Name, StringComparer.Ordinal).ToList();
        var failed = problems.Count > 0 || diagnostics.Exists(diagnostic => diagnostic.Severity == Severity.Error);
        if (json)
        {
            Json.Print(writer =>
            {
                writer.WriteBoolean("ok", !failed);
                writer.Objects("contracts", shown, report => ExamplesView.Write(writer, report));
                WriteDiagnostics(writer, diagnostics);
                writer.Texts("problems", problems);
            });
        }
        else
        {
            foreach (var line in shown.SelectMany(ExamplesView.Lines))
            {
                Console.WriteLine(line);
            }

            PrintDiagnostics(diagnostics, problems);
            var examples = shown.SelectMany(report => report.Examples).ToList();
            Console.WriteLine(
                $"{Plural.Format(shown.Count, "contract")}, {Plural.Format(examples.Count, "example")}, "
                + $"{examples.Count(example => example.Problems.Count > 0)} failed");
        }

        // A failed example is a result of the command, even beside contracts with errors, which alone are a bad configuration.
        return !failed ? CommandLine.Done
            : shown.Exists(report => report.Examples.Any(example => example.Problems.Count > 0)) ? CommandLine.Failed
            : OnexHost.BadConfiguration;

        IEnumerable<ExampleProblem> Report(Plan plan)
        {
            if (!reports.TryGetValue(plan.Hash, out var report))
            {
                reports[plan.Hash] = report = ContractExamples.Run(plan);
            }

            return report.Examples.SelectMany(example => example.Problems);
        }
    }

    private static int List(bool json, string? pluginsDirectory)
    {
        var (settings, plugins) = CommandLine.SettingsAndPlugins(pluginsDirectory);
        var contracts = LoadedContracts.Load(settings, SettingsReader.ReadEnvironment(), resolveSecrets: false, plugins);
        PrintDiagnostics(contracts.Diagnostics, contracts.Problems);
        var plans = contracts.Compilation.Plans.OrderBy(plan => plan.Name, StringComparer.Ordinal).ToList();
        if (json)
        {
            Json.Print(writer => writer.Objects("contracts", plans, plan =>
            {
                writer.WriteString("contract", plan.Name);
                writer.WriteString("version", plan.Version);
                writer.WriteString("hash", plan.Hash);
                writer.WriteString("description", plan.Description);
                if (plan.Schedule is { } schedule)
                {
                    writer.WriteString("schedule", schedule.Text);
                }

                writer.Texts("states", plan.States.Select(state => state.Name));
            }));
        }
        else
        {
            foreach (var plan in plans)
            {
                Console.WriteLine(
                    $"{plan.Name,-30} {plan.Version,-12} {plan.Hash[..12]}  "
                    + $"{plan.Description.ReplaceLineEndings(" ").Trim()}{FormatSchedule(plan)}");
            }
        }

        return contracts.HasErrors ? OnexHost.BadConfiguration : CommandLine.Done;
    }

    private static string FormatSchedule(Plan plan) => plan.Schedule is not { } schedule ? "" : $"  [{schedule.Text}]";

    private static int Graph(string name, string format, string? pluginsDirectory)
    {
        var (settings, plugins) = CommandLine.SettingsAndPlugins(pluginsDirectory);
        var contracts = LoadedContracts.Load(settings, SettingsReader.ReadEnvironment(), resolveSecrets: false, plugins);
        if (ContractGraph.Newest(contracts.Compilation.Plans, name) is not { } plan)
        {
            PrintDiagnostics(contracts.Diagnostics, contracts.Problems);
            var names = contracts.Compilation.Plans.Select(plan => plan.Name).Distinct(StringComparer.Ordinal).ToList();
            Console.Error.WriteLine($"There is no valid contract '{name}'. {Spelling.Suggest(name, "contracts", names)}");
            return CommandLine.Failed;
        }

        var graph = format == "svg" ? ContractGraph.Svg(plan) : format == "dot" ? ContractGraph.Dot(plan) : ContractGraph.Mermaid(plan);
        if (graph is not { } drawn)
        {
            Console.Error.WriteLine(
                $"'{name}' has {Plural.Format(plan.States.Length, "state")}; at most {ContractGraph.DrawnMax} can be drawn as svg. "
                + "Use '--format dot'.");
            return CommandLine.Failed;
        }

        Console.Write(drawn);
        return CommandLine.Done;
    }

    private static void PrintDiagnostics(IEnumerable<Diagnostic> diagnostics, IEnumerable<string> problems)
    {
        foreach (var diagnostic in diagnostics)
        {
            Console.Error.Write(diagnostic.Render());
        }

        foreach (var problem in problems)
        {
            Console.Error.WriteLine(problem);
        }
    }

    private static void WriteDiagnostics(
        Utf8JsonWriter writer, IEnumerable<Diagnostic> diagnostics) => writer.Objects("diagnostics", diagnostics, diagnostic =>
    {
        writer.WriteString("code", diagnostic.Code);
        writer.WriteString("severity", diagnostic.Severity == Severity.Error ? "error" : "warning");
        writer.WriteString("path", diagnostic.Path);
        writer.WriteNumber("line", diagnostic.Line);
        writer.WriteNumber("column", diagnostic.Column);
        writer.WriteNumber("length", diagnostic.Length);
        writer.WriteString("problem", diagnostic.Problem);
        writer.WriteString("remedy", diagnostic.Remedy);
    });

    private static string[] Paths(string[] paths, RuntimeSettings settings) => paths.Length > 0 ? paths : [settings.ContractsDirectory];

    /// <param name="Plans">The contracts without errors.</param>
    /// <param name="Diagnostics">The diagnostics of contracts.</param>
    /// <param name="Problems">Other problems.</param>
    /// <param name="IsSelected">Whether a contract, with or without errors, is one that the command names.</param>
    private sealed record CheckResult(
        IReadOnlyList<Plan> Plans, IReadOnlyList<Diagnostic> Diagnostics, IReadOnlyList<string> Problems, Func<Plan, bool> IsSelected);

    // A file is checked with its directory, which has the connections and schemas. Diagnostics of other contracts are left out.
    private static CheckResult CheckOne(
        string path, RuntimeSettings settings, PluginSet plugins, Func<Plan, IEnumerable<ExampleProblem>> examples, bool strict)
    {
        var full = Path.GetFullPath(path);
        var isFile = File.Exists(full);
        if (!isFile && !Directory.Exists(full))
        {
            throw new ConfigurationException($"{path}: there is no such file or directory. Name a contract, or a directory of contracts.");
        }

        var directory = isFile ? Path.GetDirectoryName(full)! : full;
        if (isFile && Path.GetFileName(directory) == "operations" && File.ReadLines(full).Any(
            line => line.StartsWith("operations:", StringComparison.Ordinal)))
        {
            directory = Path.GetDirectoryName(directory)!;
        }

        var loaded = LoadedContracts.Load(
            settings with { ContractsDirectory = directory }, SettingsReader.ReadEnvironment(), resolveSecrets: false, plugins, Examples,
            strict);
        return isFile
            ? new CheckResult(
                [.. loaded.Compilation.Plans.Where(IsSelected)],
                [.. loaded.Diagnostics.Where(diagnostic => Concerns(diagnostic, full, directory))],
                loaded.Problems, IsSelected)
            : new CheckResult(loaded.Compilation.Plans, [.. loaded.Diagnostics], loaded.Problems, IsSelected);

        bool IsSelected(Plan plan) => !isFile || Path.GetFullPath(plan.Source.Path, directory) == full;

        IEnumerable<ExampleProblem> Examples(Plan plan) => IsSelected(plan) ? examples(plan) : [];
    }

    private static bool Concerns(Diagnostic diagnostic, string file, string directory)
    {
        var path = Path.GetFullPath(diagnostic.Path);

        // ONEX1189, an unused connection, is a diagnostic of all contracts together.
        return path == file || (Path.GetDirectoryName(path) != directory && diagnostic.Code != "ONEX1189");
    }
}
