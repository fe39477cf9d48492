using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using Onex.Effects.Connections;
using Onex.Kafka.Producing;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Running;

/// <summary>Commands that their connection does not let begin.</summary>
public sealed class ParkedCommandsTests : IAsyncLifetime
{
    private const string Breaker = "breaker: { ratio: 1, calls: 2, within: 30s, pause: 10s }";

    private static readonly TimeSpan _afterPause = TimeSpan.FromSeconds(11);
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private HttpTestServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await HttpTestServer.StartAsync();

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    [Fact]
    public async Task A_command_that_meets_an_open_breaker_is_parked_and_runs_as_the_same_attempt()
    {
        await using var effects = Harness();
        await OpenBreakerAsync(effects);
        var command = Post();

        await effects.Runner.RunAsync(command, new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", null), default);

        Assert.Contains(command, effects.Ledger.Parked.Select(parked => parked.Command));
        Assert.Empty(await effects.DrainAsync());
        Assert.Equal(2, _server.Requests.Count);
        Assert.Contains("unavailable since", effects.Health.Handlers["stock"], StringComparison.Ordinal);
        Assert.Equal("stock", Assert.Single(effects.Ledger.Unavailable).Name);

        Recover();
        var results = await DrainAllAsync(effects);

        Assert.Equal((StepOutcomes.Completed, 1), Outcome(results, command));
        Assert.Empty(effects.Ledger.Parked);
        Assert.Null(effects.Health.Handlers["stock"]);
        Assert.Empty(effects.Ledger.Unavailable);
    }

    [Fact]
    public async Task The_log_says_that_the_broker_cannot_be_reached_for_the_result_of_a_parked_command()
    {
        await using var effects = Harness();
        await OpenBreakerAsync(effects);
        await effects.Runner.RunAsync(Post(), null, default);
        Recover();
        effects.Produced.Report = new DeliveryReport(DeliveryStatus.Unavailable, "all brokers are down");

        await effects.DrainAsync();

        var line = Assert.Single(effects.Logged, line => line.StartsWith("Warning", StringComparison.Ordinal)
            && line.Contains("all brokers are down", StringComparison.Ordinal));
        Assert.Contains("The broker cannot be reached", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_says_that_a_parked_command_ended_with_a_cancellation_that_nobody_requested()
    {
        await using var effects = Harness();
        await OpenBreakerAsync(effects);
        Recover();
        effects.Ledger.Reject = _ => new OperationCanceledException();

        await effects.DrainAsync();

        Assert.Contains(effects.Logged, line => line.StartsWith(
            "Error: A parked command for http.post could not be run.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_attempt_that_opens_the_breaker_is_parked_and_does_not_count()
    {
        await using var effects = Harness();
        _server.AnswerWith(503, "text/plain", "");

        Assert.Equal("http_503", (await effects.RunAsync(Post())).Code);
        await effects.Runner.RunAsync(SecondAttempt(), null, default);

        Assert.Single(effects.Ledger.Parked);
        Assert.Single(effects.Produced.Records);
    }

    [Fact]
    public async Task An_attempt_of_a_step_that_allows_one_is_not_run_again_once_it_was_sent()
    {
        await using var effects = Harness();
        _server.AnswerWith(503, "text/plain", "");
        await effects.RunAsync(Post());

        var result = await effects.RunAsync(SecondAttempt() with { Once = true });

        Assert.Equal((StepOutcomes.Failed, "http_503"), (result.Outcome, result.Code));
        Assert.Empty(effects.Ledger.Parked);
        Assert.NotNull(effects.Health.Handlers["stock"]);
    }

    [Fact]
    public async Task A_failed_trial_is_parked_behind_the_others_so_that_each_gets_its_turn()
    {
        await using var effects = Harness();
        await OpenBreakerAsync(effects);
        var (first, second) = (Post(), Post());
        await effects.Runner.RunAsync(first, null, default);
        await effects.Runner.RunAsync(second, null, default);
        var tried = new List<CommandId>();

        for (var trial = 0; trial < 4; trial++)
        {
            tried.Add(effects.Ledger.Parked[0].Command.CommandId);
            _time.Advance(_afterPause);
            Assert.Empty(await effects.DrainAsync());
        }

        Assert.Equal(2 + 4, _server.Requests.Count);
        Assert.Equal([tried[0], tried[1], tried[2]], tried.Distinct());
        Assert.Equal(3, effects.Ledger.Parked.Count);
    }

    [Fact]
    public async Task A_trial_that_fails_for_its_own_reason_counts_as_an_attempt()
    {
        await using var effects = Harness();
        await OpenBreakerAsync(effects);
        _server.AnswerWith(500, "text/plain", "");
        _time.Advance(_afterPause);

        var result = Assert.Single(await effects.DrainAsync());

        Assert.Equal((StepOutcomes.Failed, "http_500"), (result.Outcome, result.Code));
        Assert.Empty(effects.Ledger.Parked);
        Assert.NotNull(effects.Health.Handlers["stock"]);
    }

    [Fact]
    public async Task An_attempt_that_was_sent_before_it_was_parked_never_reports_that_nothing_was_sent()
    {
        await using var effects = Harness();
        _server.AnswerWith(503, "text/plain", "");
        await effects.RunAsync(Post());
        var command = SecondAttempt();
        await effects.Runner.RunAsync(command, null, default);
        _server.AnswerWith(500, "text/plain", "");
        _time.Advance(_afterPause);

        var result = Assert.Single(await effects.DrainAsync());

        Assert.Equal((command.CommandId, StepReaches.Sent), (result.CommandId, result.Reach));
    }

    [Theory]
    [InlineData("""{"path":"/.."}""")]
    [InlineData("""{"url":"http://127.0.0.1:1/x"}""")]
    [InlineData("stored")]
    public async Task A_trial_that_did_not_reach_the_service_decides_nothing(string arguments)
    {
        await using var effects = Harness();
        await OpenBreakerAsync(effects);
        var untried = arguments == "stored"
            ? EffectsHarness.Command("http.post", null, "stock") with { ArgumentsRef = Guid.Empty }
            : EffectsHarness.Command("http.post", arguments, "stock");
        await effects.Runner.RunAsync(untried, null, default);
        _time.Advance(_afterPause);
        Assert.Empty(await effects.DrainAsync());
        _time.Advance(_afterPause);

        Assert.Equal(StepOutcomes.Rejected, Assert.Single(await effects.DrainAsync()).Outcome);
        Assert.NotNull(effects.Health.Handlers["stock"]);
        var before = _server.Requests.Count;

        // The next one is the trial, without another pause.
        Assert.Empty(await effects.DrainAsync());
        Assert.Equal(before + 1, _server.Requests.Count);
    }

    [Fact]
    public async Task The_Retry_After_of_a_service_lengthens_the_pause()
    {
        await using var effects = Harness();
        _server.Answer = context =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "100";
            return Task.CompletedTask;
        };
        await effects.RunAsync(Post());
        await effects.Runner.RunAsync(SecondAttempt(), null, default);

        _time.Advance(TimeSpan.FromSeconds(99));
        Assert.Empty(await effects.DrainAsync());
        Assert.Equal(2, _server.Requests.Count);
        _time.Advance(TimeSpan.FromSeconds(2));
        await effects.DrainAsync();

        Assert.Equal(3, _server.Requests.Count);
    }

    [Fact]
    public async Task A_refused_connection_opens_the_breaker()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var port = ((IPEndPoint)listener.LocalEndpoint).Port;
        listener.Stop();
        await using var effects = new EffectsHarness($"connections: {{ stock: {{ type: http, url: 'http://127.0.0.1:{port}' }} }}", _time);
        await effects.RunAsync(Post());
        await effects.RunAsync(Post());

        await effects.Runner.RunAsync(Post(), null, default);

        Assert.Single(effects.Ledger.Parked);
    }

    [Fact]
    public async Task A_changed_connection_is_reported_as_unavailable_while_its_breaker_is_open()
    {
        await using var effects = Harness();
        await OpenBreakerAsync(effects);

        effects.Connections.Replace(EffectsHarness.Read(
            $$"""connections: { stock: { type: http, url: "{{_server.Address}}changed", {{Breaker}} } }""", []));

        Assert.NotNull(effects.Health.Handlers["stock"]);
    }

    [Fact]
    public async Task A_breaker_that_is_off_parks_nothing()
    {
        await using var effects = Harness("breaker: off");
        _server.AnswerWith(503, "text/plain", "");

        for (var attempt = 0; attempt < 10; attempt++)
        {
            Assert.Equal("http_503", (await effects.RunAsync(Post())).Code);
        }
    }

    [Fact]
    public async Task Commands_of_a_connection_run_while_all_slots_of_another_one_hang()
    {
        await using var effects = Harness("concurrency: 2", otherConnection: "healthy: { type: http, url: \"{0}\", concurrency: 2 }");
        var release = new TaskCompletionSource();
        var hung = new SemaphoreSlim(0);
        _server.Answer = async context =>
        {
            if (context.Request.Path == "/slow")
            {
                hung.Release();
                await release.Task;
            }
        };
        var slow = Enumerable.Range(0, 200)
            .Select(_ => effects.Runner.RunAsync(Post("/slow"), null, default))
            .ToList();
        await hung.WaitAsync(TestContext.Current.CancellationToken);
        await hung.WaitAsync(TestContext.Current.CancellationToken);

        for (var i = 0; i < 50; i++)
        {
            var result = await effects.RunAsync(EffectsHarness.Command("http.post", """{"path":"/x"}""", "healthy"));
            Assert.Equal(StepOutcomes.Completed, result.Outcome);
        }

        // Two hang, and eight may wait in memory; the others are in the database.
        Assert.Equal(190, effects.Ledger.Parked.Count);
        release.SetResult();
        await Task.WhenAll(slow);
    }

    [Fact]
    public async Task Parked_commands_run_in_the_order_of_their_arrival()
    {
        await using var effects = Harness("concurrency: 1");
        var (reached, release) = (new TaskCompletionSource(), new TaskCompletionSource());
        _server.Answer = async context =>
        {
            if (context.Request.Path == "/slow")
            {
                reached.SetResult();
                await release.Task;
            }
        };
        var slow = effects.Runner.RunAsync(Post("/slow"), null, default);
        await reached.Task;
        var commands = Enumerable.Range(0, 12).Select(i => Post($"/{i}")).ToList();
        var runs = commands.ConvertAll(command => effects.Runner.RunAsync(command, null, default));
        release.SetResult();
        await slow;
        await Task.WhenAll(runs);
        while (effects.Ledger.Parked.Count > 0)
        {
            await effects.DrainAsync();
        }

        Assert.Equal(
            Enumerable.Range(0, 12).Select(i => $"/{i}"),
            _server.Requests.Select(request => request.Target).Where(path => path != "/slow"));
    }

    [Fact]
    public async Task After_a_poll_for_which_no_slot_was_free_the_loop_waits()
    {
        await using var effects = new EffectsHarness(time: _time);
        await effects.Parked.RunOnceAsync(TestContext.Current.CancellationToken);
        for (var slot = 0; slot < ConnectionTypes.ConcurrencyOf(ConnectionTypes.Http); slot++)
        {
            Assert.NotNull(await effects.Gates.For(null).EnterAsync(1, TestContext.Current.CancellationToken));
        }

        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.True(await effects.Parked.RunOnceAsync(TestContext.Current.CancellationToken) > TimeSpan.Zero);
    }

    private async Task OpenBreakerAsync(EffectsHarness effects)
    {
        _server.AnswerWith(503, "text/plain", "");
        await effects.RunAsync(Post());
        await effects.Runner.RunAsync(SecondAttempt(), null, default);
        Assert.NotNull(effects.Health.Handlers["stock"]);
    }

    private void Recover()
    {
        _server.AnswerWith(200, "text/plain", "");
        _time.Advance(_afterPause);
    }

    private static async Task<List<StepResult>> DrainAllAsync(EffectsHarness effects)
    {
        var results = new List<StepResult>();
        while (effects.Ledger.Parked.Count > 0)
        {
            var drained = await effects.DrainAsync();
            Assert.NotEmpty(drained);
            results.AddRange(drained);
        }

        await effects.DrainAsync();
        return results;
    }

    private static (string Outcome, int Attempt) Outcome(IEnumerable<StepResult> results, StepCommand command) =>
        results.Where(result => result.CommandId == command.CommandId).Select(result => (result.Outcome, result.Attempt)).Single();

    // Of first attempts that the service fails in a row only one counts.
    private static StepCommand SecondAttempt() => Post() with { Attempt = 2 };

    private static StepCommand Post(string path = "/x") => EffectsHarness.Command("http.post", $$"""{"path":"{{path}}"}""", "stock");

    private EffectsHarness Harness(string keys = Breaker, string otherConnection = "") => new(
        $$"""
        connections:
          stock:
            type: http
            url: "{{_server.Address}}"
            {{keys}}
          {{otherConnection.Replace("{0}", _server.Address.ToString(), StringComparison.Ordinal)}}
        """,
        _time);
}
