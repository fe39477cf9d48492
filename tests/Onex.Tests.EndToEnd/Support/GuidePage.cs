using System.Text.RegularExpressions;

namespace Onex.Tests.EndToEnd.Support;

/// <summary>A page of docs/ that a test follows: the files and commands of its fences.</summary>
internal sealed partial class GuidePage(string name)
{
    public string Text { get; } = File.ReadAllText(Repository.At("docs", name));

    /// <summary>The files: a file's name is on the line before its fence.</summary>
    public IReadOnlyList<(string Name, string Content)> Files =>
        [.. NamedFence().Matches(Text).Select(file => (file.Groups["name"].Value, file.Groups["content"].Value))];

    /// <summary>The lines of the fences of commands.</summary>
    public IReadOnlyList<string> Commands =>
    [
        .. CommandFence().Matches(Text).SelectMany(fence => fence.Groups["commands"].Value.Split('\n')).Where(line => line.Length > 0),
    ];

    /// <summary>The content of the first fence of a language; empty without one.</summary>
    public string Fence(string language) =>
        Regex.Match(Text, $"^```{language}\n(?<content>(?:.*\n)*?)```\n", RegexOptions.Multiline | RegexOptions.NonBacktracking)
            .Groups["content"].Value;

    /// <summary>Writes its files below a directory. A file that exists already must equal the one on the page.</summary>
    public void WriteFiles(string directory)
    {
        foreach (var (name, content) in Files)
        {
            var path = Path.Combine(directory, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            if (File.Exists(path))
            {
                Assert.Equal(content, File.ReadAllText(path));
            }

            File.WriteAllText(path, content);
        }
    }

    [GeneratedRegex(@"^`(?<name>[\w./]+)`\n\n```\w+\n(?<content>(?:.*\n)*?)```\n", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex NamedFence();

    [GeneratedRegex(@"^```bash\n(?<commands>(?:.*\n)*?)```\n", RegexOptions.Multiline | RegexOptions.NonBacktracking)]
    private static partial Regex CommandFence();
}
