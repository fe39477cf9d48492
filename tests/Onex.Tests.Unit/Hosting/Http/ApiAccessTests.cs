using System.Net;
using Microsoft.AspNetCore.Http;
using Onex.Hosting.Http;

namespace Onex.Tests.Unit.Hosting.Http;

public sealed class ApiAccessTests
{
    private const string Reader = "r-0123456789abcdef";
    private const string Operator = "o-0123456789abcdef";

    private static readonly IPAddress _remote = IPAddress.Parse("192.0.2.7");
    private static readonly IReadOnlyList<ApiToken> _tokens = ApiToken.Parse(
        "ONEX_API_TOKEN", $"dash:read:{Reader},ops:operate:{Operator}").Tokens;

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.8.9.1")]
    [InlineData("::1")]
    [InlineData("::ffff:127.0.0.1")]
    public void Without_a_configured_token_callers_on_the_same_machine_are_served(string address) =>
        Assert.Equal(
            new AccessDecision.Allowed("loopback"), ApiAccess.Decide([], Call(IPAddress.Parse(address)), ApiScope.Operate));

    [Fact]
    public void Without_a_configured_token_remote_callers_learn_which_variable_to_set()
    {
        var denied = Denied(ApiAccess.Decide([], Call(_remote, $"Bearer {Operator}"), ApiScope.Read));

        Assert.Equal((401, ErrorCodes.TokenNotConfigured), (denied.Status, denied.Code));
        Assert.Contains("ONEX_API_TOKEN", denied.Remedy);
    }

    [Fact]
    public void A_caller_without_an_address_is_remote() =>
        Assert.Equal(401, Denied(ApiAccess.Decide([], Call(null), ApiScope.Read)).Status);

    [Theory]
    [InlineData(null, ErrorCodes.TokenMissing)]
    [InlineData("Basic b25leA==", ErrorCodes.TokenMissing)]
    [InlineData("Bearer", ErrorCodes.TokenMissing)]
    [InlineData("Bearer wrong", ErrorCodes.TokenUnknown)]
    public void With_a_configured_token_every_caller_needs_one(string? header, string code)
    {
        var denied = Denied(ApiAccess.Decide(_tokens, Call(IPAddress.Loopback, header), ApiScope.Read));

        Assert.Equal((401, code), (denied.Status, denied.Code));
    }

    [Fact]
    public void A_read_token_may_read() =>
        Assert.Equal(new AccessDecision.Allowed("dash"), ApiAccess.Decide(_tokens, Call(_remote, $"Bearer {Reader}"), ApiScope.Read));

    [Fact]
    public void A_read_token_may_not_send_commands()
    {
        var denied = Denied(ApiAccess.Decide(_tokens, Call(_remote, $"Bearer {Reader}"), ApiScope.Operate));

        Assert.Equal((403, ErrorCodes.ScopeMissing), (denied.Status, denied.Code));
        Assert.DoesNotContain(Reader, denied.Detail + denied.Remedy);
    }

    [Fact]
    public void An_operator_token_may_also_read() =>
        Assert.Equal(new AccessDecision.Allowed("ops"), ApiAccess.Decide(_tokens, Call(_remote, $"bearer {Operator}"), ApiScope.Read));

    [Theory]
    [InlineData("localhost", true)]
    [InlineData("LOCALHOST:8085", true)]
    [InlineData("127.0.0.1:8085", true)]
    [InlineData("127.8.9.1", true)]
    [InlineData("[::1]:8085", true)]
    [InlineData("[::ffff:127.0.0.1]", true)]
    [InlineData("", false)]
    [InlineData("rebound.example:8085", false)]
    [InlineData("localhost.example", false)]
    [InlineData("127.0.0.1.example", false)]
    [InlineData("192.0.2.7:8085", false)]
    [InlineData("0.0.0.0:8085", false)]
    public void Without_a_token_only_loopback_host_names_are_served(string host, bool served) =>
        AssertServed(served, 403, ErrorCodes.CallerForeign, Call(IPAddress.Loopback) with { Host = new HostString(host) });

    [Theory]
    [InlineData(null, true)]
    [InlineData("http://localhost:8085", true)]
    [InlineData("https://localhost:8085", false)]
    [InlineData("http://localhost:3000", false)]
    [InlineData("http://127.0.0.1:8085", false)]
    [InlineData("https://evil.example", false)]
    [InlineData("null", false)]
    [InlineData("", false)]
    [InlineData("http://localhost:8085,https://evil.example", false)]
    public void Without_a_token_no_other_origin_is_served(string? origin, bool served) =>
        AssertServed(served, 403, ErrorCodes.CallerForeign, Call(IPAddress.Loopback) with { Origin = origin });

    [Theory]
    [InlineData("application/json", true, true)]
    [InlineData("Application/JSON; charset=utf-8", true, true)]
    [InlineData(null, false, true)]
    [InlineData(null, true, false)]
    [InlineData("text/plain", true, false)]
    [InlineData("text/plain", false, false)]
    [InlineData("text/plain; application/json", true, false)]
    [InlineData("application/x-www-form-urlencoded", true, false)]
    [InlineData("multipart/form-data; boundary=x", true, false)]
    [InlineData("", true, false)]
    public void Without_a_token_a_body_must_be_declared_as_JSON(string? type, bool hasBody, bool served) =>
        AssertServed(served, 415, ErrorCodes.BodyNotJson, Call(IPAddress.Loopback) with { ContentType = type, HasBody = hasBody });

    [Fact]
    public void With_a_token_any_host_name_and_origin_is_served() => Assert.Equal(
        new AccessDecision.Allowed("ops"),
        ApiAccess.Decide(
            _tokens,
            Call(_remote, $"Bearer {Operator}") with
            {
                Host = new HostString("onex.example"),
                Origin = "https://console.example",
                ContentType = "text/plain",
            },
            ApiScope.Operate));

    [Theory]
    [InlineData(false, "127.0.0.1", "localhost:8085", null, null, null)]
    [InlineData(true, "127.0.0.1", "localhost:8085", null, null, null)]
    [InlineData(true, "192.0.2.7", "onex.example", null, $"Bearer {Reader}", null)]
    [InlineData(false, "127.0.0.1", "rebound.example:8085", null, null, ErrorCodes.CallerForeign)]
    [InlineData(true, "127.0.0.1", "rebound.example:8085", null, null, ErrorCodes.TokenMissing)]
    [InlineData(false, "127.0.0.1", "localhost:8085", "https://evil.example", null, ErrorCodes.CallerForeign)]
    [InlineData(true, "127.0.0.1", "localhost:8085", "https://evil.example", null, ErrorCodes.TokenMissing)]
    [InlineData(false, "192.0.2.7", "localhost:8085", null, null, ErrorCodes.TokenNotConfigured)]
    [InlineData(true, "192.0.2.7", "onex.example", null, null, ErrorCodes.TokenMissing)]
    public void Health_details_need_a_local_non_browser_caller_or_a_token(
        bool hasTokens, string caller, string host, string? origin, string? authorization, string? errorCode)
    {
        var call = Call(IPAddress.Parse(caller), authorization) with { Host = new HostString(host), Origin = origin };

        var decision = ApiAccess.DecideDetails(hasTokens ? _tokens : [], call);

        Assert.Equal(errorCode, (decision as AccessDecision.Denied)?.Code);
    }

    private static void AssertServed(bool served, int status, string code, CallFacts call)
    {
        var decision = ApiAccess.Decide([], call, ApiScope.Operate);
        if (served)
        {
            Assert.Equal(new AccessDecision.Allowed("loopback"), decision);
            return;
        }

        Assert.Equal((status, code), (Denied(decision).Status, Denied(decision).Code));
        Assert.Contains("ONEX_API_TOKEN", Denied(decision).Remedy);
    }

    private static CallFacts Call(IPAddress? caller, string? authorization = null) =>
        new(caller, "http", new HostString("localhost:8085"), Origin: null, ContentType: null, HasBody: false, authorization);

    private static AccessDecision.Denied Denied(AccessDecision decision) => Assert.IsType<AccessDecision.Denied>(decision);
}
