using System.Globalization;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;

namespace Onex.Effects.Connections;

/// <summary>What <c>contracts/connections/</c> says.</summary>
/// <param name="Connections">The connections without a problem, by name.</param>
/// <param name="Problems">Each one line: <c>file:line:column: what, remedy</c>. With any of them nothing may start. Hold no secrets.</param>
public sealed record ConnectionsReading(IReadOnlyDictionary<string, Connection> Connections, IReadOnlyList<string> Problems)
{
    /// <summary>The connections as contracts are checked against them.</summary>
    public IReadOnlyDictionary<string, Contracts.Catalogue.ConnectionDescriptor> Describe() =>
        Connections.ToDictionary(pair => pair.Key, pair => pair.Value.Describe(), StringComparer.Ordinal);
}

/// <summary>Reads the files of connections: all of them, merged, with every problem at once.</summary>
public static class ConnectionsReader
{
    private const int FileBytesMax = 1024 * 1024;
    private const int DepthMax = 16;

    /// <summary>Reads <c>*.yaml</c> in the directory; one that does not exist holds none. Never throws for what is there.</summary>
    /// <param name="directory"><c>connections</c> below the contracts directory.</param>
    /// <param name="environment">Addresses and secrets: <c>ONEX_CONNECTION_&lt;NAME&gt;_URL</c>, and what <c>${secret:NAME}</c> names.</param>
    /// <param name="resolveSecrets">False for a role that opens no connection and only checks contracts: it need not have the secrets.</param>
    public static ConnectionsReading Read(string directory, IReadOnlyDictionary<string, string> environment, bool resolveSecrets)
    {
        var problems = new List<string>();
        var connections = new Dictionary<string, Connection>(StringComparer.Ordinal);
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        var secrets = new Secrets(environment, resolveSecrets);

        foreach (var path in Files(directory, problems))
        {
            var file = new ConnectionsFile(path, problems);
            if (Parse(file) is not { } root)
            {
                continue;
            }

            foreach (var (key, value) in file.Entries(root, ["connections"], "a file of connections"))
            {
                if (key != "connections")
                {
                    continue;
                }

                foreach (var (name, node) in file.Entries(value, known: null, "'connections'"))
                {
                    if (!places.TryAdd(name, file.Place(node)))
                    {
                        file.Complain(node, $"connection '{name}' is defined at {places[name]} already", "Give one of the two another name.");
                    }
                    else if (new ConnectionReading(file, secrets, environment).Read(name, node) is { } connection)
                    {
                        connections.Add(name, connection);
                    }
                }
            }
        }

        return new ConnectionsReading(connections, problems);
    }

    private static string[] Files(string directory, List<string> problems)
    {
        try
        {
            return Directory.Exists(directory) ? [.. Directory.GetFiles(directory, "*.yaml").Order(StringComparer.Ordinal)] : [];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{directory}:1:1: cannot be listed ({exception.Message}). Make it readable for the user that runs onex.");
            return [];
        }
    }

    private static YamlNode? Parse(ConnectionsFile file)
    {
        string text;
        try
        {
            if (new FileInfo(file.Path).Length > FileBytesMax)
            {
                file.Complain(1, 1, $"the file is larger than {FileBytesMax / 1024} KiB", "Split it: all files here are merged.");
                return null;
            }

            text = File.ReadAllText(file.Path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            file.Complain(1, 1, $"cannot be read ({exception.Message})", "Make it readable for the user that runs onex.");
            return null;
        }

        try
        {
            if (!IsPlain(text, file))
            {
                return null;
            }

            var yaml = new YamlStream();
            yaml.Load(new StringReader(text));
            if (yaml.Documents.Count > 1)
            {
                file.Complain(yaml.Documents[1].RootNode, "a file of connections is one YAML document", "Put the others into files of their own.");
                return null;
            }

            return yaml.Documents.Count == 0 ? null : yaml.Documents[0].RootNode;
        }
        catch (YamlException exception)
        {
            // YamlDotNet quotes names and keywords at most; a value that holds a secret is a reference still.
            file.Complain(exception.Start.Line, exception.Start.Column, $"not YAML: {exception.Message.TrimEnd('.')}", "Correct it there or just before.");
            return null;
        }
    }

    // The parser's events come without recursion, so this bounds what is loaded after it.
    private static bool IsPlain(string text, ConnectionsFile file)
    {
        var parser = new Parser(new StringReader(text));
        var depth = 0;
        while (parser.MoveNext())
        {
            if (parser.Current is AnchorAlias || parser.Current is NodeEvent { Anchor.IsEmpty: false } or NodeEvent { Tag.IsEmpty: false })
            {
                file.Complain(parser.Current.Start.Line, parser.Current.Start.Column, "anchors, aliases and tags are not read here", "Write the value out.");
                return false;
            }

            depth += parser.Current is MappingStart or SequenceStart ? 1 : parser.Current is MappingEnd or SequenceEnd ? -1 : 0;
            if (depth > DepthMax)
            {
                file.Complain(parser.Current!.Start.Line, parser.Current.Start.Column, $"nested more than {DepthMax} deep", "Remove what is too much.");
                return false;
            }
        }

        return true;
    }
}

/// <summary>One file, and where its complaints go.</summary>
internal sealed class ConnectionsFile(string path, List<string> problems)
{
    public string Path { get; } = path;

    public int ProblemCount => problems.Count;

    public string Place(YamlNode node) => $"{Path}:{node.Start.Line}:{node.Start.Column}";

    public void Complain(YamlNode node, string what, string remedy) => Complain(node.Start.Line, node.Start.Column, what, remedy);

    public void Complain(long line, long column, string what, string remedy) =>
        problems.Add(string.Create(CultureInfo.InvariantCulture, $"{Path}:{line}:{column}: {what}. {remedy}"));

    /// <summary>The entries of a mapping by key; complains of other nodes, and of keys that are not known unless any will do.</summary>
    public IEnumerable<(string Key, YamlNode Value)> Entries(YamlNode node, IReadOnlyCollection<string>? known, string what)
    {
        if (node is not YamlMappingNode mapping)
        {
            Complain(node, $"{what} must be a mapping", known is null ? "Write 'name: value' lines below it." : $"Keys here: {string.Join(", ", known)}.");
            yield break;
        }

        foreach (var (keyNode, value) in mapping.Children)
        {
            if (keyNode is not YamlScalarNode { Value: { Length: > 0 } key })
            {
                Complain(keyNode, $"a key of {what} must be text", "Write a name before the colon.");
            }
            else if (known is not null && !known.Contains(key, StringComparer.Ordinal))
            {
                var guess = Spelling.Nearest(key, known) is { } nearest ? $"Did you mean '{nearest}'? " : "";
                Complain(keyNode, $"{what} has no key '{key}'", $"{guess}Keys here: {string.Join(", ", known)}.");
            }
            else
            {
                yield return (key, value);
            }
        }
    }
}

/// <summary>Finds what was meant.</summary>
internal static class Spelling
{
    /// <summary>The known name that differs in the fewest letters, or null if none is near.</summary>
    public static string? Nearest(string misspelt, IEnumerable<string> known) =>
        known.Select(name => (Name: name, Distance: Distance(misspelt, name)))
            .Where(candidate => candidate.Distance <= Math.Max(1, misspelt.Length / 3))
            .OrderBy(candidate => candidate.Distance)
            .Select(candidate => candidate.Name)
            .FirstOrDefault();

    // Letters to insert, remove or replace; keys are short, so the whole table is small.
    private static int Distance(string a, string b)
    {
        if (Math.Abs(a.Length - b.Length) > b.Length)
        {
            return int.MaxValue;
        }

        var above = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var row = new int[b.Length + 1];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                row[j] = Math.Min(Math.Min(row[j - 1], above[j]) + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
            }

            above = row;
        }

        return above[b.Length];
    }
}
