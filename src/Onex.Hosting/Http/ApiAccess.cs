using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Onex.Contracts.Messages;

namespace Onex.Hosting.Http;

/// <summary>Decides who may use <c>/api</c> (docs/http-api.md), <c>/metrics</c> and <c>/health/detailed</c>.</summary>
public static class ApiAccess
{
    /// <summary>The name of a caller on this machine if no token is configured.</summary>
    public const string Loopback = "loopback";

    private const string Bearer = "Bearer ";

    /// <summary>Decides whether a caller may use an endpoint.</summary>
    /// <param name="tokens">
    /// The configured tokens. If there is none, only callers on this machine are served, but no web pages of other origins.
    /// </param>
    /// <param name="call">The facts about the call.</param>
    /// <param name="requiredScope">The scope that the endpoint requires.</param>
    public static AccessDecision Decide(IReadOnlyList<ApiToken> tokens, CallFacts call, ApiScope requiredScope)
    {
        if (tokens.Count == 0)
        {
            return DecideWithoutToken(call);
        }

        var authorization = call.Authorization;
        if (authorization is null || !authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return new AccessDecision.Denied(
                401, ErrorCodes.TokenMissing, "The request has no token.",
                "Send one of the tokens of ONEX_API_TOKEN as 'Authorization: Bearer ...'.");
        }

        var sent = authorization[Bearer.Length..].Trim();
        ApiToken? match = null;
        foreach (var token in tokens)
        {
            // All are compared, so that the time does not reveal which one matched.
            match = token.Matches(sent) ? token : match;
        }

        if (match is null)
        {
            return new AccessDecision.Denied(
                401, ErrorCodes.TokenUnknown, "The token is not one of the configured tokens.",
                "Send one of the tokens of the runtime's ONEX_API_TOKEN.");
        }

        return match.Scope >= requiredScope
            ? new AccessDecision.Allowed(match.Name)
            : new AccessDecision.Denied(
                403, ErrorCodes.ScopeMissing, $"The token '{match.Name}' has the scope 'read'; this needs 'operate'.",
                "Use a token with the scope 'operate' (ONEX_API_TOKEN=name:operate:token).");
    }

    /// <summary>
    /// Decides whether a caller may see <c>/health/detailed</c>. Callers on this machine may, even if tokens are configured, except web
    /// pages of other origins. All others need a token.
    /// </summary>
    public static AccessDecision DecideDetails(IReadOnlyList<ApiToken> tokens, CallFacts call)
    {
        var local = DecideWithoutToken(call);
        return tokens.Count == 0 || local is AccessDecision.Allowed ? local : Decide(tokens, call, ApiScope.Read);
    }

    // A page of any web site can make its visitor's browser call this machine: through a name of the site that its DNS resolves to
    // 127.0.0.1 (DNS rebinding), or with a form or a script of another origin. The header Host shows the first, and Origin the second.
    // A form cannot send a body as JSON, and a script of another origin only after a preflight request, which fails.
    private static AccessDecision DecideWithoutToken(CallFacts call)
    {
        if (call.Caller is null || !IsLoopback(call.Caller))
        {
            return new AccessDecision.Denied(
                401, ErrorCodes.TokenNotConfigured, "No API token is configured, so only callers on the same machine are served.",
                "Set ONEX_API_TOKEN (name:scope:token) for the runtime, and send the token as 'Authorization: Bearer ...'.");
        }

        if (!IsLoopback(call.Host))
        {
            return new AccessDecision.Denied(
                403, ErrorCodes.CallerForeign,
                "No API token is configured, so only calls to this machine's loopback names are served; "
                + $"Host is '{Clip(call.Host.Value)}'.",
                "Call http://localhost or http://127.0.0.1, or set ONEX_API_TOKEN (name:scope:token) and send the token.");
        }

        if (call.Origin is { } origin && !IsSameOrigin(origin, call))
        {
            return new AccessDecision.Denied(
                403, ErrorCodes.CallerForeign,
                $"No API token is configured, so no page of another origin is served; Origin is '{Clip(origin)}'.",
                "Set ONEX_API_TOKEN (name:scope:token), and have the page's server call with the token.");
        }

        return (call.ContentType is null ? !call.HasBody : IsJson(call.ContentType))
            ? new AccessDecision.Allowed(Loopback)
            : new AccessDecision.Denied(
                415, ErrorCodes.BodyNotJson,
                $"No API token is configured, so a body must be declared as JSON; Content-Type is '{Clip(call.ContentType)}'.",
                "Send 'Content-Type: application/json' (curl --json does), or set ONEX_API_TOKEN (name:scope:token) and send the token.");
    }

    private static bool IsLoopback(IPAddress address) => IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    // Only names that no DNS server can redirect: localhost and addresses.
    private static bool IsLoopback(HostString host) =>
        host.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            || (IPAddress.TryParse(host.Host, out var address) && IsLoopback(address));

    private static bool IsSameOrigin(string origin, CallFacts call) =>
        origin.Equals($"{call.Scheme}://{call.Host.Value}", StringComparison.OrdinalIgnoreCase);

    private static bool IsJson(string contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
            && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase);

    private static string Clip(string? text) => text is null ? "" : text.Length <= 80 ? text : string.Concat(text.AsSpan(0, 80), "...");
}

/// <summary>The facts about a call that decide whether it is served.</summary>
/// <param name="Caller">The remote address of the connection; forwarding headers of proxies are ignored.</param>
/// <param name="Scheme"><c>http</c> or <c>https</c>.</param>
/// <param name="Host">The header <c>Host</c>.</param>
/// <param name="Origin">The header <c>Origin</c>, or null.</param>
/// <param name="ContentType">The header <c>Content-Type</c>, or null.</param>
/// <param name="HasBody">Whether a body follows.</param>
/// <param name="Authorization">The header <c>Authorization</c>, or null.</param>
public sealed record CallFacts(
    IPAddress? Caller, string Scheme, HostString Host, string? Origin, string? ContentType, bool HasBody, string? Authorization)
{
    /// <summary>Reads the facts of a call.</summary>
    public static CallFacts From(HttpContext http) => new(
        http.Connection.RemoteIpAddress,
        http.Request.Scheme,
        http.Request.Host,
        http.Request.Headers.Origin.Count == 0 ? null : http.Request.Headers.Origin.ToString(),
        http.Request.ContentType,
        http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody ?? true,
        http.Request.Headers.Authorization.Count == 0 ? null : http.Request.Headers.Authorization.ToString());
}

/// <summary>Whether a caller is served.</summary>
public abstract record AccessDecision
{
    private AccessDecision()
    {
    }

    /// <summary>It is served.</summary>
    /// <param name="Name">The token's name, or <see cref="ApiAccess.Loopback"/>.</param>
    public sealed record Allowed(string Name) : AccessDecision;

    /// <summary>It is not served.</summary>
    /// <param name="Status">401, 403 or 415.</param>
    /// <param name="Code">See <see cref="ErrorCodes"/>.</param>
    /// <param name="Detail">The reason.</param>
    /// <param name="Remedy">The remedy.</param>
    public sealed record Denied(int Status, string Code, string Detail, string Remedy) : AccessDecision
    {
        /// <summary>The response.</summary>
        public Problem ToProblem() => new()
        {
            Status = Status,
            Title = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(Status),
            Code = Code,
            Detail = Detail,
            Remedy = Remedy,
        };
    }
}
