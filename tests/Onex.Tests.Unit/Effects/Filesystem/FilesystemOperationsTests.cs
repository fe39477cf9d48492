using Onex.Effects;

namespace Onex.Tests.Unit.Effects.Filesystem;

/// <summary>The operations on files below a root.</summary>
public sealed class FilesystemOperationsTests : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-files-").FullName;
    private readonly string _root;
    private readonly EffectsHarness _effects;

    public FilesystemOperationsTests()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The operations on files run on Linux only.");
        _root = Path.Combine(_directory, "root");
        Directory.CreateDirectory(Path.Combine(_root, "sub", "deep"));
        File.WriteAllText(Path.Combine(_directory, "secret.txt"), "hidden");
        File.WriteAllText(Path.Combine(_root, "sub", "text.txt"), "grüße");
        _effects = new EffectsHarness($"connections: {{ files: {{ type: filesystem, root: '{_root}' }} }}");
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_file_is_written_read_listed_and_removed()
    {
        Assert.Equal("""{"bytes":6}""", await ResultAsync("write_file", """{"path":"new.txt","content":"first\n"}"""));
        Assert.Equal("""{"bytes":10}""", await ResultAsync("write_file", """{"path":"new.txt","content":{"a":1.50}}"""));
        Assert.Equal("""{"content":"{\u0022a\u0022:1.50}","bytes":10}""", await ResultAsync("read_file", """{"path":"new.txt"}"""));
        Assert.Equal(
            """{"entries":[{"name":"new.txt","is_directory":false,"bytes":10},{"name":"sub","is_directory":true,"bytes":0}]}""",
            await ResultAsync("list_directory", """{"path":"."}"""));
        Assert.Equal("""{"deleted":true}""", await ResultAsync("delete_file", """{"path":"new.txt"}"""));
        Assert.Equal("""{"deleted":false}""", await ResultAsync("delete_file", """{"path":"new.txt"}"""));
        var text = JsonElement.Parse(await ResultAsync("read_file", """{"path":"sub/text.txt"}"""));
        Assert.Equal("grüße", text.GetProperty("content").GetString());
    }

    [Theory]
    [InlineData("../secret.txt")]
    [InlineData("sub/../../secret.txt")]
    [InlineData("sub/./text.txt")]
    [InlineData("/sub/text.txt")]
    [InlineData("sub//text.txt")]
    [InlineData("")]
    [InlineData("sub/")]
    [InlineData("link.txt")]
    [InlineData("linked/secret.txt")]
    [InlineData("sub/text.txt/more")]
    [InlineData("sub")]
    [InlineData("fifo")]
    [InlineData("null")]
    [InlineData("sub/text.txt\\u0000")]
    public async Task No_path_leads_out_of_the_root_or_to_something_else_than_a_file(string path)
    {
        File.CreateSymbolicLink(Path.Combine(_root, "link.txt"), Path.Combine(_directory, "secret.txt"));
        Directory.CreateSymbolicLink(Path.Combine(_root, "linked"), _directory);
        (await Shell.RunAsync("mkfifo", Path.Combine(_root, "fifo"))).OrThrow("mkfifo");
        if (Shell.IsRoot)
        {
            (await Shell.RunAsync("mknod", Path.Combine(_root, "null"), "c", "1", "3")).OrThrow("mknod");
        }
        else
        {
            (await Shell.RunAsync("mkfifo", Path.Combine(_root, "null"))).OrThrow("mkfifo");
        }

        (string Name, string FurtherArguments)[] operations =
            [("read_file", ""), ("write_file", ""","content":"overwritten" """), ("delete_file", "")];
        foreach (var (operation, furtherArguments) in operations)
        {
            var result = await _effects.RunAsync(EffectsHarness.Command(
                "filesystem." + operation, $$"""{"path":"{{path}}"{{furtherArguments}}}""", "files", timeoutMs: 10_000));

            Assert.Equal((StepOutcomes.Rejected, "path_refused"), (result.Outcome, result.Code));
            Assert.DoesNotContain("hidden", JsonSerializer.Serialize(result, MessageJson.Default.StepResult), StringComparison.Ordinal);
        }

        Assert.Equal("hidden", File.ReadAllText(Path.Combine(_directory, "secret.txt")));
        Assert.Equal(
            ["sub", "sub/deep", "sub/text.txt"],
            Directory.EnumerateFileSystemEntries(_root, "*", SearchOption.AllDirectories)
                .Select(entry => Path.GetRelativePath(_root, entry))
                .Where(entry => entry.StartsWith("sub", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("read_file", """{"path":"none.txt"}""", "not_found")]
    [InlineData("write_file", """{"path":"none/new.txt","content":1}""", "not_found")]
    [InlineData("list_directory", """{"path":"none"}""", "not_found")]
    [InlineData("list_directory", """{"path":"sub/text.txt"}""", "path_refused")]
    [InlineData("list_directory", """{"path":".."}""", "path_refused")]
    [InlineData("read_file", """{"path":null}""", "arguments_invalid")]
    [InlineData("read_file", """{}""", "arguments_invalid")]
    public async Task Attempts_that_cannot_succeed_are_rejected(string operation, string arguments, string code)
    {
        var result = await _effects.RunAsync(EffectsHarness.Command("filesystem." + operation, arguments, "files"));

        Assert.Equal((StepOutcomes.Rejected, code), (result.Outcome, result.Code));
        Assert.True(RejectionCodes.Allow(EffectOperations.Descriptors.Single(each => each.Name == "filesystem." + operation), code));
    }

    [Fact]
    public async Task A_file_is_replaced_atomically_with_restricted_access_and_leaves_no_temporary_file()
    {
        var path = Path.Combine(_root, "sub", "text.txt");
        using var before = File.OpenRead(path);

        await ResultAsync("write_file", """{"path":"sub/text.txt","content":"new"}""");

        // A reader that has the file open still sees the whole old content.
        using var reader = new StreamReader(before, Encoding.UTF8);
        Assert.Equal("grüße", await reader.ReadToEndAsync());
        Assert.Equal("new", await File.ReadAllTextAsync(path));
        Assert.EndsWith("0", (await Shell.RunAsync("stat", "-c", "%a", path)).OrThrow("stat").Out.TrimEnd(), StringComparison.Ordinal);
        Assert.Equal(["deep", "text.txt"], Directory.GetFileSystemEntries(Path.Combine(_root, "sub")).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task A_file_above_the_limit_is_rejected_and_links_are_not_listed()
    {
        using (var file = File.Create(Path.Combine(_root, "large")))
        {
            file.SetLength(51 * 1024 * 1024);
        }

        File.CreateSymbolicLink(Path.Combine(_root, "link.txt"), Path.Combine(_directory, "secret.txt"));

        var large = await _effects.RunAsync(EffectsHarness.Command("filesystem.read_file", """{"path":"large"}""", "files"));

        Assert.Equal((StepOutcomes.Rejected, "result_too_large"), (large.Outcome, large.Code));
        Assert.DoesNotContain("link", await ResultAsync("list_directory", """{"path":"."}"""), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_root_fails_the_attempt_without_an_effect()
    {
        Directory.Delete(_root, recursive: true);

        var result = await _effects.RunAsync(
            EffectsHarness.Command("filesystem.write_file", """{"path":"a","content":1}""", "files"));

        Assert.Equal((StepOutcomes.Failed, "connection_failed", StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
    }

    private async Task<string> ResultAsync(string operation, string arguments)
    {
        var result = await _effects.RunAsync(EffectsHarness.Command("filesystem." + operation, arguments, "files"));
        Assert.True(result.Outcome == StepOutcomes.Completed, $"{result.Code}: {result.Message}");
        return result.Result.ToString()!;
    }
}
