using Microsoft.Extensions.Time.Testing;
using Onex.Tests.Unit.Effects.Http;
using Onex.Tests.Unit.Hosting.Plugins;

namespace Onex.Tests.Unit.Effects.Plugins;

public sealed class PluginEffectTests : IAsyncLifetime
{
    private const string Arguments = """{"times": 2, "price": {"amount": "9.99", "currency": "EUR"}}""";

    private HttpTestServer _server = null!;
    private EffectsHarness _effects = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await HttpTestServer.StartAsync();
        _effects = new EffectsHarness(
            $$"""
            connections:
              shop:
                type: http
                url: "{{_server.Address}}api"
                headers: { Authorization: "Bearer ${secret:SHOP_TOKEN}" }
                public: { region: eu }
            """,
            environment: new() { ["SHOP_TOKEN"] = "very-secret-token" },
            plugins: PluginFolder.LoadTrials());
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task An_effect_of_a_plugin_uses_its_connection()
    {
        _server.AnswerWith(201, "text/plain", "order 7");
        var command = EffectsHarness.Command("acme.post", Arguments, "shop");

        var result = await _effects.RunAsync(command);

        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Message));
        Assert.Equal("""{"found":"order 7 eu"}""", result.Result!.Value.ToString());
        var request = Assert.Single(_server.Requests);
        Assert.Equal(("POST", "/api/orders"), (request.Method, request.Target));
        Assert.Contains("9.99", request.Body, StringComparison.Ordinal);
        Assert.Equal("Bearer very-secret-token", request.Headers["Authorization"]);
        Assert.Equal(command.CommandId.ToString(), request.Headers["Idempotency-Key"]);
        Assert.Equal(command.CorrelationId.ToString(), request.Headers["X-Correlation-Id"]);
        Assert.Matches("^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$", request.Headers["traceparent"]);
    }

    [Theory]
    [InlineData("7")]
    [InlineData("0.5")]
    [InlineData("true")]
    public async Task A_plugin_reads_public_properties_as_text(string property)
    {
        _server.AnswerWith(201, "text/plain", "order");
        await using var effects = new EffectsHarness(
            $$"""
            connections:
              shop: { type: http, url: "{{_server.Address}}", public: { region: {{property}} } }
            """,
            plugins: PluginFolder.LoadTrials());

        var result = await effects.RunAsync(EffectsHarness.Command("acme.post", Arguments, "shop"));

        Assert.Equal($$"""{"found":"order {{property}}"}""", result.Result!.Value.ToString());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_allowed_host_gets_the_headers_of_a_connection_only_if_that_has_no_base_address(bool hasBaseAddress)
    {
        var url = hasBaseAddress ? "url: 'http://127.0.0.1:1', " : "";
        await using var effects = new EffectsHarness(
            $$"""
            connections:
              shop:
                { type: http, {{url}}allow: [127.0.0.1],
                  headers: { Authorization: secret }, public: { orders: "{{_server.Address}}x" } }
            """,
            plugins: PluginFolder.LoadTrials());

        var result = await effects.RunAsync(EffectsHarness.Command("acme.post", Arguments, "shop"));

        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Message));
        Assert.Equal(
            hasBaseAddress ? null : "secret", Assert.Single(_server.Requests).Headers.GetValueOrDefault("Authorization"));
    }

    [Theory]
    [InlineData(409, StepOutcomes.Rejected, "sold_out", StepReaches.Answered)]
    [InlineData(404, StepOutcomes.Rejected, "http_404", StepReaches.Answered)]
    [InlineData(503, StepOutcomes.Failed, "http_503", StepReaches.Answered)]
    [InlineData(500, StepOutcomes.Failed, "http_500", StepReaches.Sent)]
    public async Task A_status_has_the_outcome_that_it_has_in_http_operations(int status, string outcome, string code, string reach)
    {
        _server.AnswerWith(status, "text/plain", "");

        var result = await _effects.RunAsync(EffectsHarness.Command("acme.post", Arguments, "shop"));

        Assert.Equal((outcome, code, reach), (result.Outcome, result.Code, result.Reach));
    }

    [Fact]
    public async Task A_connection_that_is_lost_has_the_outcome_that_it_has_in_http_operations()
    {
        _server.Answer = context =>
        {
            context.Abort();
            return Task.CompletedTask;
        };

        var result = await _effects.RunAsync(EffectsHarness.Command("acme.post", Arguments, "shop"));

        Assert.Equal((StepOutcomes.Failed, "connection_lost", StepReaches.Sent), (result.Outcome, result.Code, result.Reach));
        Assert.DoesNotContain("very-secret-token", string.Join('\n', _effects.Logged) + result.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_effect_that_throws_may_have_taken_effect_and_its_message_is_kept_secret()
    {
        var result = await _effects.RunAsync(EffectsHarness.Command("acme.break", Arguments));

        Assert.Equal(
            (StepOutcomes.Failed, StepCodes.OperationFailed, StepReaches.Sent), (result.Outcome, result.Code, result.Reach));
        Assert.Equal("acme.break (plug-in Acme.Trials) threw InvalidOperationException.", result.Message);
        Assert.DoesNotContain("secret-7", string.Join('\n', _effects.Logged), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_progress_of_an_effect_is_reported()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var effects = new EffectsHarness(time: time, plugins: PluginFolder.LoadTrials());
        var command = EffectsHarness.Command("acme.upload", """{"times": 4}""") with { Reports = true };

        var running = effects.Runner.RunAsync(command, null, TestContext.Current.CancellationToken);
        await Eventually.Async(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(500));
                return running.IsCompleted;
            },
            TimeSpan.FromSeconds(30),
            () => "the upload has not ended");
        await running;

        Assert.All(effects.Produced.Records, record => Assert.Equal("effect-responses", record.Topic));
        var reports = effects.Produced.Records.SkipLast(1)
            .Select(record => JsonSerializer.Deserialize(record.Value.Span, MessageJson.Default.StepReport)!).ToList();
        Assert.All(reports, report => Assert.Equal((command.CommandId, 1, "e1"), (report.CommandId, report.Attempt, report.Worker)));
        Assert.Equal(StepReportKinds.Started, reports[0].Report);
        Assert.Contains(reports, report => report is { Progress: > 0.2, Text: "part 2" or "part 3" or "part 4" });
    }

    [Fact]
    public async Task Arguments_of_wrong_types_are_rejected_before_anything_is_sent()
    {
        var result = await _effects.RunAsync(EffectsHarness.Command("acme.post", """{"times": "two"}""", "shop"));

        Assert.Equal((StepOutcomes.Rejected, StepCodes.ArgumentsInvalid, StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
        Assert.Empty(_server.Requests);
    }
}
