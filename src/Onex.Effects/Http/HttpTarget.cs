using System.Diagnostics.CodeAnalysis;

namespace Onex.Effects.Http;

/// <summary>Where a request goes: to the address of the step, or to where a redirect leads.</summary>
internal sealed record HttpTarget(Uri Address, HttpMethod Method)
{
    /// <summary>The headers of a step that are not sent to another origin.</summary>
    public static IReadOnlyList<string> Credentials { get; } = ["Authorization", "Cookie", "Proxy-Authorization"];

    /// <summary>Whether a redirect leads there.</summary>
    public bool IsFollowed { get; private init; }

    /// <summary>Whether scheme, host and port are those of the step, here and in all redirects before.</summary>
    public bool IsSameOrigin { get; private init; } = true;

    /// <summary>Whether the body of the step is sent.</summary>
    public bool HasBody { get; private init; } = true;

    /// <summary>Gives the target to which a response redirects; false if it does not (RFC 9110, 15.4).</summary>
    /// <param name="response">The response.</param>
    /// <param name="next">The next target; meaningless if there is a problem.</param>
    /// <param name="problem">Why it must not be followed, or null.</param>
    public bool TryFollow(HttpResponseMessage response, [NotNullWhen(true)] out HttpTarget? next, out string? problem)
    {
        (next, problem) = (null, null);
        var status = (int)response.StatusCode;
        if (status is not (301 or 302 or 303 or 307 or 308) || !response.Headers.NonValidated.TryGetValues("Location", out var locations))
        {
            return false;
        }

        // 303 asks for a GET, or again a HEAD; 301 and 302 turn a POST into a GET, as in other clients.
        var isRead = Method == HttpMethod.Get || Method == HttpMethod.Head;
        var becomesGet = !isRead && (status == 303 || (status is 301 or 302 && Method == HttpMethod.Post));
        if (!Uri.TryCreate(Address, locations.ToString(), out var address)
            || (address.Scheme != Uri.UriSchemeHttp && address.Scheme != Uri.UriSchemeHttps))
        {
            problem = "it leads to no http or https address";
            address = Address;
        }
        else if (address.UserInfo.Length > 0)
        {
            problem = "its address has a user name";
        }
        else if (Address.Scheme == Uri.UriSchemeHttps && address.Scheme == Uri.UriSchemeHttp)
        {
            problem = "it leads from https to http";
        }

        next = new HttpTarget(address, becomesGet ? HttpMethod.Get : Method)
        {
            IsFollowed = true,
            IsSameOrigin = IsSameOrigin
                && Uri.Compare(
                    Address, address, UriComponents.SchemeAndServer, UriFormat.SafeUnescaped, StringComparison.OrdinalIgnoreCase) == 0,
            HasBody = HasBody && !becomesGet,
        };
        return true;
    }
}
