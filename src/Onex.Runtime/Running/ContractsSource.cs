using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Compiling;
using Onex.Contracts.Text;
using Onex.Effects.Connections;
using Onex.Hosting.Plugins;
using Onex.Hosting.Settings;

namespace Onex.Runtime.Running;

/// <summary>Reads what a role needs of the contracts directory, at the start and after each change.</summary>
internal sealed class ContractsSource(
    RuntimeSettings settings, IReadOnlyDictionary<string, string> environment, PluginSet plugins, VaultSecrets? vault = null)
{
    private const int HashedBytesMax = 2 * 1024 * 1024;

    private static readonly string[] _extensions = [".yaml", ".yml", ".json"];

    private bool CompilesContracts => settings.Runs(RuntimeProfile.Main);

    private bool OpensConnections => settings.Runs(RuntimeProfile.Effects);

    /// <summary>Reads and compiles. Workers neither compile contracts nor open connections, and effects only open connections.</summary>
    public LoadedContracts Load()
    {
        // Computed before the files are read, so that a change while they are read is noticed. The other files are known only afterwards.
        var hash = HashOf(Files());
        var loaded = Read();
        return loaded with { FilesHash = hash + HashOf(loaded.Connections.OtherFiles) };
    }

    private LoadedContracts Read()
    {
        if (CompilesContracts && Directory.Exists(settings.ContractsDirectory))
        {
            var loaded = LoadedContracts.Load(settings, environment, OpensConnections, plugins, vault: vault);
            return settings.EventBus == EventBus.InMemory
                ? loaded with { Problems = [.. loaded.Problems, .. RemoteRoutes.WithoutKafka(loaded.Compilation.Plans)] }
                : loaded;
        }

        var connections = OpensConnections
            ? LoadedContracts.ReadConnections(settings, environment, resolveSecrets: true, vault)
            : new ConnectionsResult(new Dictionary<string, Connection>(StringComparer.Ordinal), []);
        return new LoadedContracts(
            new Compilation([], []), new CompilerContext(Catalogue.Create(settings, plugins), connections.Describe()), connections, []);
    }

    /// <summary>
    /// A hash of the contents of all files that <see cref="Load"/> may read. Not of their times, which stay the same when Kubernetes swaps
    /// the link to their directory.
    /// </summary>
    /// <param name="others">The certificates and secrets that the connections refer to.</param>
    public string Hash(IEnumerable<string> others) => HashOf(Files()) + HashOf(others);

    private static string HashOf(IEnumerable<string> paths)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var path in paths)
        {
            hash.AppendData(Encoding.UTF8.GetBytes(path));
            hash.AppendData([0]);
            hash.AppendData(SHA256.HashData(ReadContent(path)));
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private List<string> Files()
    {
        var files = new List<string>();
        if (CompilesContracts || OpensConnections)
        {
            Add(
                CompilesContracts ? settings.ContractsDirectory : Path.Combine(settings.ContractsDirectory, "connections"),
                files);
        }

        files.Sort(StringComparer.Ordinal);
        return files;
    }

    private static void Add(string directory, List<string> files)
    {
        try
        {
            foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos().Where(entry => entry.Name[0] != '.'))
            {
                if (entry is not DirectoryInfo)
                {
                    files.AddRange(_extensions.Contains(entry.Extension, StringComparer.OrdinalIgnoreCase) ? [entry.FullName] : []);
                }
                else if (entry.LinkTarget is null)
                {
                    Add(entry.FullName, files);
                }
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            files.Add(directory);
        }
    }

    // Reads no more than HashedBytesMax, because contracts and connections of that size are rejected.
    private static byte[] ReadContent(string path)
    {
        try
        {
            if (FileContent.IsEmpty(path))
            {
                return [];
            }

            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var content = new byte[Math.Min(stream.Length, HashedBytesMax)];
            return content[..stream.ReadAtLeast(content, content.Length, throwOnEndOfStream: false)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return Encoding.UTF8.GetBytes(exception.GetType().Name);
        }
    }
}
