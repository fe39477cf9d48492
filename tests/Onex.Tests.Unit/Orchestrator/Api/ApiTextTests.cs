using Microsoft.AspNetCore.Http;
using Onex.Orchestrator.Api;

namespace Onex.Tests.Unit.Orchestrator.Api;

/// <summary>Text of API calls is read unchanged, or rejected with a code. Invalid characters are not replaced silently.</summary>
public sealed class ApiTextTests
{
    private static readonly CancellationToken _none = CancellationToken.None;

    public static TheoryData<byte[], string> InvalidBodies() => new()
    {
        { Encoding.UTF8.GetBytes("{\"event\":\"noted\",\"data\":{\"text\":\"\\ud800\"}}"), ErrorCodes.TextInvalid },
        { Encoding.UTF8.GetBytes("{\"event\":\"noted\\udc00\"}"), ErrorCodes.TextInvalid },
        { Encoding.UTF8.GetBytes("{\"\\ud83d\":1}"), ErrorCodes.TextInvalid },
        { Encoding.UTF8.GetBytes("{\"event\":\"a\\u0000b\"}"), ErrorCodes.TextInvalid },
        { [.. "{\"event\":\""u8, 0xFF, .. "\"}"u8], ErrorCodes.MalformedMessage },
        { [.. "{\"event\":\""u8, 0xED, 0xA0, 0x80, .. "\"}"u8], ErrorCodes.MalformedMessage },
        { Encoding.UTF8.GetBytes("{\"event\":\"a\",\"data\":{\"b\":1,\"b\":2}}"), ErrorCodes.KeyTwice },
        { Encoding.Unicode.GetBytes("{}"), ErrorCodes.CallInvalid },
        { Encoding.UTF8.GetBytes("{"), ErrorCodes.CallInvalid },
        { Encoding.UTF8.GetBytes("[]"), ErrorCodes.CallInvalid },
        { Encoding.UTF8.GetBytes("{\"data\":" + new string('[', 65) + new string(']', 65) + "}"), ErrorCodes.CallInvalid },
    };

    [Theory]
    [MemberData(nameof(InvalidBodies))]
    public async Task A_body_that_is_not_valid_text_or_not_a_JSON_object_is_rejected_with_a_code(byte[] body, string code)
    {
        var rejection = await Assert.ThrowsAsync<CallException>(() => Call(body, "").ObjectAsync(1_000, _none));

        Assert.Equal((400, code), (rejection.Problem.Status, rejection.Problem.Code));
        Assert.False(string.IsNullOrEmpty(rejection.Problem.Remedy));
    }

    [Fact]
    public async Task A_surrogate_pair_and_the_maximum_depth_are_accepted_in_a_body()
    {
        var body = "{\"event\":\"\\ud83d\\ude00 Zoë\",\"data\":" + new string('[', 64) + new string(']', 64) + "}";

        var json = await Call(Encoding.UTF8.GetBytes(body), "").ObjectAsync(1_000, _none);

        Assert.Equal("😀 Zoë", json.GetProperty("event").GetString());
    }

    [Theory]
    [InlineData(ApiCall.CommandBytesMax)]
    [InlineData(100_000)]
    public async Task A_request_that_is_too_large_is_rejected_with_the_setting_that_limits_it(int bytesMax)
    {
        var rejection = await Assert.ThrowsAsync<CallException>(() => Call(new byte[bytesMax + 1], "").ObjectAsync(bytesMax, _none));

        Assert.Equal(
            (413, $"The body is larger than {bytesMax} bytes (ONEX_MAX_REQUEST_BYTES)."),
            (rejection.Problem.Status, rejection.Problem.Detail));
    }

    [Fact]
    public async Task A_command_of_an_operator_that_is_too_large_is_rejected_without_a_setting()
    {
        var rejection = await Assert.ThrowsAsync<CallException>(Call(new byte[ApiCall.CommandBytesMax + 1], "").CommandAsync);

        Assert.Equal((413, "The body is larger than 65536 bytes."), (rejection.Problem.Status, rejection.Problem.Detail));
    }

    [Theory]
    [InlineData("?q=%ff")]
    [InlineData("?key=%ED%A0%80")]
    [InlineData("?state=a%00b")]
    public void A_query_that_is_not_valid_text_is_rejected_with_a_code(string query)
    {
        var rejection = Assert.Throws<CallException>(Call([], query).CheckQueryText);

        Assert.Equal((400, ErrorCodes.TextInvalid), (rejection.Problem.Status, rejection.Problem.Code));
    }

    [Fact]
    public void A_query_may_hold_umlauts_and_emoji()
    {
        var call = Call([], "?q=K%C3%B6ln+%F0%9F%98%80&after=1.2");
        call.CheckQueryText();

        Assert.Equal("Köln 😀", call.Query("q"));
    }

    private static ApiCall Call(byte[] body, string query)
    {
        var http = new DefaultHttpContext();
        http.Request.Body = new MemoryStream(body);
        http.Request.QueryString = new QueryString(query);
        return new ApiCall(http, ApiRoutes.Send, "tester");
    }
}
