using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Onex.Tests.Support;

/// <summary>A request that the stand-in received, without its body.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">The path below <c>/v1</c>.</param>
/// <param name="Token">The token, or null.</param>
/// <param name="Namespace">The namespace, or null.</param>
/// <param name="Status">The status of the answer.</param>
public sealed record VaultRequestSeen(string Method, string Path, string? Token, string? Namespace, int Status);

/// <summary>
/// A stand-in for HashiCorp Vault, whose server the tests do not need: an HTTP server on loopback that follows the documented API of the
/// KV version 2 and database engines, of tokens, AppRole, leases and the seal. It is not Vault: it answers 404 to everything else, and its
/// policy is one function, <see cref="Allows"/>.
/// </summary>
public sealed class VaultServer : IAsyncDisposable
{
    /// <summary>A token that never ends.</summary>
    public const string RootToken = "hvs.root-of-the-stand-in";

    /// <summary>The id of the AppRole.</summary>
    public const string RoleId = "role-4711";

    private const string Json = "application/json";

    private readonly WebApplication _server;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, IssuedToken> _tokens = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<Version>> _secrets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Lease> _leases = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<VaultRequestSeen> _requests = new();

    private VaultServer(WebApplication server, Uri address)
    {
        (_server, Address) = (server, address);
        _tokens[RootToken] = new IssuedToken(0, IsRenewable: false);
        server.Run(HandleAsync);
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>The secret id that the AppRole logs in with.</summary>
    public string SecretId { get; set; } = "secret-id-0815";

    /// <summary>Whether it is sealed: every request but <c>sys/seal-status</c> is answered with 503.</summary>
    public bool IsSealed { get; set; }

    /// <summary>If it is set, the status of every answer but those about its seal: 429, 500.</summary>
    public int? Status { get; set; }

    /// <summary>The seconds that it says a token of the AppRole and a renewal last. It ends no token by itself.</summary>
    public int TokenSeconds { get; set; } = 3600;

    /// <summary>The seconds that it says a lease of database credentials and its renewal last. It ends no lease by itself.</summary>
    public int LeaseSeconds { get; set; } = 3600;

    /// <summary>Whether leases and tokens of the AppRole can be renewed.</summary>
    public bool IsRenewable { get; set; } = true;

    /// <summary>The policy: whether a request may happen, by its method and its path below <c>/v1</c>.</summary>
    public Func<string, string, bool> Allows { get; set; } = (_, _) => true;

    /// <summary>Whether the connection of a request is closed instead of an answer, by its path below <c>/v1</c>.</summary>
    public Func<string, bool> BreaksOff { get; set; } = _ => false;

    /// <summary>Creates a database role, by the name of the role of Vault, and returns its credentials.</summary>
    public Func<string, Task<(string User, string Password)>> CreateCredentials { get; set; } = role => Task.FromResult(
        ($"v-{role}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}", RandomNumberGenerator.GetHexString(24)));

    /// <summary>All requests so far that were answered.</summary>
    public IReadOnlyList<VaultRequestSeen> Requests => [.. _requests];

    /// <summary>Starts a server, at the address of an earlier one or at a free one.</summary>
    public static async Task<VaultServer> StartAsync(Uri? address = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        address ??= new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var server = builder.Build();
        server.Urls.Add(address.ToString());
        var vault = new VaultServer(server, address);
        await server.StartAsync();
        return vault;
    }

    /// <summary>Writes a version of a secret: <c>secret/apps/stock</c>. Returns its number.</summary>
    public int Put(string path, params (string Field, string Value)[] fields)
    {
        var data = new JsonObject();
        foreach (var (field, value) in fields)
        {
            data[field] = value;
        }

        lock (_lock)
        {
            return Add(path, data);
        }
    }

    /// <summary>A field of the latest version, or null.</summary>
    public string? Latest(string path, string field)
    {
        lock (_lock)
        {
            return _secrets.GetValueOrDefault(path)?[^1] is { IsDeleted: false } version ? (string?)version.Data[field] : null;
        }
    }

    /// <summary>Whether a version is deleted.</summary>
    public bool IsDeleted(string path, int version)
    {
        lock (_lock)
        {
            return _secrets[path][version - 1].IsDeleted;
        }
    }

    /// <summary>Issues a token.</summary>
    public string Issue(int seconds, bool isRenewable)
    {
        lock (_lock)
        {
            var token = "hvs." + RandomNumberGenerator.GetHexString(24);
            _tokens[token] = new IssuedToken(seconds, isRenewable);
            return token;
        }
    }

    /// <summary>Revokes a token.</summary>
    public void RevokeToken(string token)
    {
        lock (_lock)
        {
            _tokens.Remove(token);
        }
    }

    /// <summary>Revokes all tokens, as a restart of a dev server does.</summary>
    public void RevokeTokens()
    {
        lock (_lock)
        {
            _tokens.Clear();
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        await _server.DisposeAsync();
    }

    private int Add(string path, JsonObject data)
    {
        if (!_secrets.TryGetValue(path, out var versions))
        {
            _secrets[path] = versions = [];
        }

        versions.Add(new Version(data));
        return versions.Count;
    }

    private async Task HandleAsync(HttpContext context)
    {
        var request = context.Request;
        var path = request.Path.Value!.StartsWith("/v1/", StringComparison.Ordinal) ? request.Path.Value["/v1/".Length..] : "";
        var token = request.Headers["X-Vault-Token"].ToString() is { Length: > 0 } given ? given : null;
        if (BreaksOff(path))
        {
            context.Abort();
            return;
        }

        using var reader = new StreamReader(request.Body);
        var text = await reader.ReadToEndAsync();
        var (status, answer) = await AnswerAsync(request, path, token, text.Length > 0 ? JsonNode.Parse(text) as JsonObject : null);
        _requests.Enqueue(new VaultRequestSeen(
            request.Method, path, token, request.Headers["X-Vault-Namespace"].ToString() is { Length: > 0 } name ? name : null, status));
        context.Response.StatusCode = status;
        if (answer is not null)
        {
            context.Response.ContentType = Json;
            await context.Response.WriteAsync(answer.ToJsonString());
        }
    }

    private async Task<(int Status, JsonNode? Body)> AnswerAsync(HttpRequest request, string path, string? token, JsonObject? body)
    {
        if (path is "sys/health" or "sys/seal-status")
        {
            return (IsSealed && path == "sys/health" ? 503 : 200, new JsonObject { ["initialized"] = true, ["sealed"] = IsSealed });
        }

        if (IsSealed)
        {
            return Errors(503, "Vault is sealed");
        }

        if (Status is { } fixedStatus)
        {
            return Errors(fixedStatus, fixedStatus == 429 ? "request path: rate limit quota exceeded" : "internal error");
        }

        if (path == "auth/approle/login")
        {
            return (string?)body?["role_id"] == RoleId && (string?)body["secret_id"] == SecretId
                ? (200, Auth(Issue(TokenSeconds, IsRenewable)))
                : Errors(400, "invalid role or secret ID");
        }

        lock (_lock)
        {
            if (token is null || !_tokens.ContainsKey(token) || !Allows(request.Method, path))
            {
                return Errors(403, "permission denied");
            }
        }

        if (path.StartsWith("database/creds/", StringComparison.Ordinal) && request.Method == "GET")
        {
            return await IssueCredentialsAsync(path);
        }

        lock (_lock)
        {
            return path switch
            {
                "auth/token/lookup-self" => (200, LookUp(token)),
                "auth/token/renew-self" => Renew(token),
                "sys/leases/renew" => RenewLease((string?)body?["lease_id"]),
                "sys/leases/revoke" => Revoke((string?)body?["lease_id"]),
                _ when path.StartsWith("sys/internal/ui/mounts/", StringComparison.Ordinal) =>
                    Mount(path["sys/internal/ui/mounts/".Length..]),
                _ when path.StartsWith("secret/", StringComparison.Ordinal) => Secret(request, "secret", path["secret/".Length..], body),
                _ when path.StartsWith("kv/team/", StringComparison.Ordinal) => Secret(request, "kv/team", path["kv/team/".Length..], body),
                _ => Errors(404, $"no handler for route \"{path}\". route entry not found."),
            };
        }
    }

    private async Task<(int Status, JsonNode? Body)> IssueCredentialsAsync(string path)
    {
        var (user, password) = await CreateCredentials(path["database/creds/".Length..]);
        lock (_lock)
        {
            var id = $"{path}/{RandomNumberGenerator.GetHexString(24)}";
            _leases[id] = new Lease(IsRenewable);
            return (200, new JsonObject
            {
                ["lease_id"] = id,
                ["lease_duration"] = LeaseSeconds,
                ["renewable"] = IsRenewable,
                ["data"] = new JsonObject { ["username"] = user, ["password"] = password },
            });
        }
    }

    private JsonObject LookUp(string token) => new()
    {
        ["data"] = new JsonObject { ["ttl"] = _tokens[token].Seconds, ["renewable"] = _tokens[token].IsRenewable },
    };

    private (int Status, JsonNode? Body) Renew(string token)
    {
        if (!_tokens[token].IsRenewable)
        {
            return Errors(400, "lease is not renewable");
        }

        _tokens[token] = _tokens[token] with { Seconds = TokenSeconds };
        return (200, Auth(token));
    }

    private JsonObject Auth(string token) => new()
    {
        ["auth"] = new JsonObject
        {
            ["client_token"] = token,
            ["lease_duration"] = _tokens[token].Seconds,
            ["renewable"] = _tokens[token].IsRenewable,
        },
    };

    private (int Status, JsonNode? Body) RenewLease(string? id) =>
        id is null || !_leases.TryGetValue(id, out var lease) ? Errors(400, "lease not found")
        : !lease.IsRenewable || !IsRenewable ? Errors(400, "lease is not renewable")
        : (200, new JsonObject { ["lease_id"] = id, ["lease_duration"] = LeaseSeconds, ["renewable"] = true });

    private (int Status, JsonNode? Body) Revoke(string? id) =>
        id is not null && _leases.Remove(id) ? (204, null) : Errors(400, "lease not found");

    private static (int Status, JsonNode? Body) Mount(string path)
    {
        var mount = new[] { "secret/", "kv/team/", "database/" }.FirstOrDefault(name => path.StartsWith(name, StringComparison.Ordinal));
        return mount is null
            ? Errors(403, "preflight capability check returned 403, please ensure client's policies grant access to path")
            : (200, new JsonObject
            {
                ["data"] = new JsonObject
                {
                    ["path"] = mount,
                    ["type"] = mount == "database/" ? "database" : "kv",
                    ["options"] = mount == "database/" ? null : new JsonObject { ["version"] = "2" },
                },
            });
    }

    private (int Status, JsonNode? Body) Secret(HttpRequest request, string mount, string path, JsonObject? body)
    {
        var parts = path.Split('/', 2);
        var (kind, name) = (parts[0], parts.ElementAtOrDefault(1) ?? "");
        var key = $"{mount}/{name}";
        return (request.Method, kind) switch
        {
            ("GET", "data") => Read(key, request.Query["version"].ToString()),
            ("POST" or "PUT" or "PATCH", "data") => Write(key, body!, isPatch: request.Method == "PATCH", request.ContentType),
            ("DELETE", "data") => Delete(key, null),
            ("POST" or "PUT", "delete") => Delete(key, body?["versions"]?.AsArray().Select(version => (int)version!)),
            ("GET" or "LIST", "metadata") when request.Method == "LIST" || request.Query["list"] == "true" => List(key),
            _ => Errors(404, $"no handler for route \"{path}\". route entry not found."),
        };
    }

    private (int Status, JsonNode? Body) Read(string key, string requestedVersion)
    {
        if (!_secrets.TryGetValue(key, out var versions))
        {
            return Errors(404);
        }

        var number = requestedVersion.Length > 0 ? int.Parse(requestedVersion, CultureInfo.InvariantCulture) : versions.Count;
        if (number < 1 || number > versions.Count)
        {
            return Errors(404);
        }

        // The answer about a deleted version is 404, and still has its metadata.
        var version = versions[number - 1];
        var answer = new JsonObject
        {
            ["data"] = new JsonObject
            {
                ["data"] = version.IsDeleted ? null : version.Data.DeepClone(),
                ["metadata"] = new JsonObject { ["version"] = number, ["deletion_time"] = version.IsDeleted ? "2026-01-01T00:00:00Z" : "" },
            },
        };
        return (version.IsDeleted ? 404 : 200, answer);
    }

    private (int Status, JsonNode? Body) Write(string key, JsonObject body, bool isPatch, string? contentType)
    {
        var versions = _secrets.GetValueOrDefault(key);
        if (isPatch && contentType != "application/merge-patch+json")
        {
            return Errors(415, "PATCH requires Content-Type of application/merge-patch+json");
        }

        if (isPatch && versions?[^1] is not { IsDeleted: false })
        {
            return Errors(404);
        }

        if (body["options"]?["cas"] is { } cas && (int)cas != (versions?.Count ?? 0))
        {
            return Errors(400, "check-and-set parameter did not match the current version");
        }

        var data = isPatch ? (JsonObject)versions![^1].Data.DeepClone() : [];
        foreach (var (field, value) in body["data"]!.AsObject())
        {
            data[field] = value?.DeepClone();
        }

        return (200, new JsonObject { ["data"] = new JsonObject { ["version"] = Add(key, data) } });
    }

    private (int Status, JsonNode? Body) Delete(string key, IEnumerable<int>? numbers)
    {
        if (_secrets.TryGetValue(key, out var versions))
        {
            foreach (var number in (numbers ?? [versions.Count]).Where(number => number >= 1 && number <= versions.Count))
            {
                versions[number - 1].IsDeleted = true;
            }
        }

        return (204, null);
    }

    private (int Status, JsonNode? Body) List(string folder)
    {
        var prefix = folder.TrimEnd('/') + "/";
        string[] keys =
        [
            .. _secrets.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal)).Select(key => key[prefix.Length..])
                .Select(rest => rest.IndexOf('/', StringComparison.Ordinal) is >= 0 and var slash ? rest[..(slash + 1)] : rest)
                .Distinct().Order(StringComparer.Ordinal),
        ];
        return keys.Length == 0
            ? Errors(404)
            : (200, new JsonObject
            {
                ["data"] = new JsonObject { ["keys"] = new JsonArray([.. keys.Select(key => JsonValue.Create(key))]) },
            });
    }

    private static (int Status, JsonNode? Body) Errors(int status, params string[] errors) =>
        (status, new JsonObject { ["errors"] = new JsonArray([.. errors.Select(error => JsonValue.Create(error))]) });

    private sealed record IssuedToken(int Seconds, bool IsRenewable);

    private sealed record Lease(bool IsRenewable);

    private sealed class Version(JsonObject data)
    {
        public JsonObject Data => data;

        public bool IsDeleted { get; set; }
    }
}
