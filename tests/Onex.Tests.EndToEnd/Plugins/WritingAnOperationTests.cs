using System.Diagnostics;
using System.Text.RegularExpressions;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Plugins;

/// <summary>Follows docs/writing-an-operation.md: its files, its commands, and a request.</summary>
public sealed partial class WritingAnOperationTests
{
    private static readonly GuidePage _page = new("writing-an-operation.md");

    [Fact]
    public void The_files_of_the_page_are_the_sample()
    {
        Assert.Equal(7, _page.Files.Count);
        Assert.All(_page.Files, file => Assert.Equal(File.ReadAllText(Repository.At("samples", file.Name)), file.Content));
    }

    [Fact]
    public async Task Following_the_page_gives_an_operation_that_contracts_call()
    {
        var directory = Directory.CreateTempSubdirectory("onex-operation-");
        try
        {
            foreach (var command in Commands().Where(command => !command.StartsWith("onex ", StringComparison.Ordinal)))
            {
                if (command.StartsWith("dotnet publish", StringComparison.Ordinal))
                {
                    // The template has written this file. WriteFiles compares it with the page.
                    Assert.True(File.Exists(Path.Combine(directory.FullName, "Acme.Shipping", "Quote.cs")));
                    _page.WriteFiles(directory.FullName);
                }

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
                $$"""{"operation": "quote", "payload": {{Request().Match(_page.Text).Groups["data"].Value}}}""", "?wait=30s");

            Assert.True("7.00" == (string?)answer["payload"]?["price"], answer.ToJsonString());
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    // Without the commands that run the role and send a request to it: the test does that itself.
    private static IEnumerable<string> Commands() => _page.Commands.Where(line =>
        !line.Contains("onex run", StringComparison.Ordinal) && !line.StartsWith("onex request", StringComparison.Ordinal));

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

    // The package was compiled with the tests, so it is only packed. The test has its own cache and templates, because the version of the
    // package stays the same: a shared cache would return an earlier one.
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
        start.Environment["DOTNET_CLI_HOME"] = Path.Combine(directory, "home");
        start.Environment["DOTNET_GENERATE_ASPNET_CERTIFICATE"] = "false";
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

    [GeneratedRegex(@"^onex request quote --wait --data '(?<data>.*)'$", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex Request();
}
