using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Yaml;

namespace Onex.Effects.Connections;

/// <summary>A hash of everything that a connection is read from. It shows whether a reload changes the connection.</summary>
internal static class ConnectionFingerprint
{
    /// <param name="file">The file; relative paths start at its directory.</param>
    /// <param name="definition">The connection as it is written.</param>
    /// <param name="contents">The secrets and the contents of the files that it refers to.</param>
    public static string For(ConnectionsFile file, MapSyntax definition, IEnumerable<string> contents)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, 'f', Path.GetDirectoryName(Path.GetFullPath(file.Path))!);
        Add(hash, definition);
        foreach (var content in contents)
        {
            Add(hash, 'c', content);
        }

        return Convert.ToHexString(hash.GetHashAndReset());
    }

    private static void Add(IncrementalHash hash, SyntaxNode node)
    {
        switch (node)
        {
            case MapSyntax map:
                Add(hash, 'm', "");
                foreach (var (key, value) in map.Entries)
                {
                    Add(hash, key);
                    Add(hash, value);
                }

                break;
            case ListSyntax list:
                Add(hash, 'l', "");
                foreach (var item in list.Items)
                {
                    Add(hash, item);
                }

                break;
            case ScalarSyntax scalar:
                Add(hash, scalar.IsPlain ? 'p' : 't', scalar.Text);
                return;
        }

        Add(hash, 'e', "");
    }

    // Kind and length come first, so that two parts never read as one.
    private static void Add(IncrementalHash hash, char kind, string text) =>
        hash.AppendData(Encoding.UTF8.GetBytes($"{kind}{text.Length}:{text}"));
}
