using System.Net;
using DnsClient;
using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Effects.Discovery;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;

namespace Onex.Effects.Http;

/// <summary>
/// Finds the instances of services for connections. A service of Consul is watched from its first use on; one of DNS is looked up by the
/// first attempt after its records have expired. Connections with the same service share its list.
/// </summary>
internal sealed class ServiceDirectory : IAsyncDisposable
{
    private readonly SharedPerConnection<IServiceList> _lists;

    /// <param name="connections">The connections.</param>
    /// <param name="consul">The client of the agent that knows the services of <c>consul://</c>.</param>
    /// <param name="dnsServer">The server that knows the services of <c>srv://</c>, or null for the system's.</param>
    /// <param name="health">Reports a problem while a service cannot be looked up or has no instance.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">The log.</param>
    public ServiceDirectory(
        ConnectionTable connections, ConsulClient consul, IPEndPoint? dnsServer, RoleHealth health, TimeProvider time,
        ILogger<ServiceDirectory> logger)
    {
        var dns = new Lazy<LookupClient>(() => new LookupClient(SrvList.Options(dnsServer)));
        _lists = new(connections, connection => connection.Service, connection =>
        {
            var service = connection.Service!;
            var state = new LookupState(service, health, logger);
            return service.Scheme == ServiceAddress.Consul
                ? new ConsulList(service, consul, state, time)
                : new SrvList(
                    service, (name, cancellation) => dns.Value.QueryAsync(name, QueryType.SRV, QueryClass.IN, cancellation), state, time);
        });
    }

    /// <summary>The instances of the connection's service in the order in which an attempt should try them; never empty.</summary>
    /// <exception cref="ServiceUnavailableException">No instance is known.</exception>
    public Task<IReadOnlyList<DnsEndPoint>> ResolveAsync(Connection connection, CancellationToken cancellation) =>
        _lists.For(connection).ResolveAsync(cancellation);

    public ValueTask DisposeAsync() => _lists.DisposeAsync();
}
