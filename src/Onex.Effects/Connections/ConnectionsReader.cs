using System.Text;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Effects.Connections;

/// <summary>The connections of <c>contracts/connections/</c>.</summary>
/// <param name="Connections">The connections without an error, by name.</param>
/// <param name="Diagnostics">The diagnostics by file and position, without secrets. With an error among them nothing may start.</param>
public sealed record ConnectionsResult(IReadOnlyDictionary<string, Connection> Connections, IReadOnlyList<Diagnostic> Diagnostics)
{
    /// <summary>Whether a diagnostic is an error.</summary>
    public bool HasErrors => Diagnostics.Any(diagnostic => diagnostic.Severity == Severity.Error);

    /// <summary>The faulty connections, as contracts see them.</summary>
    internal IReadOnlyList<ConnectionDescriptor> Faulty { get; init; } = [];

    /// <summary>Further files that the connections are read from: certificates and secrets.</summary>
    public IReadOnlyList<string> OtherFiles { get; init; } = [];

    /// <summary>Whether some connections may be unknown, because the directory or a file cannot be read or parsed.</summary>
    internal bool IsIncomplete { get; init; }

    /// <summary>
    /// The connections against which contracts are checked, including faulty ones, whose problems are diagnostics of their own files. Null
    /// if <see cref="IsIncomplete"/>.
    /// </summary>
    public IReadOnlyDictionary<string, ConnectionDescriptor>? Describe() => IsIncomplete
        ? null
        : Connections.Values.Select(connection => connection.Describe()).Concat(Faulty).ToDictionary(
            descriptor => descriptor.Name, StringComparer.Ordinal);
}

/// <summary>Reads and merges all files of connections, and reports all problems at once.</summary>
public static class ConnectionsReader
{
    private const int FileBytesMax = 1024 * 1024;
    private const int DepthMax = 16;

    private static readonly UTF8Encoding _strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads <c>*.yaml</c> in the directory, which need not exist. Problems of files are diagnostics, not exceptions.</summary>
    /// <param name="directory"><c>connections</c> below the contracts directory.</param>
    /// <param name="environment">The variables for addresses (<c>ONEX_CONNECTION_&lt;NAME&gt;_URL</c>) and secrets
    /// (<c>${secret:NAME}</c>).</param>
    /// <param name="resolveSecrets">False for a role that only checks contracts and does not have the secrets.</param>
    /// <param name="vault">The known secrets of Vault; null if none can be known.</param>
    public static ConnectionsResult Read(
        string directory, IReadOnlyDictionary<string, string> environment, bool resolveSecrets, VaultSecrets? vault = null)
    {
        var diagnostics = new List<Diagnostic>();
        var (paths, isIncomplete) = ListFiles(directory, diagnostics);
        var connections = new Dictionary<string, Connection>(StringComparer.Ordinal);
        var faulty = new Dictionary<string, ConnectionDescriptor>(StringComparer.Ordinal);
        var places = new Dictionary<string, string>(StringComparer.Ordinal);
        var otherFiles = new List<string>();

        foreach (var path in paths)
        {
            var (text, unreadable) = Load(path);
            var file = new ConnectionsFile(path, text);
            if (unreadable is not null)
            {
                file.Report(unreadable);
            }

            var declared = unreadable is null ? ReadEntries(file, text) : [];

            // A problem at this point concerns the whole file.
            isIncomplete |= file.ProblemCount > 0;
            foreach (var (name, node) in declared)
            {
                var secrets = new Secrets(environment, resolveSecrets, vault);
                var place = $"{path}:{name.At.Line}:{name.At.Column}";
                if (!places.TryAdd(name.Text, place))
                {
                    file.Report(ConnectionDiagnostics.DefinedTwice(name.At, name.Text, places[name.Text]));
                }
                else if (new ConnectionReader(file, secrets, environment).Read(name, node) is { } connection)
                {
                    connections.Add(name.Text, connection);
                }
                else
                {
                    var type = ((node as MapSyntax)?.Find("type") as ScalarSyntax)?.Text ?? "";
                    faulty.Add(name.Text, new ConnectionDescriptor(name.Text, type, null, null) { IsFaulty = true });
                }

                otherFiles.AddRange(secrets.Files);
            }

            otherFiles.AddRange(file.OtherFiles);
            diagnostics.AddRange(file.Source.Diagnostics());
        }

        return new ConnectionsResult(connections, diagnostics)
        {
            Faulty = [.. faulty.Values],
            OtherFiles = [.. otherFiles.Distinct(StringComparer.Ordinal)],
            IsIncomplete = isIncomplete,
        };
    }

    private static IReadOnlyList<SyntaxEntry> ReadEntries(ConnectionsFile file, string text)
    {
        // A file of comments alone declares no connections.
        if (text.Split('\n').All(line => line.Trim() is "" or ['#', ..]) || YamlReader.Read(file.Source, DepthMax) is not { } root)
        {
            return [];
        }

        _ = file.ReadEntries(root, ConnectionSchema.FileKeys, "a file of connections");
        return (root as MapSyntax)?.Find("connections") is { } declared and not ScalarSyntax { IsNull: true }
            ? file.ReadEntries(declared, known: null, "'connections'")
            : [];
    }

    private static (IReadOnlyList<string> Paths, bool IsIncomplete) ListFiles(string directory, List<Diagnostic> diagnostics)
    {
        try
        {
            var files = Directory.Exists(directory) ? Directory.GetFiles(directory).Order(StringComparer.Ordinal).ToList() : [];

            // Kubernetes mounts a directory of files as links into hidden directories next to them.
            files.RemoveAll(path => Path.GetFileName(path).StartsWith('.'));
            diagnostics.AddRange(files
                .Where(path => Path.GetExtension(path) is ".yml" or ".YAML" or ".YML")
                .Select(path => ForFile(path, ConnectionDiagnostics.IgnoredFile(Path.GetFileName(path)))));
            return ([.. files.Where(path => Path.GetExtension(path) == ".yaml")], false);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            diagnostics.Add(ForFile(directory, ContractDiagnostics.Unreadable(SourceSpan.Start, directory, exception.Message)));
            return ([], true);
        }
    }

    private static Diagnostic ForFile(string path, DiagnosticDraft draft) =>
        new(draft.Code, draft.Severity, path, 1, 1, 1, draft.Problem, draft.Remedy, null);

    private static (string Text, DiagnosticDraft? Unreadable) Load(string path)
    {
        try
        {
            return new FileInfo(path).Length > FileBytesMax
                ? ("", ContractDiagnostics.TooLarge(new FileInfo(path).Length))
                : (FileContent.IsEmpty(path) ? "" : _strictUtf8.GetString(WithoutByteOrderMark(File.ReadAllBytes(path))), null);
        }
        catch (DecoderFallbackException)
        {
            return ("", ContractDiagnostics.NotUtf8(SourceSpan.Start));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return ("", ContractDiagnostics.Unreadable(SourceSpan.Start, path, exception.Message));
        }
    }

    private static ReadOnlySpan<byte> WithoutByteOrderMark(ReadOnlySpan<byte> utf8) => utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
}
