using System.CommandLine;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;
using Onex.Runtime.Running;

namespace Onex.Runtime.Commands;

/// <summary><c>onex contracts check|list</c>.</summary>
internal static class ContractsCommand
{
    public static Command Make(Option<bool> json)
    {
        var paths = new Argument<string[]>("path")
        {
            Arity = ArgumentArity.ZeroOrMore,
            Description = "Contracts directories, or files in one. The directory of CONTRACTS_DIR if none is given.",
        };
        var strict = new Option<bool>("--warnings-as-errors") { Description = "Fail for a warning too." };
        var check = new Command("check", "Check contracts, and say everything that is wrong with them.") { paths, strict };
        check.SetAction(parsed => Check(parsed.GetValue(paths) ?? [], parsed.GetValue(strict), parsed.GetValue(json)));
        var list = new Command("list", "Show the contracts: name, version, hash, and when they start by the clock.");
        list.SetAction(parsed => List(parsed.GetValue(json)));
        return new Command("contracts", "Check and show contracts.") { check, list };
    }

    private static int Check(string[] paths, bool strict, bool json)
    {
        var settings = CommandLine.Settings(SettingsUse.Nothing);
        var checks = (paths.Length > 0 ? paths : [settings.ContractsDirectory]).Select(path => CheckOne(path, settings)).ToList();
        var diagnostics = checks.SelectMany(check => check.Diagnostics).Distinct().ToList();
        var problems = checks.SelectMany(check => check.Problems).Distinct(StringComparer.Ordinal).ToList();
        var plans = checks.SelectMany(check => check.Plans).DistinctBy(plan => plan.Hash).ToList();
        var errors = problems.Count + diagnostics.Count(diagnostic => diagnostic.Severity == Severity.Error);
        var failed = errors > 0 || (strict && diagnostics.Count > 0);
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
                writer.Objects("diagnostics", diagnostics, diagnostic =>
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
                writer.Texts("problems", problems);
            });
        }
        else
        {
            Complain(diagnostics, problems);
            Console.WriteLine($"{plans.Count} contracts, {errors} errors, {diagnostics.Count(diagnostic => diagnostic.Severity == Severity.Warning)} warnings");
        }

        return failed ? CommandLine.Failed : CommandLine.Done;
    }

    private static int List(bool json)
    {
        var settings = CommandLine.Settings(SettingsUse.Nothing);
        var contracts = LoadedContracts.Load(settings, SettingsReader.Environment(), resolveSecrets: false);
        Complain(contracts.Compilation.Diagnostics, contracts.Connections.Problems);
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
                Console.WriteLine($"{plan.Name,-30} {plan.Version,-12} {plan.Hash[..12]}  {plan.Description.ReplaceLineEndings(" ").Trim()}{Times(plan)}");
            }
        }

        return contracts.HasErrors ? CommandLine.Failed : CommandLine.Done;
    }

    private static string Times(Plan plan) => plan.Schedule is not { } schedule ? "" : $"  [{schedule.Text}]";

    private static void Complain(IEnumerable<Diagnostic> diagnostics, IEnumerable<string> problems)
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

    private sealed record Checked(IReadOnlyList<Plan> Plans, IReadOnlyList<Diagnostic> Diagnostics, IReadOnlyList<string> Problems);

    // A file is checked with its directory, because connections and schemas lie there; then what belongs to other contracts is left out.
    private static Checked CheckOne(string path, RuntimeSettings settings)
    {
        var full = Path.GetFullPath(path);
        var isFile = File.Exists(full);
        if (!isFile && !Directory.Exists(full))
        {
            throw new ConfigurationException($"{path}: there is no such file or directory. Name a contract, or a directory of contracts.");
        }

        var directory = isFile ? Path.GetDirectoryName(full)! : full;
        var loaded = LoadedContracts.Load(settings with { ContractsDirectory = directory }, SettingsReader.Environment(), resolveSecrets: false);
        return isFile
            ? new Checked(
                [.. loaded.Compilation.Plans.Where(plan => Path.GetFullPath(plan.Source.Path, directory) == full)],
                [.. loaded.Compilation.Diagnostics.Where(diagnostic => Concerns(diagnostic, full, directory))],
                loaded.Connections.Problems)
            : new Checked(loaded.Compilation.Plans, loaded.Compilation.Diagnostics, loaded.Connections.Problems);
    }

    private static bool Concerns(Diagnostic diagnostic, string file, string directory)
    {
        var path = Path.GetFullPath(diagnostic.Path);
        return path == file || Path.GetDirectoryName(path) != directory;
    }
}
