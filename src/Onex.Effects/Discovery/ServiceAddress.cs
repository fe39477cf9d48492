using System.Net;

namespace Onex.Effects.Discovery;

/// <summary>The address of a service that is looked up: <c>consul://stock</c>, <c>srv://_http._tcp.stock.internal</c>.</summary>
/// <param name="Scheme"><see cref="Consul"/> or <see cref="Srv"/>.</param>
/// <param name="Name">The service in Consul, or the name of the SRV records.</param>
/// <param name="Tag">Only instances with this tag, or null; Consul only.</param>
/// <param name="Datacenter">The datacenter, or null for the agent's; Consul only.</param>
internal sealed record ServiceAddress(string Scheme, string Name, string? Tag, string? Datacenter)
{
    public const string Consul = "consul";
    public const string Srv = "srv";

    /// <summary>Whether the text looks like the address of a service.</summary>
    public static bool IsService(string text) =>
        text.StartsWith(Consul + "://", StringComparison.OrdinalIgnoreCase)
        || text.StartsWith(Srv + "://", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether the address is that of a service.</summary>
    public static bool IsService(Uri url) => url.Scheme is Consul or Srv;

    /// <summary>
    /// Returns the service and the base address of its requests, whose host is the service's name or, for SRV records, its domain; or the
    /// problem, as the end of a sentence, and its remedy.
    /// </summary>
    public static (ServiceAddress? Service, Uri? Root, string Problem, string Remedy) Parse(Uri url)
    {
        var query = url.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Select(part => part.Split('=', 2)).ToList();
        string[] known = url.Scheme == Consul ? ["scheme", "tag", "dc"] : ["scheme"];
        string? Value(string name) =>
            query.FirstOrDefault(pair => pair[0] == name) is [_, var value] ? Uri.UnescapeDataString(value) : null;

        var (problem, remedy) = url.Host.Length == 0
            ? ("names no service", "Write the name of the service as the host: consul://stock/api, srv://_http._tcp.stock.internal.")
            : url.Port >= 0
            ? ("has a port", "Leave it out: the port is that of each instance.")
            : query.Find(pair => pair.Length != 2 || pair[1].Length == 0 || !known.Contains(pair[0], StringComparer.Ordinal)) is not null
            ? ("has another query", $"Of the query, {string.Join(", ", known)} are allowed, each with a value.")
            : Value("scheme") is not (null or "http" or "https")
            ? ("has another scheme", "Write scheme=http or scheme=https.")
            : ("", "");
        if (problem.Length > 0)
        {
            return (null, null, problem, remedy);
        }

        // The host is what a TLS certificate names: the domain of the SRV records, without the service and the protocol before it.
        var host = url.Scheme == Consul ? url.Host : string.Join('.', url.Host.Split('.').SkipWhile(label => label.StartsWith('_')));
        return Uri.TryCreate($"{Value("scheme") ?? "http"}://{host}{url.AbsolutePath}", UriKind.Absolute, out var root)
            && root.HostNameType == UriHostNameType.Dns && !IPAddress.TryParse(host, out _)
            ? (new ServiceAddress(url.Scheme, url.Host, Value("tag"), Value("dc")), root, "", "")
            : (null, null, "names no service", "Write the name of the service as the host: consul://stock/api.");
    }

    // With tag and datacenter, because it names the service in health.
    public override string ToString()
    {
        var query = (Tag is null ? "" : $"&tag={Tag}") + (Datacenter is null ? "" : $"&dc={Datacenter}");
        return $"{Scheme}://{Name}{(query.Length > 0 ? "?" : "")}{query.TrimStart('&')}";
    }
}
