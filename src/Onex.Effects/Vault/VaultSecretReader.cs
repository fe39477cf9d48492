using System.Text.Json;
using Onex.Effects.Connections;
using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Vault;

/// <summary>Reads the secret of a path, as <c>vault kv get</c> or, for other engines, <c>vault read</c> do.</summary>
internal sealed class VaultSecretReader(VaultSession session, string path)
{
    private readonly string _path = VaultPaths.Encode(path)!;
    private (string Mount, bool IsVersioned)? _mount;

    /// <summary>Reads the current values.</summary>
    /// <exception cref="VaultException">Vault cannot be reached, is sealed, rejects the login, or does not return the secret.</exception>
    public async Task<VaultSecretContent> ReadAsync(CancellationToken cancellation)
    {
        var (mount, isVersioned) = await FindMountAsync(cancellation);
        var answer = await session.SendAsync(
            HttpMethod.Get, isVersioned ? VaultPaths.ForVersioned(mount, _path) : _path, null, new AttemptProgress(), cancellation);
        if (!answer.IsSuccess)
        {
            var (code, message) = answer.Status switch
            {
                404 => ("secret_not_found", "Vault has no such secret, or its latest version is deleted."),
                403 => ("secret_forbidden", "Vault does not allow the token of the runtime to read it."),
                var status => (HttpStatuses.Code(status), $"Vault answered {status}."),
            };
            // Nothing was sent of what needs the secret.
            throw new VaultException(code, message, AttemptReach.NotSent);
        }

        var data = isVersioned ? answer.Find("data", "data") : answer.Find("data");
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var field in data is { ValueKind: JsonValueKind.Object } map ? map.EnumerateObject() : default)
        {
            fields[field.Name] = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString()! : field.Value.GetRawText();
        }

        var lifetime = TimeSpan.FromSeconds(answer.Number("lease_duration"));
        var leaseId = answer.Text("lease_id") is { Length: > 0 } id && lifetime > TimeSpan.Zero ? id : null;
        return new VaultSecretContent(fields, leaseId, lifetime);
    }

    // If Vault does not say in which mount the path is, its first part is taken for the mount of a KV engine, version 2.
    private async Task<(string Mount, bool IsVersioned)> FindMountAsync(CancellationToken cancellation)
    {
        if (_mount is { } known)
        {
            return known;
        }

        var answer = await session.SendAsync(
            HttpMethod.Get, $"sys/internal/ui/mounts/{_path}", null, new AttemptProgress(), cancellation);
        var result = answer.IsSuccess && answer.Text("data", "path") is { } mount
            ? (mount.TrimEnd('/'), answer.Text("data", "type") == "kv" && answer.Text("data", "options", "version") == "2")
            : (_path.Split('/')[0], true);
        _mount = answer.IsSuccess ? result : null;
        return result;
    }
}
