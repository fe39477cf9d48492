namespace Onex.Effects.Connections;

/// <summary>Paths of Vault's API.</summary>
internal static class VaultPaths
{
    /// <summary>The path percent-encoded part by part, or null if it is empty or has an empty part, <c>.</c> or <c>..</c>.</summary>
    public static string? Encode(string path)
    {
        var parts = path.Split('/');
        return parts.Any(part => part is "" or "." or "..") ? null : string.Join('/', parts.Select(Uri.EscapeDataString));
    }

    /// <summary>
    /// The path in Vault's API of a secret of a KV version 2 engine. It inserts <c>data/</c> after the mount, unless the path has it.
    /// </summary>
    /// <param name="mount">The mount, encoded, without a slash at the end.</param>
    /// <param name="path">The whole path, encoded, which begins with the mount.</param>
    public static string ForVersioned(string mount, string path)
    {
        var rest = path[mount.Length..].TrimStart('/');
        return $"{mount}/data/{(rest.StartsWith("data/", StringComparison.Ordinal) ? rest["data/".Length..] : rest)}";
    }
}
