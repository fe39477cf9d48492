using System.Net;

namespace Onex.Tests.Unit.Effects.Http;

/// <summary>Addresses by which a step, a name server or a redirect could lead a request into the runtime's own network.</summary>
public sealed class HttpAddressTests : IAsyncLifetime
{
    private HttpTestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await HttpTestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Theory]
    [InlineData("127.0.0.1", "address_refused")]
    [InlineData("localhost", "address_refused")]
    [InlineData("2130706433", "address_refused")] // decimal
    [InlineData("0x7f000001", "address_refused")]
    [InlineData("0177.0.0.1", "address_refused")] // octal
    [InlineData("127.1", "address_refused")]
    [InlineData("0.0.0.0", "address_refused")]
    [InlineData("0", "address_refused")]
    [InlineData("[::]", "address_refused")]
    [InlineData("[::1]", "address_refused")]
    [InlineData("[::ffff:127.0.0.1]", "address_refused")] // IPv4-mapped
    [InlineData("[::ffff:7f00:1]", "address_refused")]
    [InlineData("[::127.0.0.1]", "address_refused")] // IPv4-compatible
    [InlineData("[64:ff9b::7f00:1]", "address_refused")] // NAT64
    [InlineData("[2002:7f00:1::]", "address_refused")] // 6to4
    [InlineData("[fe80::1%25lo]", "address_refused")] // zone id
    [InlineData("[fe80::1%lo]", "address_refused")]
    [InlineData("169.254.169.254", "address_refused")]
    [InlineData("user@127.0.0.1", "arguments_invalid")]
    [InlineData("example.com@127.0.0.1", "arguments_invalid")]
    [InlineData("example.com:80@127.0.0.1", "arguments_invalid")]
    [InlineData("127.0.0.1\\\\@example.com", "arguments_invalid")]
    public async Task An_internal_address_is_rejected_in_every_notation(string host, string code)
    {
        await using var effects = new EffectsHarness();

        var result = await effects.RunAsync(
            EffectsHarness.Command("http.get", $$"""{"url":"http://{{host}}:{{_server.Address.Port}}/x"}"""));

        Assert.Equal((StepOutcomes.Rejected, code), (result.Outcome, result.Code));
        Assert.Equal(StepReaches.NotSent, result.Reach);
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task A_name_that_resolves_to_another_address_later_is_checked_for_each_connection()
    {
        var answers = new Queue<IPAddress[]>([[IPAddress.Loopback], [IPAddress.Parse("127.0.0.2")], [IPAddress.Parse("10.0.0.1")]]);
        _server.Answer = context =>
        {
            context.Response.Headers.Connection = "close";
            return Task.CompletedTask;
        };
        await using var effects = new EffectsHarness(
            """connections: { partners: { type: http, allow: ["127.0.0.1"] } }""", resolve: (_, _) => Task.FromResult(answers.Dequeue()));
        var command = $$"""{"url":"http://rebinding.example:{{_server.Address.Port}}/x"}""";

        var first = await effects.RunAsync(EffectsHarness.Command("http.get", command, "partners"));
        var second = await effects.RunAsync(EffectsHarness.Command("http.get", command, "partners"));
        var third = await effects.RunAsync(EffectsHarness.Command("http.get", command, "partners"));

        Assert.Equal((null, "address_refused", "address_refused"), (first.Code, second.Code, third.Code));
        Assert.Single(_server.Requests);
    }

    [Fact]
    public async Task Only_the_allowed_addresses_of_a_name_are_connected_to()
    {
        await using var effects = new EffectsHarness(
            """connections: { partners: { type: http, allow: ["127.0.0.3"] } }""",
            resolve: (_, _) => Task.FromResult<IPAddress[]>([IPAddress.Loopback, IPAddress.Parse("127.0.0.3")]));

        var result = await effects.RunAsync(EffectsHarness.Command(
            "http.get", $$"""{"url":"http://two.example:{{_server.Address.Port}}/x"}""", "partners"));

        Assert.Equal("connection_failed", result.Code);
        Assert.Empty(_server.Requests);
    }

    [Theory]
    [InlineData("http://127.0.0.2:{port}/stolen")]
    [InlineData("http://localhost:{port}/stolen")]
    [InlineData("http://2130706433:1/stolen")]
    [InlineData("http://[::ffff:127.0.0.1]:{port}/stolen")]
    [InlineData("//0.0.0.0:{port}/stolen")]
    [InlineData("http://user@127.0.0.1:{port}/stolen")]
    [InlineData("file:///etc/passwd")]
    [InlineData("gopher://127.0.0.1:{port}/")]
    public async Task A_redirect_to_an_address_that_the_connection_does_not_allow_is_rejected(string location)
    {
        _server.Answer = context =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = location.Replace(
                "{port}", _server.Address.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
            return Task.CompletedTask;
        };
        await using var effects = new EffectsHarness(
            $$"""connections: { stock: { type: http, url: "{{_server.Address}}", redirects: 5 } }""");

        var result = await effects.RunAsync(EffectsHarness.Command("http.post", """{"path":"/x"}""", "stock"));

        Assert.Equal((StepOutcomes.Rejected, "address_refused", StepReaches.Answered), (result.Outcome, result.Code, result.Reach));
        Assert.Equal("/x", Assert.Single(_server.Requests).Target);
    }

    [Theory]
    [InlineData("http.post", 301, "GET", "")]
    [InlineData("http.post", 302, "GET", "")]
    [InlineData("http.post", 303, "GET", "")]
    [InlineData("http.post", 307, "POST", "{}")]
    [InlineData("http.post", 308, "POST", "{}")]
    [InlineData("http.put", 302, "PUT", "{}")]
    [InlineData("http.put", 303, "GET", "")]
    [InlineData("http.head", 303, "HEAD", "")]
    public async Task A_redirect_is_followed_with_the_method_of_RFC_9110(string operation, int status, string method, string body)
    {
        _server.Answer = context =>
        {
            context.Response.StatusCode = context.Request.Path == "/x" ? status : 200;
            context.Response.Headers.Location = "y?a=1";
            return Task.CompletedTask;
        };
        await using var effects = new EffectsHarness(
            $$"""connections: { stock: { type: http, url: "{{_server.Address}}", headers: { Authorization: secret } } }""");
        var arguments = operation == "http.head" ? """{"path":"/x","redirects":1}""" : """{"path":"/x","redirects":1,"body":{} }""";

        var result = await effects.RunAsync(EffectsHarness.Command(operation, arguments, "stock"));

        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Code));
        var followed = _server.Requests.Last();
        Assert.Equal((method, "/y?a=1", body), (followed.Method, followed.Target, followed.Body));
        Assert.Equal("secret", followed.Headers["Authorization"]);
        Assert.Single(_server.Requests.Select(request => request.Headers["Idempotency-Key"]).Distinct());
    }

    [Fact]
    public async Task Credentials_are_not_sent_to_another_origin_nor_back_from_there()
    {
        await using var other = await HttpTestServer.StartAsync();
        _server.Answer = context =>
        {
            context.Response.StatusCode = context.Request.Path == "/x" ? 302 : 200;
            context.Response.Headers.Location = $"{other.Address}away";
            return Task.CompletedTask;
        };
        other.Answer = context =>
        {
            context.Response.StatusCode = 302;
            context.Response.Headers.Location = $"{_server.Address}back";
            return Task.CompletedTask;
        };
        await using var effects = new EffectsHarness($$"""
            connections:
              stock: { type: http, url: "{{_server.Address}}", redirects: 3, allow: [127.0.0.1], headers: { X-Api-Key: secret } }
            """);

        var result = await effects.RunAsync(EffectsHarness.Command(
            "http.get", """{"path":"/x","headers":{"Authorization":"mine","Cookie":"c","Accept":"text/plain"} }""", "stock"));

        Assert.Equal(StepOutcomes.Completed, result.Outcome);
        Assert.Equal(["/x", "/back"], _server.Requests.Select(request => request.Target));
        Assert.All([Assert.Single(other.Requests), _server.Requests.Last()], request =>
        {
            Assert.Equal("text/plain", request.Headers["Accept"]);
            Assert.All(["X-Api-Key", "Authorization", "Cookie"], name => Assert.DoesNotContain(name, request.Headers.Keys));
        });
        Assert.Equal("secret", _server.Requests.First().Headers["X-Api-Key"]);
    }

    [Fact]
    public async Task Redirects_that_do_not_end_are_followed_as_often_as_allowed()
    {
        _server.Answer = context =>
        {
            context.Response.Redirect("/again");
            return Task.CompletedTask;
        };
        await using var effects = new EffectsHarness(
            $$"""connections: { stock: { type: http, url: "{{_server.Address}}", redirects: 3 } }""");

        var result = await effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", "stock"));
        var rejected = await effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x","redirects":11}""", "stock"));

        Assert.Equal((StepOutcomes.Rejected, "http_302"), (result.Outcome, result.Code));
        Assert.Equal(4, _server.Requests.Count);
        Assert.Equal("arguments_invalid", rejected.Code);
    }
}
