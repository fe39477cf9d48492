using System.Collections.Concurrent;

namespace Onex.Effects.Connections;

/// <summary>A field of a secret that a file of connections refers to: <c>${secret:vault:path#field}</c>.</summary>
/// <param name="Path">The path, with its mount, as it is written.</param>
/// <param name="Field">The field.</param>
public readonly record struct VaultReference(string Path, string Field)
{
    /// <summary>Reads what follows <c>vault:</c>; null if it is malformed.</summary>
    internal static VaultReference? Parse(string text)
    {
        var hash = text.IndexOf('#', StringComparison.Ordinal);
        if (hash <= 0 || hash == text.Length - 1)
        {
            return null;
        }

        var path = text[..hash];
        return path.Contains('/', StringComparison.Ordinal) && VaultPaths.Encode(path) is not null ? new(path, text[(hash + 1)..]) : null;
    }

    /// <inheritdoc />
    public override string ToString() => $"vault:{Path}#{Field}";
}

/// <summary>
/// The secrets of Vault that connections refer to, as far as they are known. All fields of a path come from one answer, so that user and
/// password of dynamic credentials belong together.
/// </summary>
public sealed class VaultSecrets
{
    private readonly ConcurrentDictionary<string, IReadOnlyDictionary<string, string>> _fields = new(StringComparer.Ordinal);
    private Action _changed = () => { };

    /// <summary>Calls the function when, after the start of the role, a value became known or has changed.</summary>
    public void OnChanged(Action function) => _changed += function;

    /// <summary>The value, or null if it is not known.</summary>
    internal string? Find(VaultReference reference) => _fields.GetValueOrDefault(reference.Path)?.GetValueOrDefault(reference.Field);

    /// <summary>Sets the fields of a path. True if they differ from the known ones.</summary>
    internal bool Set(string path, IReadOnlyDictionary<string, string> fields)
    {
        var isSame = _fields.TryGetValue(path, out var known)
            && known.Count == fields.Count
            && fields.All(field => known.TryGetValue(field.Key, out var value) && value == field.Value);
        _fields[path] = fields;
        return !isSame;
    }

    internal void ReportChange() => _changed();
}
