using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Effects.Http;
using Onex.Effects.Operations;
using Onex.Hosting.Health;
using Onex.Operations;

namespace Onex.Effects.Vault;

/// <summary>
/// A login to Vault and the requests under it. It logs in with the first request, and renews its token before it ends. It logs in again
/// when the token is gone or, with an AppRole, cannot be renewed. A login with a configured token only checks the token. While Vault is
/// sealed, cannot be reached or rejects the login, it tries to log in with growing pauses and reports the connection as degraded.
/// </summary>
internal sealed class VaultSession(
    Connection connection, ConnectionTable connections, HttpTransport transport, RoleHealth health, TimeProvider time, ILogger logger)
    : IAsyncDisposable
{
    /// <summary>What an operator can do while Vault, or one of its secrets, cannot be used.</summary>
    public static readonly Remedy Unavailable = new(
        "Unseal Vault, or correct its address, the login, the policy or the path of the secret.", "vault-is-unavailable");

    private static readonly TimeSpan _requestTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _closing = new();
    private readonly SemaphoreSlim _loginLock = new(1);
    private readonly Lock _lock = new();
    private Connection _connection = connection;
    private VaultToken? _token;
    private string? _unavailableBecause;
    private Task _renewal = Task.CompletedTask;
    private Task _recovery = Task.CompletedTask;

    private string Name => _connection.Name;

    // The name of a replaced connection is now that of another connection, so nothing is reported under it. The connection of
    // the settings is never replaced: it is not in the table, and has no fingerprint.
    private bool IsReplaced => _connection.Fingerprint.Length > 0 && connections.Find(Name) != _connection;

    /// <summary>Uses the other connection, which shares the session, if its own was replaced.</summary>
    public void ReplaceConnection(Connection other)
    {
        lock (_lock)
        {
            if (IsReplaced)
            {
                (_connection, _unavailableBecause) = (other, null);
            }
        }
    }

    /// <summary>
    /// Sends a request with the session's token. After 403 it logs in again if the token is gone, and sends the request again, because
    /// Vault did not execute the first one.
    /// </summary>
    /// <param name="method">The method.</param>
    /// <param name="path">The path below <c>/v1</c>, percent-encoded.</param>
    /// <param name="body">The body, or null.</param>
    /// <param name="progress">The progress of the attempt.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="VaultException">Vault cannot be reached, is sealed, or rejects the login.</exception>
    public async Task<VaultAnswer> SendAsync(
        HttpMethod method, string path, JsonNode? body, AttemptProgress progress, CancellationToken cancellation)
    {
        var token = await GetTokenAsync(cancellation);
        var answer = await RequestAsync(method, path, body, token.Value, progress, cancellation);
        if (answer.Status != 403)
        {
            return answer;
        }

        progress.MarkUnsent();
        if (await IsValidAsync(token, cancellation))
        {
            return answer;
        }

        DiscardToken(token);
        token = await GetTokenAsync(cancellation);
        return await RequestAsync(method, path, body, token.Value, progress, cancellation);
    }

    /// <summary>Renews the token and returns its new lifetime; null if it cannot be renewed.</summary>
    public async Task<TimeSpan?> RenewAsync(TimeSpan? increment, AttemptProgress progress, CancellationToken cancellation)
    {
        var body = new JsonObject();
        if (increment is { } duration)
        {
            body["increment"] = $"{(long)duration.TotalSeconds}s";
        }

        var answer = await SendAsync(HttpMethod.Post, "auth/token/renew-self", body, progress, cancellation);
        if (!answer.IsSuccess || answer.Find("auth") is null)
        {
            return answer.Status is >= 400 and < 500 ? null : throw UnexpectedAnswer(answer, progress.Reach);
        }

        lock (_lock)
        {
            if (_token is { } token)
            {
                _token = CreateToken(token.Value, answer, time.GetUtcNow());
            }
        }

        return TimeSpan.FromSeconds(answer.Number("auth", "lease_duration"));
    }

    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        await Task.WhenAll(_renewal, _recovery).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closing.Dispose();
        _loginLock.Dispose();
    }

    /// <summary>Creates the exception for an answer that is an error, or is not in the form of Vault's API.</summary>
    public VaultException UnexpectedAnswer(VaultAnswer answer, AttemptReach reach) => answer.Status is >= 200 and < 300
        ? new("answer_unreadable", $"The answer of the Vault of connection '{Name}' is not that of its API.", AttemptReach.Done)
        : new(HttpStatuses.Code(answer.Status), $"The Vault of connection '{Name}' answered {answer.Status}.", reach);

    private async Task<VaultToken> GetTokenAsync(CancellationToken cancellation)
    {
        if (_token is { } known && known.EndsAt > time.GetUtcNow())
        {
            return known;
        }

        // Attempts share a login, so one logs in while the others wait.
        await _loginLock.WaitAsync(cancellation);
        try
        {
            if (_token is { } current && current.EndsAt > time.GetUtcNow())
            {
                return current;
            }

            var token = await LogInAsync(cancellation);
            lock (_lock)
            {
                _token = token;
                if (_renewal.IsCompleted && !token.IsPermanent && !_closing.IsCancellationRequested)
                {
                    _renewal = Task.Run(() => KeepAliveAsync(_closing.Token), CancellationToken.None);
                }
            }

            MarkAvailable();
            return token;
        }
        finally
        {
            _loginLock.Release();
        }
    }

    // A token or an AppRole that Vault rejects fails the attempt, so that a retry succeeds once an operator has corrected it.
    private async Task<VaultToken> LogInAsync(CancellationToken cancellation)
    {
        var progress = new AttemptProgress();
        var issuedAt = time.GetUtcNow();
        if (_connection.Vault?.Login is not { } login)
        {
            throw LoginFailed(
                $"Connection '{Name}' has no login to Vault. Set VAULT_TOKEN, or VAULT_ROLE_ID and VAULT_SECRET_ID, or give the connection "
                + "a 'token', or a 'role_id' and a 'secret_id'.");
        }

        if (login.Token is { } configured)
        {
            var lookup = await RequestAsync(HttpMethod.Get, "auth/token/lookup-self", null, configured, progress, cancellation);
            if (lookup.IsSuccess)
            {
                var lifetime = TimeSpan.FromSeconds(lookup.Number("data", "ttl"));
                return new VaultToken(configured, lifetime, lookup.IsTrue("data", "renewable"), issuedAt);
            }

            throw lookup.Status == 403
                ? LoginFailed($"The Vault of connection '{Name}' does not accept its token: it is wrong, has expired, or was revoked.")
                : UnexpectedAnswer(lookup, AttemptReach.NotSent);
        }

        var role = new JsonObject { ["role_id"] = login.RoleId, ["secret_id"] = login.SecretId };
        var answer = await RequestAsync(HttpMethod.Post, "auth/approle/login", role, null, progress, cancellation);
        if (answer.IsSuccess && answer.Text("auth", "client_token") is { } issued)
        {
            Log.VaultLoggedIn(logger, Name);
            return CreateToken(issued, answer, issuedAt);
        }

        throw answer.Status is 400 or 403
            ? LoginFailed($"The Vault of connection '{Name}' does not accept its AppRole: the role or secret id is wrong or used up.")
            : UnexpectedAnswer(answer, AttemptReach.NotSent);

        VaultException LoginFailed(string message)
        {
            MarkUnavailable(message);
            return new VaultException("authentication_failed", message, AttemptReach.NotSent);
        }
    }

    private static VaultToken CreateToken(string token, VaultAnswer answer, DateTimeOffset issuedAt) => new(
        token, TimeSpan.FromSeconds(answer.Number("auth", "lease_duration")), answer.IsTrue("auth", "renewable"), issuedAt);

    private async Task<bool> IsValidAsync(VaultToken token, CancellationToken cancellation)
    {
        var lookup = await RequestAsync(HttpMethod.Get, "auth/token/lookup-self", null, token.Value, new AttemptProgress(), cancellation);
        return lookup.Status != 403;
    }

    private void DiscardToken(VaultToken token)
    {
        lock (_lock)
        {
            _token = _token == token ? null : _token;
        }
    }

    private async Task<VaultAnswer> RequestAsync(
        HttpMethod method, string path, JsonNode? body, string? token, AttemptProgress progress, CancellationToken cancellation)
    {
        var address = new Uri($"{_connection.Url!.GetLeftPart(UriPartial.Path).TrimEnd('/')}/v1/{path}");
        using var request = new AttemptRequest(method, address, progress);
        request.Headers.TryAddWithoutValidation("X-Vault-Request", "true");
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("X-Vault-Token", token);
        }

        if (_connection.Vault?.Namespace is { } name)
        {
            request.Headers.TryAddWithoutValidation("X-Vault-Namespace", name);
        }

        if (body is not null)
        {
            request.Content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue(
                method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json");
        }

        try
        {
            using var response = await transport.SendAsync(_connection, request, cancellation);
            using var memory = ResultMemory.Unbounded.Begin();
            var (content, _) = await HttpAnswers.ReadAsync(response, memory, cancellation);
            var answer = new VaultAnswer((int)response.StatusCode, content);
            if (answer.IsSealed)
            {
                throw ReportUnavailable(
                    $"The Vault of connection '{Name}' is sealed or not initialized.", AttemptReach.Answered, "vault_sealed");
            }

            if (answer.IsSuccess)
            {
                MarkAvailable();
            }

            return answer;
        }
        catch (HttpRequestException exception)
        {
            var outcome = HttpErrors.ToOutcome<VaultAnswer>(exception, address, progress.Reach);
            throw ReportUnavailable(outcome.Message!, outcome.Reach, outcome.Code!);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            throw ReportUnavailable($"{HttpErrors.HostAndPort(address)} broke off its answer.", progress.Reach, "connection_lost");
        }
    }

    private VaultException ReportUnavailable(string message, AttemptReach reach, string code)
    {
        MarkUnavailable(message);
        return new VaultException(code, message, reach);
    }

    private void MarkUnavailable(string cause)
    {
        lock (_lock)
        {
            if (IsReplaced)
            {
                return;
            }

            if (_unavailableBecause is null)
            {
                Log.VaultUnavailable(logger, Name, cause);
            }

            if (_unavailableBecause != cause)
            {
                health.Report(Name, cause, Unavailable);
                _unavailableBecause = cause;
            }

            if (_recovery.IsCompleted && !_closing.IsCancellationRequested)
            {
                _recovery = Task.Run(() => RecoverAsync(_closing.Token), CancellationToken.None);
            }
        }
    }

    private void MarkAvailable()
    {
        lock (_lock)
        {
            // A rejected login is reported until one succeeds, although Vault answers.
            if (_unavailableBecause is not null && !IsReplaced && _token is { } token && token.EndsAt > time.GetUtcNow())
            {
                Log.VaultBack(logger, Name);
                health.Report(Name, null);
                _unavailableBecause = null;
            }
        }
    }

    // Logs in, or checks the token, until that succeeds. The pauses vary by a fifth, so that processes do not ask at the same time.
    private async Task RecoverAsync(CancellationToken closing)
    {
        for (var pause = _firstPause; ; pause = pause * 2 < _longestPause ? pause * 2 : _longestPause)
        {
            await Task.Delay(pause * (0.8 + (0.4 * Jitter())), time, closing);
            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(closing);
            timeout.CancelAfter(_requestTimeout);
            try
            {
                var token = await GetTokenAsync(timeout.Token);
                if (await IsValidAsync(token, timeout.Token))
                {
                    MarkAvailable();
                    return;
                }

                DiscardToken(token);
            }
            catch (Exception exception) when (IsTransient(exception, closing))
            {
            }
        }
    }

    private async Task KeepAliveAsync(CancellationToken closing)
    {
        var pause = _firstPause;
        while (_token is { IsPermanent: false } token)
        {
            var delay = token.RenewAt(Jitter()) - time.GetUtcNow();
            if (delay > TimeSpan.Zero)
            {
                await Task.Delay(delay, time, closing);
            }

            using var timeout = CancellationTokenSource.CreateLinkedTokenSource(closing);
            timeout.CancelAfter(_requestTimeout);
            try
            {
                var renewed = token.IsRenewable ? await RenewAsync(null, new AttemptProgress(), timeout.Token) : null;

                // A token near its maximum lifetime is renewed for less and less time.
                if (renewed is not { } lifetime || lifetime < token.Lifetime / 2)
                {
                    if (_connection.Vault?.Login?.Token is not null)
                    {
                        Log.VaultTokenEnds(logger, Name, token.EndsAt);
                        return;
                    }

                    DiscardToken(_token ?? token);
                    await GetTokenAsync(timeout.Token);
                }

                pause = _firstPause;
                continue;
            }
            catch (Exception exception) when (IsTransient(exception, closing))
            {
            }

            await Task.Delay(pause, time, closing);
            pause = pause * 2 < _longestPause ? pause * 2 : _longestPause;
        }
    }

    // A random number from 0 to 1.
    private static double Jitter() => RandomNumberGenerator.GetInt32(1000) / 1000.0;

    private static bool IsTransient(Exception exception, CancellationToken closing) =>
        exception is VaultException || (exception is OperationCanceledException && !closing.IsCancellationRequested);
}
