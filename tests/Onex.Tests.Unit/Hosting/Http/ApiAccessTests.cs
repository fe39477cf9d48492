using System.Net;
using Onex.Contracts.Messages;
using Onex.Hosting.Http;

namespace Onex.Tests.Unit.Hosting.Http;

public sealed class ApiAccessTests
{
    private const string Reader = "r-0123456789abcdef";
    private const string Operator = "o-0123456789abcdef";

    private static readonly IPAddress _elsewhere = IPAddress.Parse("192.0.2.7");
    private static readonly IReadOnlyList<ApiToken> _tokens = ApiToken.Parse("ONEX_API_TOKEN", $"dash:read:{Reader},ops:operate:{Operator}").Tokens;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.8.9.1")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    public void Without_a_configured_token_callers_on_the_same_machine_are_served(string address) =>
        Assert.Equal(
            new AccessVerdict.Allowed("loopback"), ApiAccess.Decide([], IPAddress.Parse(address), null, ApiScope.Operate));

    [Fact]
    public void Without_a_configured_token_others_are_told_which_variable_to_set()
    {
        var denied = Denied(ApiAccess.Decide([], _elsewhere, $"Bearer {Operator}", ApiScope.Read));

        Assert.Equal((401, ErrorCodes.TokenNotConfigured), (denied.Status, denied.Code));
        Assert.Contains("ONEX_API_TOKEN", denied.Remedy);
    }

    [Fact]
    public void A_caller_without_an_address_is_not_on_the_same_machine() =>
        Assert.Equal(401, Denied(ApiAccess.Decide([], null, null, ApiScope.Read)).Status);

    [Theory]
    [InlineData(null, ErrorCodes.TokenMissing)]
    [InlineData("Basic b25leA==", ErrorCodes.TokenMissing)]
    [InlineData("Bearer", ErrorCodes.TokenMissing)]
    [InlineData("Bearer wrong", ErrorCodes.TokenUnknown)]
    public void With_a_configured_token_every_caller_needs_one(string? header, string code)
    {
        var denied = Denied(ApiAccess.Decide(_tokens, IPAddress.Loopback, header, ApiScope.Read));

        Assert.Equal((401, code), (denied.Status, denied.Code));
    }

    [Fact]
    public void A_token_to_read_reads() =>
        Assert.Equal(new AccessVerdict.Allowed("dash"), ApiAccess.Decide(_tokens, _elsewhere, $"Bearer {Reader}", ApiScope.Read));

    [Fact]
    public void A_token_to_read_commands_nothing()
    {
        var denied = Denied(ApiAccess.Decide(_tokens, _elsewhere, $"Bearer {Reader}", ApiScope.Operate));

        Assert.Equal((403, ErrorCodes.ScopeMissing), (denied.Status, denied.Code));
        Assert.DoesNotContain(Reader, denied.Detail + denied.Remedy);
    }

    [Fact]
    public void A_token_to_operate_may_read_too() =>
        Assert.Equal(new AccessVerdict.Allowed("ops"), ApiAccess.Decide(_tokens, _elsewhere, $"bearer {Operator}", ApiScope.Read));

    private static AccessVerdict.Denied Denied(AccessVerdict verdict) => Assert.IsType<AccessVerdict.Denied>(verdict);
}
