using System.Net;
using Onex.Effects.Http;

namespace Onex.Tests.Unit.Effects.Http;

public sealed class AddressRulesTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.8.9.10")]
    [InlineData("0.0.0.0")]
    [InlineData("10.1.2.3")]
    [InlineData("100.64.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.168.1.1")]
    [InlineData("224.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::1")]
    [InlineData("::")]
    [InlineData("::ffff:10.0.0.1")]
    [InlineData("::127.0.0.1")]
    [InlineData("fe80::1")]
    [InlineData("fd00::1")]
    [InlineData("64:ff9b::7f00:1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("::ffff:0:10.0.0.1")]
    [InlineData("64:ff9b:1::808:808")]
    [InlineData("2001::1")]
    [InlineData("168.63.129.16")]
    public void An_internal_address_is_recognized(string address) => Assert.True(AddressRules.IsInternal(IPAddress.Parse(address)));

    [Theory]
    [InlineData("8.8.8.8")]
    [InlineData("172.32.0.1")]
    [InlineData("100.128.0.1")]
    [InlineData("2606:4700::1111")]
    [InlineData("64:ff9b::808:808")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("::8.8.8.8")]
    [InlineData("::ffff:0:8.8.8.8")]
    [InlineData("2002:808:808::1")]
    public void A_public_address_is_not_internal(string address) => Assert.False(AddressRules.IsInternal(IPAddress.Parse(address)));

    [Theory]
    [InlineData("169.254.169.254")]
    [InlineData("::ffff:169.254.169.254")] // IPv4-mapped
    [InlineData("::169.254.169.254")] // IPv4-compatible
    [InlineData("::ffff:0:169.254.169.254")] // IPv4-translated
    [InlineData("64:ff9b::169.254.169.254")] // NAT64
    [InlineData("64:ff9b:1::169.254.169.254")] // NAT64 with a local prefix (RFC 8215), the IPv4 address at each place of RFC 6052
    [InlineData("64:ff9b:1:a9fe:a9:fe00::")]
    [InlineData("64:ff9b:1:a9:fe:a9fe::")]
    [InlineData("2002:a9fe:a9fe::1")] // 6to4
    [InlineData("2001:0:a9fe:a9fe::1")] // Teredo
    [InlineData("64:ff9b::224.0.0.1")]
    [InlineData("2002::1")]
    [InlineData("::ffff:0.0.0.0")]
    [InlineData("100.100.100.200")] // metadata services of clouds, up to fd00:a9fe:a9fe::1
    [InlineData("192.0.0.192")]
    [InlineData("168.63.129.16")]
    [InlineData("fd00:ec2::254")]
    [InlineData("fd20:ce::254")]
    [InlineData("fd00:42::42")]
    [InlineData("fd00:a9fe:a9fe::1")]
    [InlineData("fe80::a9fe:a9fe")]
    [InlineData("::")]
    public void An_instance_has_no_address_of_a_metadata_service_in_any_form_and_no_multicast_or_unspecified_one(string address) =>
        Assert.False(AddressRules.MayBeInstance(IPAddress.Parse(address)));

    [Theory]
    [InlineData("10.1.2.3")]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("fd00::1")]
    [InlineData("::ffff:10.1.2.3")]
    [InlineData("64:ff9b::10.1.2.3")]
    [InlineData("2002:a01:203::1")]
    [InlineData("2606:4700::1111")]
    public void An_instance_may_have_a_private_address(string address) => Assert.True(AddressRules.MayBeInstance(IPAddress.Parse(address)));
}
