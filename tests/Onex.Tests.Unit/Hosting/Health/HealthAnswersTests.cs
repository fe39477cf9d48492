using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Health;

namespace Onex.Tests.Unit.Hosting.Health;

public sealed class HealthAnswersTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly RoleHealth _role;
    private readonly HealthAnswers _answers;

    public HealthAnswersTests()
    {
        _role = new RoleHealth(_time);
        var monitor = new HealthMonitor([], _role, _time, NullLogger<HealthMonitor>.Instance);
        _answers = new HealthAnswers(_role, monitor, _time, NullLogger<HealthAnswers>.Instance);
    }

    [Theory]
    [InlineData("/health", 200)]
    [InlineData("/ready", 200)]
    [InlineData("/health/detailed", 403)]
    public async Task Probes_answer_a_request_with_a_foreign_host_name_but_details_do_not(string path, int status)
    {
        _role.MarkInitialized();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        await using var server = builder.Build();
        _answers.Map(server, []);
        await server.StartAsync(TestContext.Current.CancellationToken);
        using var http = new HttpClient();
        using var foreign = new HttpRequestMessage(
            HttpMethod.Get, new Uri(new Uri(server.Urls.Single()), path))
        { Headers = { Host = "rebound.example" } };
        using var local = new HttpRequestMessage(HttpMethod.Get, new Uri(new Uri(server.Urls.Single()), path));

        Assert.Equal(status, (int)(await http.SendAsync(foreign, TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(200, (int)(await http.SendAsync(local, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public void Health_is_unhealthy_before_the_bootstrap_ends()
    {
        var answer = _answers.Liveness();

        Assert.NotNull(answer.CorrelationId);
        Assert.Equal(
            $$"""{"status":"unhealthy","version":"0.1.0","error":"Runtime not initialized","correlation_id":"{{answer.CorrelationId}}"}""",
            Json(answer));
    }

    [Fact]
    public void Health_says_what_the_start_waits_for()
    {
        _role.WaitsFor = "the database: it cannot be reached.";

        Assert.Equal("Runtime not initialized: it waits for the database: it cannot be reached.", _answers.Liveness().Error);
        Assert.Equal(_answers.Liveness().Error, _answers.Readiness().Error);
    }

    [Fact]
    public async Task An_impaired_component_degrades_health_and_is_named_with_time_cause_and_remedy()
    {
        _role.Report("order", null);
        _role.Report("payments", "unavailable", new Remedy("Check the service.", "onexbreakeropen"));
        var since = _time.GetUtcNow();
        _time.Advance(TimeSpan.FromSeconds(5));
        _role.Report("payments", "still unavailable", new Remedy("Check the service.", "onexbreakeropen"));
        _role.MarkInitialized();
        using var monitor = new HealthMonitor([new ConsumersBehind()], _role, _time, NullLogger<HealthMonitor>.Instance);
        await monitor.StartAsync(TestContext.Current.CancellationToken);
        var answers = new HealthAnswers(_role, monitor, _time, NullLogger<HealthAnswers>.Instance);
        await Eventually.Async(
            () => answers.Detailed().Components!["consumers"].Since is not null,
            TimeSpan.FromSeconds(30),
            () => "the component is not probed");

        Assert.Equal("degraded", answers.Liveness().Status);
        Assert.Equal("degraded", answers.Readiness().Status);
        Assert.Equal("is behind", answers.Liveness().Details!.FailedComponents!["consumers"]);
        Assert.Equal(
            new ComponentAnswer("degraded", _time.GetUtcNow(), NeededForReadiness: true, LatencyMs: 0, "is behind")
            {
                Remedy = "Start more.",
                Runbook = "docs/operating.md#component-consumers",
            },
            answers.Detailed().Components!["consumers"]);
        Assert.Equal(
            new FailureAnswer("degraded", since, "still unavailable", "Check the service.", "docs/operating.md#onexbreakeropen"),
            Assert.Single(answers.Detailed().Handlers!).Value);
        await monitor.StopAsync(CancellationToken.None);
    }

    [Fact]
    public void Health_is_healthy_with_all_handlers()
    {
        _role.Report("order", null);
        _role.Report("refund", null);
        _role.MarkInitialized();

        Assert.Equal(
            """{"status":"healthy","version":"0.1.0","details":{"healthy":true,"degraded":false,"runtime_active":true"""
                + ""","handlers":{"registered":2,"active":2}"""
                + ""","is_running":true,"is_draining":false,"event_bus_healthy":false"""
                + ""","registered_handlers":["order","refund"],"failed_handlers":{}}}""",
            Json(_answers.Liveness()));
    }

    [Fact]
    public void Health_is_degraded_and_names_a_failed_handler()
    {
        _role.Report("order", null);
        _role.Report("stock", "circuit open");
        _role.MarkInitialized();

        Assert.Equal(
            """{"status":"degraded","version":"0.1.0","details":{"healthy":false,"degraded":true,"runtime_active":true"""
                + ""","handlers":{"registered":2,"active":1,"failed":["stock"]}"""
                + ""","is_running":true,"is_draining":false,"event_bus_healthy":false"""
                + ""","registered_handlers":["order","stock"],"failed_handlers":{"stock":"circuit open"}}}""",
            Json(_answers.Liveness()));
    }

    [Fact]
    public void A_draining_role_is_live_but_not_ready()
    {
        _role.MarkInitialized();
        Assert.Null(_answers.Readiness().CorrelationId);

        _role.MarkDraining();

        Assert.Equal("Runtime is draining", _answers.Readiness().Error);
        Assert.Equal("healthy", _answers.Liveness().Status);
        Assert.True(_answers.Liveness().Details!.IsDraining);
    }

    private sealed class ConsumersBehind : IHealthComponent
    {
        public string Name => "consumers";

        public bool NeededForReadiness => true;

        public Task<ComponentReport> ProbeAsync(CancellationToken cancellation) =>
            Task.FromResult(new ComponentReport(ComponentState.Degraded, "is behind", TimeSpan.Zero) { Remedy = "Start more." });
    }

    private static string Json(HealthAnswer answer) => JsonSerializer.Serialize(answer, HealthJson.Default.HealthAnswer);
}
