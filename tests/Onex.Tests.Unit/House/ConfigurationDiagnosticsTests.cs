using System.Text.RegularExpressions;
using Onex.Effects.Connections;
using Onex.Hosting.Settings;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.House;

/// <summary>
/// Every diagnostic that only connections, settings or remote operations have (ONEX20xx) has an example in
/// <c>tests/connections/invalid</c>, <c>tests/settings/invalid</c> or <c>tests/operations/invalid</c>, a file with its exact output
/// beside it, and a page in <c>docs/errors</c> that shows it. None may exist without the others.
/// </summary>
/// <remarks>
/// An example of connections is a file or a folder of files. An example of settings is an environment (<c>.env</c>), a settings file
/// (<c>.yaml</c>), or both. An example of operations is a file or a folder of files.
/// </remarks>
public sealed partial class ConfigurationDiagnosticsTests
{
    private static readonly string _connections = Repository.At("tests", "connections", "invalid");
    private static readonly string _settings = Repository.At("tests", "settings", "invalid");
    private static readonly string _operations = Repository.At("tests", "operations", "invalid");
    private static readonly string _pages = Repository.At("docs", "errors");

    public static TheoryData<string> Codes => new(DeclaredCodes());

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_diagnostic_is_printed_as_its_example_expects(string code)
    {
        var golden = Path.Combine(FolderOf(code), $"{code}.expected.txt");
        var actual = Render(code);
        Assert.Contains($" {code}: ", actual, StringComparison.Ordinal);

        // The examples call every secret "hidden".
        Assert.DoesNotContain("hidden", actual, StringComparison.Ordinal);
        Assert.Equal(Repository.Golden(golden, actual), actual);
    }

    [Theory]
    [MemberData(nameof(Codes))]
    public void A_diagnostic_has_a_page_that_shows_it(string code)
    {
        var path = Path.Combine(_pages, $"{code}.md");
        var page = File.ReadAllText(path);
        var shown = Render(code);
        if (Repository.Updating)
        {
            page = Fence().Replace(page, _ => $"```text\n{shown}```\n");
            File.WriteAllText(path, page);
        }

        Assert.StartsWith($"# {code}: ", page, StringComparison.Ordinal);
        Assert.Contains("## Cause\n", page, StringComparison.Ordinal);
        Assert.Contains($"## Example\n\n```text\n{shown}```\n", page, StringComparison.Ordinal);
        Assert.Contains("## Remedy\n", page, StringComparison.Ordinal);
    }

    [Fact]
    public void Examples_and_pages_exist_only_for_known_diagnostics()
    {
        var codes = DeclaredCodes().ToHashSet();
        var unknown = Directory.EnumerateFileSystemEntries(_connections)
            .Concat(Directory.EnumerateFiles(_settings))
            .Concat(Directory.EnumerateFileSystemEntries(_operations))
            .Concat(Directory.EnumerateFiles(_pages, "ONEX20*"))
            .Select(path => Path.GetFileName(path))
            .Where(name => !codes.Contains(name.Split('.')[0]));

        Assert.Empty(unknown);
    }

    private static IEnumerable<string> DeclaredCodes() =>
        Declared("Onex.Effects", "Connections", "ConnectionDiagnostics.cs")
            .Concat(Declared("Onex.Hosting", "Settings", "SettingsDiagnostics.cs"))
            .Concat(Declared("Onex.Contracts", "Compiling", "RemoteOperationDiagnostics.cs"));

    private static string FolderOf(string code) => IsOfSettings(code) ? _settings : IsOfOperations(code) ? _operations : _connections;

    private static bool IsOfOperations(string code) =>
        Declared("Onex.Contracts", "Compiling", "RemoteOperationDiagnostics.cs").Contains(code);

    private static IEnumerable<string> Declared(params string[] file) =>
        Code().Matches(File.ReadAllText(Repository.At(["src", .. file]))).Select(match => match.Value).Distinct().Order();

    private static bool IsOfSettings(string code) => Declared("Onex.Hosting", "Settings", "SettingsDiagnostics.cs").Contains(code);

    private static string Render(string code)
    {
        if (IsOfOperations(code))
        {
            return RenderOperations(code);
        }

        var folder = Path.Combine(_connections, code);
        if (Directory.Exists(folder))
        {
            return RenderConnections(code, folder);
        }

        var temporary = Directory.CreateTempSubdirectory("onex-");
        try
        {
            if (IsOfSettings(code))
            {
                return RenderSettings(code, temporary.FullName);
            }

            File.Copy(Path.Combine(_connections, $"{code}.yaml"), Path.Combine(temporary.FullName, $"{code}.yaml"));
            return RenderConnections(code, temporary.FullName);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    private static string RenderSettings(string code, string directory)
    {
        var contracts = Directory.CreateDirectory(Path.Combine(directory, "contracts", "runtime"));
        var (environment, file) = (Path.Combine(_settings, $"{code}.env"), Path.Combine(_settings, $"{code}.yaml"));
        if (File.Exists(file))
        {
            File.Copy(file, Path.Combine(contracts.FullName, "runtime_config.yaml"));
        }

        var variables = (File.Exists(environment) ? File.ReadAllLines(environment) : [])
            .Select(line => line.Split('=', 2))
            .ToDictionary(parts => parts[0], parts => parts[1], StringComparer.Ordinal);
        return string.Concat(SettingsReader
            .Read(variables, directory, operationPrefixes: ["hash", "http"]).Diagnostics.Select(diagnostic => diagnostic.Render()))
            .Replace(directory, "/app", StringComparison.Ordinal);
    }

    private static string RenderOperations(string code)
    {
        var temporary = Directory.CreateTempSubdirectory("onex-");
        try
        {
            var (folder, target) = (Path.Combine(_operations, code), temporary.CreateSubdirectory("operations"));
            foreach (var path in Directory.Exists(folder) ? Directory.GetFiles(folder) : [folder + ".yaml"])
            {
                File.Copy(path, Path.Combine(target.FullName, Path.GetFileName(path)));
            }

            return string.Concat(RemoteOperationsReader.Read(temporary.FullName, TestCatalogue.Operations)
                    .Diagnostics.Select(diagnostic => diagnostic.Render()))
                .Replace(temporary.FullName + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);
        }
        finally
        {
            temporary.Delete(recursive: true);
        }
    }

    // ONEX2011 is about a certificate file, which only a role that has the secrets opens.
    private static string RenderConnections(string code, string directory) =>
        string.Concat(
                ConnectionsReader.Read(directory, new Dictionary<string, string>(), resolveSecrets: code == "ONEX2011")
                    .Diagnostics.Select(diagnostic => diagnostic.Render()))
            .Replace(directory + Path.DirectorySeparatorChar, "", StringComparison.Ordinal);

    [GeneratedRegex("ONEX2[0-9]{3}", RegexOptions.NonBacktracking)]
    private static partial Regex Code();

    [GeneratedRegex(@"```text\n(?:.*\n)*?```\n", RegexOptions.NonBacktracking)]
    private static partial Regex Fence();
}
