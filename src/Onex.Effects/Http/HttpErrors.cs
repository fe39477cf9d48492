using System.Globalization;
using Onex.Effects.Discovery;
using Onex.Operations;

namespace Onex.Effects.Http;

/// <summary>Classifies requests that got no usable answer.</summary>
internal static class HttpErrors
{
    /// <summary>Returns the outcome. The exception's own message can quote the request, so it is not reported.</summary>
    public static EffectOutcome<TResult> ToOutcome<TResult>(HttpRequestException exception, Uri address, AttemptReach reach)
        where TResult : class
    {
        for (Exception? cause = exception; cause is not null; cause = cause.InnerException)
        {
            switch (cause)
            {
                case AddressNotAllowedException:
                    return EffectOutcome<TResult>.Rejected("address_refused", cause.Message);
                case ServiceUnavailableException:
                    return EffectOutcome<TResult>.Failed(AttemptReach.NotSent, "connection_failed", cause.Message);
                case RequestAlreadySentException:
                    return EffectOutcome<TResult>.Failed(
                        reach, "connection_lost", $"{HostAndPort(address)} closed the connection without a response.");
            }
        }

        return exception.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError =>
                EffectOutcome<TResult>.Failed(AttemptReach.NotSent, "connection_failed", $"The name {address.Host} could not be resolved."),
            HttpRequestError.ConnectionError =>
                EffectOutcome<TResult>.Failed(AttemptReach.NotSent, "connection_failed", $"{HostAndPort(address)} could not be reached."),
            HttpRequestError.SecureConnectionError =>
                EffectOutcome<TResult>.Failed(
                    AttemptReach.NotSent, "connection_failed", $"No secure connection to {HostAndPort(address)} could be made."),
            HttpRequestError.ProxyTunnelError =>
                EffectOutcome<TResult>.Failed(
                    AttemptReach.NotSent, "connection_failed", $"The proxy made no connection to {HostAndPort(address)}."),
            HttpRequestError.VersionNegotiationError =>
                EffectOutcome<TResult>.Failed(AttemptReach.NotSent, "connection_failed", $"{HostAndPort(address)} does not speak HTTP/2."),
            HttpRequestError.ResponseEnded =>
                EffectOutcome<TResult>.Failed(
                    reach, "connection_lost", $"{HostAndPort(address)} closed the connection without a response."),
            _ =>
                EffectOutcome<TResult>.Failed(
                    reach, "connection_lost", $"{HostAndPort(address)} gave no usable answer ({exception.HttpRequestError})."),
        };
    }

    /// <summary>The host and the port of an address.</summary>
    public static string HostAndPort(Uri address) => $"{address.Host}:{address.Port.ToString(CultureInfo.InvariantCulture)}";
}
