using System.Text;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>The files of a contracts directory.</summary>
internal sealed class ContractDirectory(string root)
{
    /// <summary>The folder with the declarations of remote operations.</summary>
    public const string OperationsFolder = "operations";

    private static readonly string[] _otherFolders = ["runtime", "connections", "schemas", OperationsFolder];
    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>
    /// The contracts, and files whose extension suggests a misnamed contract: paths relative to the directory, in ordinal order.
    /// </summary>
    public (List<string> Contracts, List<string> Ignored) List()
    {
        var (contracts, ignored) = (new List<string>(), new List<string>());
        var folders = new Stack<string>([""]);
        while (folders.TryPop(out var folder))
        {
            foreach (var entry in new DirectoryInfo(Path.Combine(root, folder)).EnumerateFileSystemInfos())
            {
                var path = folder.Length == 0 ? entry.Name : $"{folder}/{entry.Name}";
                if (entry.Name.StartsWith('.'))
                {
                    // Kubernetes mounts a directory of files as links into hidden folders beside them.
                    continue;
                }

                if (entry is DirectoryInfo)
                {
                    // A link may form a cycle.
                    if (entry.LinkTarget is null && !_otherFolders.Contains(path))
                    {
                        folders.Push(path);
                    }
                }
                else if (entry.Extension == ".yaml")
                {
                    contracts.Add(path);
                }
                else if (entry.Extension is ".yml" or ".YAML" or ".YML")
                {
                    ignored.Add(path);
                }
            }
        }

        contracts.Sort(StringComparer.Ordinal);
        ignored.Sort(StringComparer.Ordinal);
        return (contracts, ignored);
    }

    /// <summary>The files that declare connections, relative to the directory, in order.</summary>
    public IEnumerable<string> ConnectionFiles()
    {
        var folder = new DirectoryInfo(Path.Combine(root, "connections"));
        return folder.Exists
            ? folder.EnumerateFiles("*.yaml").Select(file => $"connections/{file.Name}").Order(StringComparer.Ordinal).ToList() : [];
    }

    /// <summary>The files that declare remote operations, and files that look like misnamed ones, relative to the directory.</summary>
    public (List<string> Files, List<string> Ignored) OperationFiles()
    {
        var folder = new DirectoryInfo(Path.Combine(root, OperationsFolder));
        var names = folder.Exists
            ? folder.EnumerateFiles().Select(file => file.Name).Where(name => name[0] != '.').Order(StringComparer.Ordinal).ToList() : [];
        return (WithExtension(".yaml"), WithExtension(".yml", ".YAML", ".YML"));

        List<string> WithExtension(params string[] extensions) =>
            [.. names.Where(name => extensions.Contains(Path.GetExtension(name))).Select(name => $"{OperationsFolder}/{name}")];
    }

    /// <summary>The path as messages show it: below the directory as it was configured.</summary>
    public string DisplayPath(string path) => Path.Combine(root, path);

    /// <summary>The text of a file, and a diagnostic if it cannot be read, is too large or is not UTF-8.</summary>
    public (string Text, DiagnosticDraft? Problem) Load(string path)
    {
        var (text, draft, unreadable) = Read(path);
        return (text, unreadable is null ? draft : ContractDiagnostics.Unreadable(SourceSpan.Start, path, unreadable));
    }

    /// <summary>Reads a file that a contract refers to.</summary>
    public LoadedFile LoadReference(string path, int depthMax)
    {
        var (text, draft, unreadable) = Read(path);
        var problem = unreadable ?? draft?.Problem;
        return LoadedFile.Parse(path, problem is null ? text : null, problem?.TrimEnd('.'), depthMax);
    }

    private (string Text, DiagnosticDraft? Problem, string? Unreadable) Read(string path)
    {
        byte[] bytes;
        var length = 0;
        try
        {
            if (FileContent.IsEmpty(DisplayPath(path)))
            {
                return ("", null, null);
            }

            // The file is read in large pieces, so the stream needs no buffer of its own.
            using var stream = new FileStream(DisplayPath(path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete,
                bufferSize: 0);
            if (stream.Length > Limits.FileBytesMax)
            {
                return ("", ContractDiagnostics.TooLarge(stream.Length), null);
            }

            // The file may grow. A buffer of the maximum size for each file would cause many garbage collections.
            bytes = new byte[stream.Length + 1];
            while (stream.Read(bytes.AsSpan(length)) is > 0 and var count)
            {
                length += count;
                if (length > Limits.FileBytesMax)
                {
                    return ("", ContractDiagnostics.TooLarge(length), null);
                }

                if (length == bytes.Length)
                {
                    Array.Resize(ref bytes, Math.Min(2 * bytes.Length, Limits.FileBytesMax + 1));
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            var isMissing = exception is FileNotFoundException or DirectoryNotFoundException;
            return ("", null, isMissing ? "there is no such file." : exception.Message);
        }

        var utf8 = bytes.AsSpan(0, length);
        utf8 = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        try
        {
            return (_strict.GetString(utf8), null, null);
        }
        catch (DecoderFallbackException)
        {
            var text = Encoding.UTF8.GetString(utf8);
            var before = text[..text.IndexOf('\uFFFD', StringComparison.Ordinal)];
            var lineStart = before.LastIndexOf('\n') + 1;
            return (text, ContractDiagnostics.NotUtf8(
                new SourceSpan(before.Count(character => character == '\n') + 1, before.Length - lineStart + 1, 1)), null);
        }
    }
}
