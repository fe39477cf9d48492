using Microsoft.AspNetCore.Http;
using Onex.Orchestrator.Api;
using Onex.Orchestrator.Intake;
using Onex.Persistence.DeadLetters;

namespace Onex.Tests.Unit.Orchestrator.Api;

public sealed class ApiCallTests
{
    [Theory]
    [InlineData("?status=completed,failed", "completed failed")]
    [InlineData("?status=completed&status=failed", "completed failed")]
    [InlineData("?status=Completed, failed,completed", "completed failed")]
    [InlineData("?status=blocked", "blocked")]
    [InlineData("?status=", "")]
    [InlineData("", "")]
    public void A_repeated_enumeration_parameter_has_all_its_values(string query, string statuses) =>
        Assert.Equal(
            statuses,
            string.Join(
                ' ',
                Call(ApiRoutes.ListSagas, query).Values<SagaStatus>("status", SagaStatusText.ToText).Select(status => status.ToText())));

    [Theory]
    [InlineData("?status=completed,faild", "faild")]
    [InlineData("?status=completed,", "")]
    [InlineData("?status=7", "7")]
    [InlineData("?status=%2B7", "+7")]
    [InlineData("?status=-1", "-1")]
    [InlineData("?status=completed|failed", "completed|failed")]
    public void An_unknown_enumeration_value_is_rejected(string query, string value)
    {
        var problem = Rejection(() => Call(ApiRoutes.ListSagas, query).Values<SagaStatus>("status", SagaStatusText.ToText));

        Assert.Equal($"'status' is '{value}'.", problem.Detail);
        Assert.Contains("cancelled", problem.Remedy);
    }

    [Fact]
    public void The_documentation_of_the_parameter_lists_every_status()
    {
        Assert.All(Enum.GetValues<SagaStatus>(), status => Assert.Contains($"`{status.ToText()}`", Meaning(ApiRoutes.ListSagas)));
        Assert.All(
            Enum.GetValues<DeadLetterStatus>(), status => Assert.Contains($"`{status.ToText()}`", Meaning(ApiRoutes.ListDeadLetters)));

        static string Meaning(ApiRoute route) => route.Query.Single(parameter => parameter.Name == "status").Meaning;
    }

    [Theory]
    [InlineData("?statsu=blocked", "There is no parameter 'statsu' here. Did you mean 'status'?")]
    [InlineData("?STATUS=blocked", "There is no parameter 'STATUS' here. Did you mean 'status'?")]
    [InlineData("?contract=order&frobnicate=1", "There is no parameter 'frobnicate' here.")]
    [InlineData("?contract=a&contract=b", "'contract' is given 2 times.")]
    public void An_unknown_or_repeated_parameter_is_rejected(string query, string detail) =>
        Assert.Equal(detail, Rejection(() => Call(ApiRoutes.ListSagas, query).CheckQuery()).Detail);

    [Fact]
    public void A_call_accepts_every_documented_parameter() => Assert.All(
        ApiRoutes.All, route => Call(route, $"?{string.Join('&', route.Query.Select(parameter => $"{parameter.Name}=1"))}").CheckQuery());

    [Theory]
    [InlineData("""{"reson":"requested by phone"}""", "There is no field 'reson' here. Did you mean 'reason'?")]
    [InlineData("""{"reason":"x","nested":{"reason":[1,{}]}}""", "There is no field 'nested' here.")]
    [InlineData("""{"reason":{"reson":1}}""", null)]
    [InlineData("""[{"reson":1}]""", null)]
    [InlineData("""{"reason":"cut o""", null)]
    [InlineData("", null)]
    public void An_unknown_field_of_a_JSON_object_is_rejected_with_a_suggestion(string body, string? detail)
    {
        var call = Call(ApiRoutes.Cancel, "");
        if (detail is null)
        {
            call.CheckFields(Encoding.UTF8.GetBytes(body));
            return;
        }

        Assert.Equal(detail, Rejection(() => call.CheckFields(Encoding.UTF8.GetBytes(body))).Detail);
    }

    [Fact]
    public async Task A_byte_order_mark_before_a_body_is_ignored()
    {
        var call = Call(ApiRoutes.Cancel, "");
        call.Http.Request.Body = new MemoryStream([.. Encoding.UTF8.Preamble, .. """{"reason":"requested by phone"}"""u8]);

        Assert.Equal("requested by phone", ApiCall.Reason(await call.CommandAsync()));
    }

    [Fact]
    public async Task A_body_that_is_nested_too_deeply_is_rejected_with_the_limit()
    {
        var call = Call(ApiRoutes.Cancel, "");
        call.Http.Request.Body = new MemoryStream(
            Encoding.UTF8.GetBytes($$"""{"reason":{{new string('[', 200)}}{{new string(']', 200)}}}"""));

        var problem = (await Assert.ThrowsAsync<CallException>(call.CommandAsync)).Problem;

        Assert.Contains($"at most {RequestJson.DepthMax} levels deep", problem.Detail);
    }

    [Fact]
    public async Task A_compressed_body_is_rejected_with_its_encoding()
    {
        var call = Call(ApiRoutes.Cancel, "");
        call.Http.Request.Headers.ContentEncoding = "gzip";
        call.Http.Request.Body = new MemoryStream([0x1F, 0x8B]);

        var problem = (await Assert.ThrowsAsync<CallException>(call.CommandAsync)).Problem;

        Assert.Equal((400, "The body has the Content-Encoding 'gzip'."), (problem.Status, problem.Detail));
    }

    private static ApiCall Call(ApiRoute route, string query)
    {
        var http = new DefaultHttpContext();
        http.Request.QueryString = new QueryString(query);
        return new ApiCall(http, route, "loopback");
    }

    private static Onex.Hosting.Http.Problem Rejection(Action act)
    {
        var problem = Assert.Throws<CallException>(act).Problem;
        Assert.Equal((400, ErrorCodes.CallInvalid), (problem.Status, problem.Code));
        return problem;
    }
}
