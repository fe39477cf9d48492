using System.Collections.Concurrent;
using System.Net;
using DnsClient;
using Microsoft.Extensions.Logging;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;

namespace Onex.Effects.Discovery;

/// <summary>
/// Finds the instances of services for connections. A service of Consul is watched from its first use on; one of DNS is looked up by the
/// first attempt after its records have expired. Connections with the same service share its list.
/// </summary>
internal sealed class ServiceDirectory : IAsyncDisposable
{
    private readonly ConcurrentDictionary<ServiceAddress, Lazy<IServiceList>> _lists = new();
    private readonly Func<ServiceAddress, IServiceList> _create;

    /// <param name="consul">The client of the agent that knows the services of <c>consul://</c>.</param>
    /// <param name="dnsServer">The server that knows the services of <c>srv://</c>, or null for the system's.</param>
    /// <param name="health">Reports a problem while a service cannot be looked up or has no instance.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public ServiceDirectory(
        ConsulClient consul, IPEndPoint? dnsServer, RoleHealth health, TimeProvider time, ILogger<ServiceDirectory> logger)
    {
        var dns = new Lazy<LookupClient>(() => new LookupClient(SrvList.Options(dnsServer)));
        _create = service =>
        {
            var state = new LookupState(service, health, logger);
            return service.Scheme == ServiceAddress.Consul
                ? new ConsulList(service, consul, state, time)
                : new SrvList(
                    service, (name, cancellation) => dns.Value.QueryAsync(name, QueryType.SRV, QueryClass.IN, cancellation), state, time);
        };
    }

    /// <summary>The instances in the order in which an attempt should try them; never empty.</summary>
    /// <exception cref="ServiceUnavailableException">No instance is known.</exception>
    public Task<IReadOnlyList<DnsEndPoint>> ResolveAsync(ServiceAddress service, CancellationToken cancellation) =>
        _lists.GetOrAdd(service, key => new Lazy<IServiceList>(() => _create(key))).Value.ResolveAsync(cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (var list in _lists.Values.Where(list => list.IsValueCreated).Select(list => list.Value))
        {
            await list.DisposeAsync();
        }
    }
}
