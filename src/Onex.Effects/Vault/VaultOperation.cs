using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Catalogue;
using Onex.Effects.Connections;
using Onex.Effects.Operations;
using Onex.Operations;
using Onex.Persistence.Secrets;

namespace Onex.Effects.Vault;

/// <summary>Base class of the operations of Vault: requests under the session of their connection.</summary>
internal abstract class VaultOperation<TArguments, TResult>(
    VaultSessions sessions, JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : EffectOperation<TArguments, TResult>(argumentsType, resultType)
    where TArguments : class
    where TResult : class
{
    protected abstract Task<EffectOutcome<TResult>> RunAsync(TArguments arguments, VaultCall call, CancellationToken cancellation);

    protected override async Task<EffectOutcome<TResult>> RunAsync(
        TArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        if (context.Connection is not { Vault: { } address, Url: not null } connection)
        {
            return EffectOutcome<TResult>.Rejected(StepCodes.ArgumentsInvalid, $"{context.Operation} needs a connection to Vault.");
        }

        try
        {
            return await RunAsync(arguments, new VaultCall(sessions.GetOrCreate(connection), address.Mount, context), cancellation);
        }
        catch (VaultException exception)
        {
            // A login that broke off sent nothing of the attempt.
            var reach = context.Progress.IsSent || exception.Reach == AttemptReach.Answered ? exception.Reach : AttemptReach.NotSent;
            return EffectOutcome<TResult>.Failed(reach, exception.Code, exception.Message);
        }
    }

    protected static EffectOutcome<TResult> RejectPath(VaultCall call) => EffectOutcome<TResult>.Rejected(
        StepCodes.ArgumentsInvalid,
        $"{call.Context.Operation}: the path must not be empty, begin or end with a slash, or have a part '.' or '..'.");

    protected static EffectOutcome<TResult> RejectMissing(VaultCall call) => EffectOutcome<TResult>.Refused(
        "secret_not_found", $"The Vault of connection '{call.Context.Connection!.Name}' has no such secret, or its version is deleted.");

    /// <summary>Returns the rejection that an answer means, or throws the failure. The answer is no success.</summary>
    protected static EffectOutcome<TResult> ToOutcome(VaultCall call, VaultAnswer answer)
    {
        // Vault's texts may quote arguments, so only the status is reported.
        var name = call.Context.Connection!.Name;
        if (answer.Status == 403)
        {
            return EffectOutcome<TResult>.Refused(
                "insufficient_privilege", $"The Vault of connection '{name}' does not allow its token to do this.");
        }

        return HttpStatuses.Classify(answer.Status) == HttpAnswer.Rejected
            ? EffectOutcome<TResult>.Refused(
                HttpStatuses.Code(answer.Status), $"The Vault of connection '{name}' answered {answer.Status}.")
            : throw call.Session.UnexpectedAnswer(answer, HttpStatuses.ReachOf(answer.Status));
    }
}

/// <summary>An attempt of an operation of Vault.</summary>
internal sealed record VaultCall(VaultSession Session, string Mount, AttemptContext Context)
{
    public Task<VaultAnswer> SendAsync(HttpMethod method, string path, JsonNode? body, CancellationToken cancellation) =>
        Session.SendAsync(method, path, body, Context.Progress, cancellation);

    /// <summary>Stores handles for the fields of a version and returns them by field.</summary>
    public async Task<IReadOnlyDictionary<string, string>> CreateHandlesAsync(
        ISecretHandles handles, string path, int version, IEnumerable<string> fields, CancellationToken cancellation)
    {
        SecretHandle[] rows =
        [
            .. fields.Distinct(StringComparer.Ordinal).Select(field => new SecretHandle(
                SecretHandleText.NewId(), Context.SagaId, Context.Connection!.Name, path, version, field)),
        ];
        if (rows.Length > 0)
        {
            await handles.AddAsync(rows, cancellation);
        }

        return rows.ToDictionary(row => row.Field, row => SecretHandleText.Write(row.Id), StringComparer.Ordinal);
    }
}

[Operation(
    "vault.read_secret", ConnectionType = "vault",
    Description = "Reads a secret of Vault. Its values are handles: only an effect that gets one as an argument sees the value itself.")]
internal sealed class VaultRead(VaultSessions sessions, ISecretHandles handles)
    : VaultOperation<VaultReadArguments, VaultSecret>(sessions, VaultJson.Default.VaultReadArguments, VaultJson.Default.VaultSecret)
{
    protected override async Task<EffectOutcome<VaultSecret>> RunAsync(
        VaultReadArguments arguments, VaultCall call, CancellationToken cancellation)
    {
        if (VaultPaths.Encode(arguments.Path) is not { } path)
        {
            return RejectPath(call);
        }

        var query = arguments.Version is { } number ? $"?version={number}" : "";
        var answer = await call.SendAsync(HttpMethod.Get, $"{call.Mount}/data/{path}{query}", null, cancellation);
        if (!answer.IsSuccess)
        {
            return answer.IsMissing ? RejectMissing(call) : ToOutcome(call, answer);
        }

        if (answer.Find("data", "data") is not { ValueKind: JsonValueKind.Object } fields)
        {
            throw call.Session.UnexpectedAnswer(answer, AttemptReach.Done);
        }

        var version = answer.Number("data", "metadata", "version");
        return EffectOutcome<VaultSecret>.Completed(new VaultSecret
        {
            Fields = await call.CreateHandlesAsync(
                handles, arguments.Path, version, fields.EnumerateObject().Select(field => field.Name), cancellation),
            Version = version,
        });
    }
}

[Operation("vault.write_secret", ConnectionType = "vault", ChangesWorld = true, Description = "Writes a new version of a secret of Vault.")]
internal sealed class VaultWrite(VaultSessions sessions, ISecretHandles handles)
    : VaultOperation<VaultWriteArguments, VaultSecret>(sessions, VaultJson.Default.VaultWriteArguments, VaultJson.Default.VaultSecret)
{
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int DefaultLength = 32;
    private const int LengthMin = 16;
    private const int LengthMax = 512;

    protected override async Task<EffectOutcome<VaultSecret>> RunAsync(
        VaultWriteArguments arguments, VaultCall call, CancellationToken cancellation)
    {
        if (VaultPaths.Encode(arguments.Path) is not { } path)
        {
            return RejectPath(call);
        }

        var (fields, generated) = (arguments.Fields ?? new Dictionary<string, string>(), arguments.Generate ?? []);
        if (FindProblem(fields, generated, arguments.Length) is { } problem)
        {
            return EffectOutcome<VaultSecret>.Rejected(StepCodes.ArgumentsInvalid, $"vault.write_secret: {problem}.");
        }

        var data = new JsonObject();
        foreach (var (name, value) in fields)
        {
            data[name] = value;
        }

        foreach (var name in generated)
        {
            data[name] = RandomNumberGenerator.GetString(Alphabet, arguments.Length ?? DefaultLength);
        }

        var body = new JsonObject { ["data"] = data };
        if (arguments.Cas is { } cas)
        {
            body["options"] = new JsonObject { ["cas"] = cas };
        }

        var method = arguments.Merge == true ? HttpMethod.Patch : HttpMethod.Post;
        var answer = await call.SendAsync(method, $"{call.Mount}/data/{path}", body, cancellation);
        if (!answer.IsSuccess)
        {
            return ClassifyRejectedWrite(call, answer);
        }

        var version = answer.Number("data", "version");
        return version > 0
            ? EffectOutcome<VaultSecret>.Completed(new VaultSecret
            {
                Fields = await call.CreateHandlesAsync(handles, arguments.Path, version, [.. fields.Keys, .. generated], cancellation),
                Version = version,
            })
            : throw call.Session.UnexpectedAnswer(answer, AttemptReach.Done);
    }

    private static string? FindProblem(IReadOnlyDictionary<string, string> fields, IReadOnlyList<string> generated, int? length) =>
        fields.Count + generated.Count == 0 ? "it needs 'fields' or 'generate'"
        : generated.Any(name => name.Length == 0) ? "a name in 'generate' must not be empty"
        : generated.FirstOrDefault(fields.ContainsKey) is not null ? "a field must not be both in 'fields' and in 'generate'"
        : length is < LengthMin or > LengthMax ? $"'length' must be a number from {LengthMin} to {LengthMax}"
        : null;

    private static EffectOutcome<VaultSecret> ClassifyRejectedWrite(VaultCall call, VaultAnswer answer)
    {
        if (answer.IsMissing)
        {
            return RejectMissing(call);
        }

        if (answer.Status != 400 || !answer.HasError("check-and-set"))
        {
            return ToOutcome(call, answer);
        }

        // The later version may be the one that an earlier attempt of this command has written.
        const string Message = "The secret's latest version is not the one that 'cas' names.";
        return call.Context.Record.FollowsAttempt
            ? EffectOutcome<VaultSecret>.Failed(
                AttemptReach.Sent, "cas_mismatch", $"{Message} An earlier attempt of this step may have written it.")
            : EffectOutcome<VaultSecret>.Refused("cas_mismatch", Message);
    }
}

[Operation(
    "vault.delete_secret", ConnectionType = "vault", ChangesWorld = true, Idempotent = true,
    Description = "Deletes versions of a secret of Vault. Vault can restore them.")]
internal sealed class VaultDelete(VaultSessions sessions)
    : VaultOperation<VaultDeleteArguments, VaultDeleted>(sessions, VaultJson.Default.VaultDeleteArguments, VaultJson.Default.VaultDeleted)
{
    protected override async Task<EffectOutcome<VaultDeleted>> RunAsync(
        VaultDeleteArguments arguments, VaultCall call, CancellationToken cancellation)
    {
        if (VaultPaths.Encode(arguments.Path) is not { } path)
        {
            return RejectPath(call);
        }

        if (arguments.Versions is { } numbers && (numbers.Count == 0 || numbers.Any(version => version < 1)))
        {
            return EffectOutcome<VaultDeleted>.Rejected(
                StepCodes.ArgumentsInvalid, "vault.delete_secret: 'versions' must name versions from 1 on.");
        }

        var answer = arguments.Versions is { } versions
            ? await call.SendAsync(
                HttpMethod.Post, $"{call.Mount}/delete/{path}",
                new JsonObject { ["versions"] = new JsonArray([.. versions.Select(version => JsonValue.Create(version))]) }, cancellation)
            : await call.SendAsync(HttpMethod.Delete, $"{call.Mount}/data/{path}", null, cancellation);
        return answer.IsSuccess
            ? EffectOutcome<VaultDeleted>.Completed(new VaultDeleted { Path = arguments.Path })
            : ToOutcome(call, answer);
    }
}

[Operation("vault.list_secrets", ConnectionType = "vault", Description = "Lists the secrets of Vault below a path.")]
internal sealed class VaultList(VaultSessions sessions)
    : VaultOperation<VaultListArguments, VaultKeys>(sessions, VaultJson.Default.VaultListArguments, VaultJson.Default.VaultKeys)
{
    protected override async Task<EffectOutcome<VaultKeys>> RunAsync(
        VaultListArguments arguments, VaultCall call, CancellationToken cancellation)
    {
        var folder = arguments.Path.EndsWith('/') ? arguments.Path[..^1] : arguments.Path;
        if ((folder.Length == 0 ? "" : VaultPaths.Encode(folder)) is not { } path)
        {
            return RejectPath(call);
        }

        var answer = await call.SendAsync(HttpMethod.Get, $"{call.Mount}/metadata/{path}?list=true", null, cancellation);
        if (answer.IsMissing)
        {
            return EffectOutcome<VaultKeys>.Completed(new VaultKeys { Keys = [] });
        }

        if (!answer.IsSuccess)
        {
            return ToOutcome(call, answer);
        }

        return answer.Find("data", "keys") is { ValueKind: JsonValueKind.Array } keys
            ? EffectOutcome<VaultKeys>.Completed(new VaultKeys { Keys = [.. keys.EnumerateArray().Select(key => key.GetString() ?? "")] })
            : throw call.Session.UnexpectedAnswer(answer, AttemptReach.Done);
    }
}

[Operation("vault.renew_token", ConnectionType = "vault", Description = "Renews the token of the connection.")]
internal sealed class VaultRenew(VaultSessions sessions)
    : VaultOperation<VaultRenewArguments, VaultRenewed>(sessions, VaultJson.Default.VaultRenewArguments, VaultJson.Default.VaultRenewed)
{
    protected override async Task<EffectOutcome<VaultRenewed>> RunAsync(
        VaultRenewArguments arguments, VaultCall call, CancellationToken cancellation)
    {
        if (arguments.Increment is < 1)
        {
            return EffectOutcome<VaultRenewed>.Rejected(StepCodes.ArgumentsInvalid, "vault.renew_token: 'increment' must be 1 or more.");
        }

        TimeSpan? increment = arguments.Increment is { } seconds ? TimeSpan.FromSeconds(seconds) : null;
        return await call.Session.RenewAsync(increment, call.Context.Progress, cancellation) is { } lifetime
            ? EffectOutcome<VaultRenewed>.Completed(new VaultRenewed { ExpiresIn = (int)lifetime.TotalSeconds })
            : EffectOutcome<VaultRenewed>.Refused(
                "token_not_renewable", $"The token of connection '{call.Context.Connection!.Name}' cannot be renewed.");
    }
}
