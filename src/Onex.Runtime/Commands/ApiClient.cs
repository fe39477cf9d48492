using System.Net;
using System.Net.Http.Headers;
using System.Security.Authentication;
using System.Text;
using System.Text.Json;
using Onex.Effects.Vault;
using Onex.Hosting.Http;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;

namespace Onex.Runtime.Commands;

/// <summary>
/// A client of the orchestrator's HTTP API. Connection errors and all but successful JSON become a <see cref="CommandException"/>.
/// </summary>
internal sealed class ApiClient : IDisposable
{
    private static readonly string _token = SettingsTable.ApiToken.Name;

    private readonly HttpClient _http;
    private readonly bool _hasToken;

    private ApiClient(Uri address, string? token)
    {
        _hasToken = token is not null;

        // A proxy is not used for localhost, because its localhost is a different machine. The wait for a response may take minutes.
        _http = new HttpClient(
            new SocketsHttpHandler { UseProxy = !address.IsLoopback, AllowAutoRedirect = false, ConnectTimeout = TimeSpan.FromSeconds(5) })
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromMinutes(6),
        };
        if (token is not null)
        {
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }
    }

    /// <summary>Creates a client from the option, the environment or the settings of this machine.</summary>
    /// <param name="url">The option <c>--url</c>, or null.</param>
    /// <param name="environment">The environment's variables.</param>
    /// <param name="cancellation">Ends the reading of a token that is in Vault.</param>
    public static async Task<ApiClient> CreateAsync(
        string? url, IReadOnlyDictionary<string, string> environment, CancellationToken cancellation = default)
    {
        var address = ChooseAddress(url, environment);
        var tokens = ReadTokens(environment);
        if (VaultSetting.Parse(_token, _token, tokens.Trim()) is { } reference)
        {
            var read = await VaultSettings.ReadAsync(
                environment, [reference], TimeProvider.System, logger: null, waitsFor: null, cancellation);
            tokens = read[_token];
        }

        var token = ChooseToken(tokens);
        return token is null || ApiToken.FitsHeader(token)
            ? new ApiClient(address, token)
            : throw new ConfigurationException(
                $"{_token} has a line break or a character that is not ASCII, which no HTTP header can carry. Set it to a token, or to "
                + "name:scope:token, several separated by commas.");
    }

    public void Dispose() => _http.Dispose();

    public Task<JsonElement> GetAsync(string path, CancellationToken cancellation) => SendAsync(HttpMethod.Get, path, null, cancellation);

    public Task<JsonElement> PostAsync(string path, string body, CancellationToken cancellation) =>
        SendAsync(HttpMethod.Post, path, body, cancellation);

    private static string ReadTokens(IReadOnlyDictionary<string, string> environment)
    {
        var text = environment.GetValueOrDefault("ONEX_API_TOKEN");
        if (string.IsNullOrWhiteSpace(text) && environment.GetValueOrDefault("ONEX_API_TOKEN_FILE") is { Length: > 0 } file)
        {
            try
            {
                text = File.ReadAllText(file);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw new ConfigurationException(
                    $"ONEX_API_TOKEN_FILE names {file}, which cannot be read ({error.Message}).", error);
            }
        }

        return text ?? "";
    }

    // ONEX_API_TOKEN may be the runtime's list of tokens, as in its container, or a single token.
    internal static string? ChooseToken(string text)
    {
        var entries = text.Split(
            ',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(entry => entry.Split(':', 3)).ToList();
        var chosen = entries.Find(entry => entry is [_, "operate", _]) ?? entries.Find(entry => entry is [_, "read", _]);
        return chosen?[2] ?? (entries is [[var token]] ? token : null);
    }

    private static Uri ChooseAddress(string? url, IReadOnlyDictionary<string, string> environment)
    {
        if ((url ?? environment.GetValueOrDefault("ONEX_API_URL")) is not { Length: > 0 } text)
        {
            var settings = CommandLine.Settings(SettingsUse.Nothing);
            return new UriBuilder(
                Uri.UriSchemeHttp, settings.HttpBind is "*" or "0.0.0.0" or "::" ? "localhost" : settings.HttpBind, settings.HttpPort).Uri;
        }

        return Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var address) && address.Scheme is "http" or "https"
            ? address
            : throw new ConfigurationException(
                $"'{text}' is not an HTTP address. Give one like http://localhost:8085, by --url or ONEX_API_URL.");
    }

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, string? body, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        }

        try
        {
            using var answer = await _http.SendAsync(request, cancellation);
            var text = await answer.Content.ReadAsByteArrayAsync(cancellation);
            if (!answer.IsSuccessStatusCode)
            {
                throw CreateException(answer.StatusCode, text);
            }

            using var document = JsonDocument.Parse(text, Json.ReadOptions);
            return document.RootElement.Clone();
        }
        catch (JsonException error)
        {
            throw new CommandException(
                $"{_http.BaseAddress} does not respond like a runtime-main of Onex. Is the address right (--url, ONEX_API_URL)?", error);
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            // The message about a failed TLS handshake only refers to the inner exception.
            var reason = error.InnerException is AuthenticationException inner ? inner.Message : error.Message;
            throw new CommandException(
                $"{_http.BaseAddress} does not answer: {reason} Is runtime-main running there? Another address: --url, or "
                + "ONEX_API_URL.",
                error);
        }
    }

    private CommandException CreateException(HttpStatusCode status, byte[] body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Json.ReadOptions);
            var root = document.RootElement;
            var detail = Json.Text(root, "detail") ?? status.ToString();
            var remedy = Json.Text(root, "remedy");
            var code = Json.Text(root, "code");
            if (status == HttpStatusCode.Unauthorized)
            {
                remedy = _hasToken
                    ? "Compare ONEX_API_TOKEN here with the runtime's."
                    : "Set ONEX_API_TOKEN here to a token of the runtime's ONEX_API_TOKEN (name:scope:token, or the token alone).";
            }

            return new CommandException($"{detail}{(code is null ? "" : $" ({code})")}{(remedy is null ? "" : $"\n{remedy}")}");
        }
        catch (JsonException)
        {
            return new CommandException(
                $"{_http.BaseAddress} answers {(int)status}, and not like a runtime-main of Onex. "
                + "Is the address right (--url, ONEX_API_URL)?");
        }
    }
}

/// <summary>The command failed for an external reason.</summary>
internal sealed class CommandException(string message, Exception? inner = null) : Exception(message, inner);
