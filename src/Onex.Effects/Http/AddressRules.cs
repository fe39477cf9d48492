using System.Net;
using System.Net.Sockets;

namespace Onex.Effects.Http;

/// <summary>Distinguishes public addresses from internal ones.</summary>
internal static class AddressRules
{
    // Ranges, most of them from IANA's special-purpose registries, that do not simply lead to one host on the internet.
    private static readonly IPNetwork[] _internal =
    [
        IPNetwork.Parse("0.0.0.0/8"), // this host
        IPNetwork.Parse("10.0.0.0/8"), // private
        IPNetwork.Parse("100.64.0.0/10"), // shared space of carriers, internal in many clouds
        IPNetwork.Parse("127.0.0.0/8"), // loopback
        IPNetwork.Parse("168.63.129.16/32"), // a cloud's metadata service, although the address is a public one
        IPNetwork.Parse("169.254.0.0/16"), // link-local: the clouds' metadata services
        IPNetwork.Parse("172.16.0.0/12"), // private
        IPNetwork.Parse("192.0.0.0/24"), // protocol assignments
        IPNetwork.Parse("192.168.0.0/16"), // private
        IPNetwork.Parse("198.18.0.0/15"), // benchmarking
        IPNetwork.Parse("224.0.0.0/3"), // multicast, reserved, broadcast
        IPNetwork.Parse("::/127"), // unspecified, loopback
        IPNetwork.Parse("64:ff9b:1::/48"), // NAT64 of the network itself
        IPNetwork.Parse("fc00::/7"), // unique local
        IPNetwork.Parse("fe80::/9"), // link-local, site-local
        IPNetwork.Parse("ff00::/8"), // multicast
        IPNetwork.Parse("2001::/32"), // Teredo: a tunnel to an IPv4 address inside it
    ];

    // The last 32 bits of an address in one of these ranges are an IPv4 address.
    private static readonly IPNetwork[] _endInV4 =
    [
        IPNetwork.Parse("::/96"), // IPv4-compatible
        IPNetwork.Parse("::ffff:0:0:0/96"), // IPv4-translated (SIIT)
        IPNetwork.Parse("64:ff9b::/96"), // NAT64
    ];

    private static readonly IPNetwork _sixToFour = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork _unspecifiedOrLoopback = IPNetwork.Parse("::/127");

    // Internal ranges in which no service listens for other machines, except for the metadata services of clouds.
    private static readonly IPNetwork[] _neverInstances =
    [
        IPNetwork.Parse("0.0.0.0/8"), // this host
        IPNetwork.Parse("100.100.100.200/32"), // a cloud's metadata service
        IPNetwork.Parse("168.63.129.16/32"), // a cloud's metadata service
        IPNetwork.Parse("169.254.0.0/16"), // link-local
        IPNetwork.Parse("192.0.0.0/24"), // protocol assignments, and a cloud's metadata service
        IPNetwork.Parse("224.0.0.0/3"), // multicast, reserved, broadcast
        IPNetwork.Parse("::/128"), // unspecified
        IPNetwork.Parse("64:ff9b:1::/48"), // NAT64 of the network itself: it is unknown where the IPv4 address is
        IPNetwork.Parse("2001::/32"), // Teredo: a tunnel to an IPv4 address inside it
        IPNetwork.Parse("fe80::/10"), // link-local
        IPNetwork.Parse("ff00::/8"), // multicast
        IPNetwork.Parse("fd00:42::42/128"), // a cloud's metadata service
        IPNetwork.Parse("fd00:a9fe:a9fe::1/128"), // a cloud's metadata service
        IPNetwork.Parse("fd00:ec2::/32"), // a cloud's metadata service
        IPNetwork.Parse("fd20:ce::/32"), // a cloud's metadata service
    ];

    /// <summary>Whether an instance of a service, as Consul or DNS gives it, may have the address.</summary>
    public static bool MayBeInstance(IPAddress address) => !IsIn(_neverInstances, address);

    /// <summary>Whether a connection must name the host before it may be reached.</summary>
    public static bool IsInternal(IPAddress address) => IsIn(_internal, address);

    // An address that embeds an IPv4 address leads to that one.
    private static bool IsIn(IPNetwork[] networks, IPAddress address)
    {
        var reached = FindEmbedded(address) ?? address;
        return networks.Any(network => network.Contains(reached));
    }

    private static IPAddress? FindEmbedded(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6 || _unspecifiedOrLoopback.Contains(address))
        {
            return null;
        }

        return address.IsIPv4MappedToIPv6 || _endInV4.Any(network => network.Contains(address)) ? At(12)
            : _sixToFour.Contains(address) ? At(2)
            : null;

        IPAddress At(int start) => new(address.GetAddressBytes().AsSpan(start, 4));
    }
}
