using System.Net;

namespace Onex.Effects.Discovery;

/// <summary>The instances of a service, as they were last looked up.</summary>
internal interface IServiceList : IAsyncDisposable
{
    /// <summary>The instances in the order in which an attempt should try them; never empty.</summary>
    /// <exception cref="ServiceUnavailableException">No instance is known.</exception>
    Task<IReadOnlyList<DnsEndPoint>> ResolveAsync(CancellationToken cancellation);
}

/// <summary>No instance of a service is known, so that nothing was sent.</summary>
internal sealed class ServiceUnavailableException(string message) : Exception(message);
