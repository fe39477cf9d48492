using System.Net;
using Onex.Contracts.Messages;

namespace Onex.Hosting.Http;

/// <summary>Who may use <c>/api</c> and <c>/metrics</c> (operations, 2 and 3): deny, then allow.</summary>
public static class ApiAccess
{
    /// <summary>Who a caller on this machine is, where no token is configured.</summary>
    public const string Loopback = "loopback";

    private const string Bearer = "Bearer ";

    /// <summary>Whether a caller may do what needs that scope.</summary>
    /// <param name="tokens">The configured tokens. Without one only callers on this machine are served.</param>
    /// <param name="caller">The address at the other end of the connection; what proxies say of others is not believed.</param>
    /// <param name="authorization">The header <c>Authorization</c>, or null.</param>
    /// <param name="needed">What the endpoint needs.</param>
    public static AccessVerdict Decide(IReadOnlyList<ApiToken> tokens, IPAddress? caller, string? authorization, ApiScope needed)
    {
        if (tokens.Count == 0)
        {
            return caller is not null && IPAddress.IsLoopback(caller.IsIPv4MappedToIPv6 ? caller.MapToIPv4() : caller)
                ? new AccessVerdict.Allowed(Loopback)
                : new AccessVerdict.Denied(
                    401, ErrorCodes.TokenNotConfigured, "No API token is configured, so only callers on the same machine are served.",
                    "Set ONEX_API_TOKEN (name:scope:token) for the runtime, and send the token as 'Authorization: Bearer ...'.");
        }

        if (authorization is null || !authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return new AccessVerdict.Denied(
                401, ErrorCodes.TokenMissing, "The request has no token.", "Send one of the tokens of ONEX_API_TOKEN as 'Authorization: Bearer ...'.");
        }

        var sent = authorization[Bearer.Length..].Trim();
        ApiToken? known = null;
        foreach (var token in tokens)
        {
            // All are looked at, so that the time tells nothing.
            known = token.Matches(sent) ? token : known;
        }

        if (known is null)
        {
            return new AccessVerdict.Denied(
                401, ErrorCodes.TokenUnknown, "The token is none of those that are configured.", "Send one of the tokens of the runtime's ONEX_API_TOKEN.");
        }

        return known.Scope >= needed
            ? new AccessVerdict.Allowed(known.Name)
            : new AccessVerdict.Denied(
                403, ErrorCodes.ScopeMissing, $"The token '{known.Name}' has the scope 'read'; this needs 'operate'.",
                "Use a token with the scope 'operate' (ONEX_API_TOKEN=name:operate:token).");
    }
}

/// <summary>What came of looking at a caller.</summary>
public abstract record AccessVerdict
{
    private AccessVerdict()
    {
    }

    /// <summary>It may.</summary>
    /// <param name="Name">The token's name, or <see cref="ApiAccess.Loopback"/>.</param>
    public sealed record Allowed(string Name) : AccessVerdict;

    /// <summary>It may not.</summary>
    /// <param name="Status">401 or 403.</param>
    /// <param name="Code">See <see cref="ErrorCodes"/>.</param>
    /// <param name="Detail">Why.</param>
    /// <param name="Remedy">What to do.</param>
    public sealed record Denied(int Status, string Code, string Detail, string Remedy) : AccessVerdict;
}
