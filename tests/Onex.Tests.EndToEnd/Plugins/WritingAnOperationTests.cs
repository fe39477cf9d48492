using System.Diagnostics;
using System.Text.RegularExpressions;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Plugins;

/// <summary>Follows docs/writing-an-operation.md: its files, its commands, and a request.</summary>
public sealed partial class WritingAnOperationTests
{
    private static readonly string _page = File.ReadAllText(Repository.At("docs", "writing-an-operation.md"));

    [Fact]
    public async Task Whoever_follows_the_page_has_an_operation_that_contracts_call()
    {
        var directory = Directory.CreateTempSubdirectory("onex-operation-");
        try
        {
            await WriteFilesAsync(directory.FullName);
            foreach (var command in Commands().Where(command => !command.StartsWith("onex ", StringComparison.Ordinal)))
            {
                await DotnetAsync(directory.FullName, command);
            }

            foreach (var command in Commands().Where(command => command.StartsWith("onex ", StringComparison.Ordinal)))
            {
                await OnexAsync(directory.FullName, command);
            }

            await using var onex = await EmbeddedOnex.StartAsync(
                new DirectoryInfo(Path.Combine(directory.FullName, "contracts")),
                ("ONEX_PLUGINS_DIR", Path.Combine(directory.FullName, "plugins")), ("CARRIER_TOKEN", "none"));
            var (_, answer) = await onex.RequestAsync(
                $$"""{"operation": "quote", "payload": {{Request().Match(_page).Groups["data"].Value}}}""", "?wait=30s");

            Assert.True("7.00" == (string?)answer["payload"]?["price"], answer.ToJsonString());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    // A file's name is on the line before its fence.
    private static async Task WriteFilesAsync(string directory)
    {
        var files = NamedFence().Matches(_page);
        Assert.Equal(7, files.Count);
        foreach (Match file in files)
        {
            var name = file.Groups["name"].Value;
            var content = file.Groups["content"].Value;
            Assert.Equal(await File.ReadAllTextAsync(Repository.At("samples", name)), content);
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(directory, name))!);
            await File.WriteAllTextAsync(Path.Combine(directory, name), content);
        }
    }

    // Not those that run the role and send a request to it, which the test does itself.
    private static List<string> Commands() =>
    [
        .. CommandFence().Matches(_page).SelectMany(fence => fence.Groups["commands"].Value.Split('\n'))
            .Where(line => line.Length > 0 && !line.Contains("onex run", StringComparison.Ordinal)
                && !line.StartsWith("onex request", StringComparison.Ordinal)),
    ];

    private static async Task OnexAsync(string directory, string command)
    {
        string[] arguments =
        [
            .. command.Split(' ')[1..].Select(word => word is "plugins" or "contracts" ? Path.Combine(directory, word) : word),
        ];
        arguments[0] = command.Split(' ')[1];
        var ended = await OnexProcess.RunAsync(new Dictionary<string, string> { ["CONTRACTS_DIR"] = directory }, arguments);

        Assert.True(ended.Code == 0, $"{command}: {ended.Code}\n{ended.Out}\n{ended.Error}");
    }

    // The package has been compiled with the tests, so it is only packed. Its cache is of this test, because its version stays the same.
    private static async Task DotnetAsync(string directory, string command)
    {
        var arguments = command.Replace("$ONEX_SOURCE", Repository.Root, StringComparison.Ordinal).Split(' ')[1..];
        var start = new ProcessStartInfo("dotnet", arguments[0] == "pack" ? [.. arguments, "--no-build", "-c", "Debug"] : arguments)
        {
            UseShellExecute = false,
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["NUGET_PACKAGES"] = Path.Combine(directory, "cache");
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment.Remove("CI");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();

        Assert.True(process.ExitCode == 0, $"{command}: {process.ExitCode}\n{output}\n{await errors}");
    }

    [GeneratedRegex(@"^`(?<name>[\w./]+)`\n\n```\w+\n(?<content>(?:.*\n)*?)```\n", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex NamedFence();

    [GeneratedRegex(@"^```bash\n(?<commands>(?:.*\n)*?)```\n", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex CommandFence();

    [GeneratedRegex(@"^onex request quote --wait --data '(?<data>.*)'$", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Request();
}
