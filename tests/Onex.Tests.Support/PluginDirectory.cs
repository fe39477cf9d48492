using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Reflection.PortableExecutable;

namespace Onex.Tests.Support;

/// <summary>A directory of plug-ins, with copies of those in tests/plugins.</summary>
public sealed class PluginDirectory : IDisposable
{
    /// <param name="plugins">The names of the plug-ins.</param>
    public PluginDirectory(params string[] plugins)
    {
        foreach (var plugin in plugins)
        {
            Add(plugin, plugin);
        }
    }

    /// <summary>Its path.</summary>
    public string Root { get; } = Directory.CreateTempSubdirectory("onex-plugins-").FullName;

    /// <summary>A path in it.</summary>
    public string At(params string[] path) => Path.Combine([Root, .. path]);

    /// <summary>Copies a plug-in into a folder, and gives its assembly the name of the folder.</summary>
    public void Add(string plugin, string folder)
    {
        Directory.CreateDirectory(At(folder));
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(Repository.Built(plugin, plugin + ".dll"))!))
        {
            var name = Path.GetFileName(file);
            File.Copy(file, At(folder, name.StartsWith(plugin, StringComparison.Ordinal) ? folder + name[plugin.Length..] : name));
        }
    }

    /// <summary>Overwrites the version of a reference in the metadata of a plug-in's assembly.</summary>
    public void SetReference(string folder, string assembly, Version version)
    {
        var path = At(folder, folder + ".dll");
        var bytes = File.ReadAllBytes(path);
        using var image = new PEReader(new MemoryStream(bytes));
        var reader = image.GetMetadataReader();
        var (row, size) = (0, reader.GetTableRowSize(TableIndex.AssemblyRef));
        var start = image.PEHeaders.MetadataStartOffset + reader.GetTableMetadataOffset(TableIndex.AssemblyRef);
        foreach (var handle in reader.AssemblyReferences)
        {
            if (reader.GetString(reader.GetAssemblyReference(handle).Name) == assembly)
            {
                int[] parts = [version.Major, version.Minor, version.Build, version.Revision];
                for (var i = 0; i < parts.Length; i++)
                {
                    BitConverter.TryWriteBytes(bytes.AsSpan(start + (row * size) + (2 * i)), (ushort)parts[i]);
                }

                File.WriteAllBytes(path, bytes);
                return;
            }

            row++;
        }

        throw new ArgumentException($"{path} has no reference to {assembly}.", nameof(assembly));
    }

    /// <inheritdoc />
    public void Dispose() => Directory.Delete(Root, recursive: true);
}
