using System.Net;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Text;
using Onex.Hosting.Health;

namespace Onex.Effects.Discovery;

/// <summary>The last known instances of a service, and the problem of its last lookup. Logs when a problem begins and ends.</summary>
internal sealed class LookupState(ServiceAddress service, RoleHealth health, ILogger logger)
{
    private static readonly Remedy _remedy = new(
        "Check that the service is registered and its check passes, and that Consul or the DNS server answers.", "a-service-is-not-found");

    private readonly Lock _lock = new();
    private IReadOnlyList<DnsEndPoint>? _instances;
    private string? _problem;
    private bool _isClosed;

    /// <summary>The last known instances, at least one.</summary>
    /// <exception cref="ServiceUnavailableException">No instance is known.</exception>
    public IReadOnlyList<DnsEndPoint> Require()
    {
        lock (_lock)
        {
            return _instances is { Count: > 0 } known
                ? known
                : throw new ServiceUnavailableException($"No instance of {service} is known: {_problem ?? "it was not looked up yet"}.");
        }
    }

    /// <summary>Records the instances that a lookup found.</summary>
    public void RecordInstances(IReadOnlyList<DnsEndPoint> instances)
    {
        lock (_lock)
        {
            _instances = instances;
        }

        Report(instances.Count > 0 ? null : "it has no healthy instance");
    }

    /// <summary>Records that a lookup failed. The last known instances stay in use.</summary>
    public void RecordFailure(string problem)
    {
        int known;
        lock (_lock)
        {
            known = _instances?.Count ?? 0;
        }

        var use = known > 0 ? $"; the last known {Plural.Format(known, "instance")} {(known == 1 ? "stays" : "stay")} in use" : "";
        Report(problem.TrimEnd('.') + use);
    }

    /// <summary>Removes the service from health. A lookup that ends later is not reported.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            health.Remove(service.ToString());
        }
    }

    private void Report(string? problem)
    {
        string? before;
        lock (_lock)
        {
            if (_isClosed)
            {
                return;
            }

            (before, _problem) = (_problem, problem);
            health.Report(service.ToString(), problem, _remedy);
        }

        if (before is null && problem is not null)
        {
            Log.ServiceUnavailable(logger, service, problem);
        }
        else if (before is not null && problem is null)
        {
            Log.ServiceAvailable(logger, service);
        }
    }
}
