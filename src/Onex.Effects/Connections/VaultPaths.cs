namespace Onex.Effects.Connections;

internal static class VaultPaths
{
    /// <summary>The path percent-encoded part by part, or null if it is empty or has an empty part, <c>.</c> or <c>..</c>.</summary>
    public static string? Encode(string path)
    {
        var parts = path.Split('/');
        return parts.Any(part => part is "" or "." or "..") ? null : string.Join('/', parts.Select(Uri.EscapeDataString));
    }

    /// <summary>The API path of a secret of a KV version 2 engine: <c>data/</c> follows the mount, unless it is there already.</summary>
    /// <param name="mount">The mount, encoded, without a slash at the end.</param>
    /// <param name="path">The whole path, encoded, which begins with the mount.</param>
    public static string ForVersioned(string mount, string path)
    {
        var rest = path[mount.Length..].TrimStart('/');
        return $"{mount}/data/{(rest.StartsWith("data/", StringComparison.Ordinal) ? rest["data/".Length..] : rest)}";
    }
}
