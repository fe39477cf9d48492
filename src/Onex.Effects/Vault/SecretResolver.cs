using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Effects.Connections;
using Onex.Effects.Operations;
using Onex.Operations;
using Onex.Persistence.Secrets;

namespace Onex.Effects.Vault;

/// <summary>Replaces the handles in the arguments of an attempt with their values.</summary>
internal sealed class SecretResolver(ISecretHandles handles, VaultSessions sessions, ConnectionTable connections)
{
    private static readonly TimeSpan _requestTimeout = TimeSpan.FromSeconds(10);

    /// <summary>Returns the arguments with values, and the mask that hides these; or the outcome that ends the attempt.</summary>
    /// <param name="command">The command.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="findOutage">
    /// Says why the connection of a name is known to be unavailable; else null. An unavailable Vault gets no request.
    /// </param>
    /// <param name="cancellation">Ends the attempt.</param>
    public async Task<ResolvedArguments> ResolveAsync(
        StepCommand command, RawJson arguments, Func<string, string?> findOutage, CancellationToken cancellation)
    {
        var handleIds = SecretHandles.AreIn(arguments.Utf8.Span) ? FindHandleIds(arguments) : [];
        if (handleIds.Count == 0)
        {
            return new ResolvedArguments(arguments, SecretMask.None, null);
        }

        if (handleIds.Contains(null))
        {
            return ResolvedArguments.EndWith(UnknownHandle);
        }

        if (command is { Connection: null, Operation: "kafka.produce" })
        {
            return ResolvedArguments.EndWith(AttemptOutcome.Rejected(
                "secret_refused", "A record for the runtime's own broker contains a secret. Name a connection of type kafka."));
        }

        Guid[] ids = [.. handleIds.Select(id => id!.Value)];
        var rows = await handles.FindAsync(command.SagaId, ids, cancellation);
        if (rows.Count < ids.Length)
        {
            return ResolvedArguments.EndWith(UnknownHandle);
        }

        var values = new Dictionary<Guid, string>(ids.Length);
        foreach (var secret in rows.Values.GroupBy(row => (row.Connection, row.Path, row.Version)))
        {
            var vault = secret.Key.Connection;
            if (findOutage(vault) is { } outage)
            {
                return ResolvedArguments.EndWith(WaitForVault(vault, outage));
            }

            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            timeout.CancelAfter(_requestTimeout);
            try
            {
                if (await ReadAsync(secret.Key, [.. secret], values, timeout.Token) is { } problem)
                {
                    return ResolvedArguments.EndWith(problem);
                }
            }
            catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
            {
                return ResolvedArguments.EndWith(
                    WaitForVault(vault, $"The Vault of connection '{vault}' did not answer within {_requestTimeout.TotalSeconds:0} s."));
            }
            catch (VaultException exception) when (exception.IsOutage)
            {
                return ResolvedArguments.EndWith(WaitForVault(vault, exception.Message));
            }
            catch (VaultException exception)
            {
                return ResolvedArguments.EndWith(AttemptOutcome.Failed(AttemptReach.NotSent, "secret_unavailable", exception.Message));
            }
        }

        return new ResolvedArguments(Replace(arguments, values), SecretMask.For(values.Values), null);
    }

    private static AttemptOutcome WaitForVault(string vault, string reason) =>
        AttemptOutcome.Failed(AttemptReach.NotSent, "secret_unavailable", reason) with { WaitsFor = vault };

    private static AttemptOutcome UnknownHandle => AttemptOutcome.Rejected(
        "secret_handle_invalid",
        "The arguments contain a handle of a secret that is not one of this saga: only vault.read_secret and vault.write_secret of the "
        + "same saga make handles.");

    // Reads one version of one secret, and adds the values of its fields. Returns the outcome if Vault does not give them, else null.
    private async Task<AttemptOutcome?> ReadAsync(
        (string Connection, string Path, int Version) secret,
        IReadOnlyList<SecretHandle> fields,
        Dictionary<Guid, string> values,
        CancellationToken cancellation)
    {
        using var use = connections.Use(secret.Connection);
        if (use.Connection is not { Vault: { } address, Url: not null } connection)
        {
            return AttemptOutcome.Failed(
                AttemptReach.NotSent, "connection_unknown",
                $"This runtime-effects has no connection '{secret.Connection}' to Vault, from which the secret was read.");
        }

        var answer = await sessions.GetOrCreate(connection).SendAsync(
            HttpMethod.Get, $"{address.Mount}/data/{VaultPaths.Encode(secret.Path)}?version={secret.Version}", null,
            new AttemptProgress(), cancellation);
        if (answer.Status == 404)
        {
            return AttemptOutcome.Rejected(
                "secret_not_found", "A secret that the arguments refer to no longer exists: its version was deleted.");
        }

        if (answer.Status == 403)
        {
            return AttemptOutcome.Rejected(
                "secret_forbidden",
                $"The Vault of connection '{secret.Connection}' does not allow its token to read a secret of the arguments.");
        }

        if (!answer.IsSuccess)
        {
            throw new VaultException(
                HttpStatuses.Code(answer.Status), $"The Vault of connection '{secret.Connection}' answered {answer.Status}.",
                AttemptReach.NotSent);
        }

        foreach (var field in fields)
        {
            if (answer.Find("data", "data", field.Field) is not { } value)
            {
                return AttemptOutcome.Rejected("secret_not_found", "A secret that the arguments refer to has no such field any more.");
            }

            values[field.Id] = value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
        }

        return null;
    }

    private static HashSet<Guid?> FindHandleIds(RawJson arguments)
    {
        var handleIds = new HashSet<Guid?>();
        var reader = new Utf8JsonReader(arguments.Utf8.Span, JsonTexts.ReaderOptions);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
            {
                handleIds.UnionWith(SecretHandleText.Find(reader.GetString()!).Select(handle => handle.Id));
            }
        }

        return handleIds;
    }

    private static RawJson Replace(RawJson arguments, Dictionary<Guid, string> values)
    {
        var replaced = new ArrayBufferWriter<byte>(arguments.Utf8.Length);
        using (var writer = new Utf8JsonWriter(replaced, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            JsonTexts.Copy(arguments, writer, text => SecretHandleText.Replace(text, values));
        }

        return new RawJson(replaced.WrittenMemory);
    }
}

/// <summary>Arguments whose handles are resolved. A class and not a record, so that nothing prints the values.</summary>
internal sealed class ResolvedArguments(RawJson arguments, SecretMask mask, AttemptOutcome? outcome)
{
    /// <summary>The arguments for the operation.</summary>
    public RawJson Arguments => arguments;

    /// <summary>Hides the values in the outcome.</summary>
    public SecretMask Mask => mask;

    /// <summary>The outcome if a handle cannot be resolved, else null.</summary>
    public AttemptOutcome? Outcome => outcome;

    /// <summary>Ends the attempt with this outcome.</summary>
    public static ResolvedArguments EndWith(AttemptOutcome outcome) => new(RawJson.Null, SecretMask.None, outcome);
}
