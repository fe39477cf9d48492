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
        IPNetwork.Parse("169.254.0.0/16"), // link-local: the clouds' metadata services
        IPNetwork.Parse("172.16.0.0/12"), // private
        IPNetwork.Parse("192.0.0.0/24"), // protocol assignments
        IPNetwork.Parse("192.168.0.0/16"), // private
        IPNetwork.Parse("198.18.0.0/15"), // benchmarking
        IPNetwork.Parse("224.0.0.0/3"), // multicast, reserved, broadcast
        IPNetwork.Parse("::/127"), // unspecified, loopback
        IPNetwork.Parse("fc00::/7"), // unique local
        IPNetwork.Parse("fe80::/9"), // link-local, site-local
        IPNetwork.Parse("ff00::/8"), // multicast
        IPNetwork.Parse("2001::/32"), // Teredo: a tunnel to an IPv4 address inside it
    ];

    private static readonly IPNetwork _nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork _nat64Local = IPNetwork.Parse("64:ff9b:1::/48");
    private static readonly IPNetwork _sixToFour = IPNetwork.Parse("2002::/16");
    private static readonly IPNetwork _v4Compatible = IPNetwork.Parse("::/96");

    // Internal ranges in which no service listens for other machines, except for the metadata services of clouds.
    private static readonly IPNetwork[] _neverInstances =
    [
        IPNetwork.Parse("0.0.0.0/8"), // this host
        IPNetwork.Parse("169.254.0.0/16"), // link-local
        IPNetwork.Parse("224.0.0.0/3"), // multicast, reserved, broadcast
        IPNetwork.Parse("::/128"), // unspecified
        IPNetwork.Parse("fe80::/10"), // link-local
        IPNetwork.Parse("ff00::/8"), // multicast
        IPNetwork.Parse("fd00:ec2::/32"), // a cloud's metadata service
    ];

    /// <summary>Whether an instance of a service, as Consul or DNS gives it, may have the address.</summary>
    public static bool MayBeInstance(IPAddress address) => address.IsIPv4MappedToIPv6
        ? MayBeInstance(address.MapToIPv4())
        : !_neverInstances.Any(network => network.Contains(address));

    /// <summary>Whether a connection must name the host before it may be reached.</summary>
    public static bool IsInternal(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
        {
            return IsInternal(address.MapToIPv4());
        }

        if (_internal.Any(network => network.Contains(address)))
        {
            return true;
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        // An address that embeds an IPv4 address is as internal as that one.
        var bytes = address.GetAddressBytes();
        return _nat64Local.Contains(address)
            || ((_nat64.Contains(address) || _v4Compatible.Contains(address)) && IsInternal(new IPAddress(bytes.AsSpan(12, 4))))
            || (_sixToFour.Contains(address) && IsInternal(new IPAddress(bytes.AsSpan(2, 4))));
    }
}
