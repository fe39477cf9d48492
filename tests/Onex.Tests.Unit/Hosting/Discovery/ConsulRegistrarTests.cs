using System.Globalization;
using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Hosting.Discovery;

/// <summary>The registration of a role with a real agent that requires a token.</summary>
public sealed class ConsulRegistrarTests : IAsyncLifetime
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly RoleHealth _health = new();
    private readonly LogLines<ConsulRegistrar> _lines = new();
    private ConsulAgent _agent = null!;
    private HttpTestServer _role = null!;
    private ConsulClient _client = null!;
    private ConsulRegistrar _registrar = null!;

    public async ValueTask InitializeAsync()
    {
        _agent = await ConsulAgent.StartAsync();
        _role = await HttpTestServer.StartAsync();
        var settings = Settings($"ONEX_HTTP_PORT={_role.Address.Port}", "RUNTIME_PROFILE=all");
        _client = new ConsulClient(settings.Consul);
        _registrar = new ConsulRegistrar(_client, settings, _health, _time, _lines);
    }

    public async ValueTask DisposeAsync()
    {
        await _registrar.StopAsync(CancellationToken.None);
        _registrar.Dispose();
        _client.Dispose();
        await _role.DisposeAsync();
        await _agent.DisposeAsync();
    }

    [Fact]
    public async Task A_role_is_registered_with_its_check_and_removed_when_it_stops()
    {
        await _registrar.StartAsync(CancellationToken.None);

        await Eventually.Async(async () => await StatusAsync() == "passing", _within, () => "the agent checks /ready");
        Assert.Contains(_role.Requests, request => request.Target == "/ready");
        var service = await _agent.GetAsync($"/v1/agent/service/{_registrar.Id}");
        Assert.Equal(
            ("onex-all", "127.0.0.1", _role.Address.Port),
            ((string)service["Service"]!, (string)service["Address"]!, (int)service["Port"]!));
        Assert.Equal(
            ["profile=all", $"version={Onex.Hosting.OnexHost.Version}"],
            service["Tags"]!.AsArray().Select(tag => (string)tag!));
        Assert.Contains(_lines.All, line => line.Contains("HTTP listens on localhost only", StringComparison.Ordinal));
        Assert.Null(_health.Handlers[ConsulRegistrar.HandlerName]);

        // The role is not ready any more, and the agent notices it.
        _role.AnswerWith(503, "text/plain", "");
        await Eventually.Async(async () => await StatusAsync() == "critical", _within, () => "the agent checks /ready again");

        await _registrar.StopAsync(CancellationToken.None);
        Assert.Equal("", await StatusAsync());
    }

    [Fact]
    public async Task A_registration_that_the_agent_has_lost_is_renewed_and_an_absent_agent_only_degrades_the_role()
    {
        await _registrar.StartAsync(CancellationToken.None);
        await Eventually.Async(async () => await StatusAsync() != "", _within, () => "it is registered");

        await _agent.StopAsync();
        await AdvanceUntilAsync(() => _health.Handlers[ConsulRegistrar.HandlerName] is not null, "the role is degraded");
        await AdvanceUntilAsync(() => _lines.Count("Information") > 0 && _lines.Count("Warning") >= 2, "it is logged");
        Assert.Contains("cannot be reached", _health.Handlers[ConsulRegistrar.HandlerName], StringComparison.Ordinal);
        Assert.Single(_lines.All, line => line.Contains("cannot be registered", StringComparison.Ordinal));

        await _agent.StartAgainAsync();
        await AdvanceUntilAsync(() => _health.Handlers[ConsulRegistrar.HandlerName] is null, "the role is registered again");
        Assert.NotEqual("", await StatusAsync());
        Assert.Contains(_lines.All, line => line.Contains("is reachable again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_registration_whose_answer_is_lost_is_removed_at_the_stop()
    {
        await using var proxy = await HttpTestServer.StartAsync();
        using var agent = new HttpClient { BaseAddress = _agent.Address };
        proxy.Answer = async context =>
        {
            using var request = new HttpRequestMessage(new HttpMethod(context.Request.Method), proxy.Requests.Last().Target)
            {
                Content = new StringContent(proxy.Requests.Last().Body),
            };
            request.Headers.Add("X-Consul-Token", ConsulAgent.Token);
            using var response = await agent.SendAsync(request, context.RequestAborted);
            context.Abort();
        };
        var settings = Settings(
            $"ONEX_HTTP_PORT={_role.Address.Port}", "RUNTIME_PROFILE=all", $"CONSUL_PORT={proxy.Address.Port}");
        using var client = new ConsulClient(settings.Consul);
        using var registrar = new ConsulRegistrar(client, settings, _health, _time, _lines);
        await registrar.StartAsync(CancellationToken.None);
        await Eventually.Async(
            () => _health.Handlers.GetValueOrDefault(ConsulRegistrar.HandlerName) is not null, _within, () => "the answer is lost");
        Assert.NotEqual("", await StatusAsync());

        await registrar.StopAsync(CancellationToken.None);

        Assert.Equal("", await StatusAsync());
    }

    private RuntimeSettings Settings(params string[] variables)
    {
        var environment = new Dictionary<string, string>
        {
            ["CONTRACTS_DIR"] = AppContext.BaseDirectory,
            ["CONSUL_HOST"] = _agent.Address.Host,
            ["CONSUL_PORT"] = _agent.Address.Port.ToString(CultureInfo.InvariantCulture),
            ["CONSUL_TOKEN"] = ConsulAgent.Token,
            ["ONEX_CONSUL_REGISTER"] = "true",
        };
        foreach (var pair in variables.Select(variable => variable.Split('=', 2)))
        {
            environment[pair[0]] = pair[1];
        }

        var read = SettingsReader.Read(environment, AppContext.BaseDirectory);
        Assert.Empty(read.Errors);
        return read.Settings!;
    }

    // The status of the instance's check, or empty if Consul does not have it.
    private async Task<string> StatusAsync()
    {
        var checks = (await _agent.GetAsync("/v1/agent/checks")).AsObject().Select(check => check.Value!);
        return (string?)checks.FirstOrDefault(check => (string?)check["ServiceID"] == _registrar.Id)?["Status"] ?? "";
    }

    // Advances the clock by periods until the condition holds.
    private Task<TimeSpan> AdvanceUntilAsync(Func<bool> condition, string description) => Eventually.Async(
        () =>
        {
            if (condition())
            {
                return true;
            }

            _time.Advance(_period);
            return false;
        },
        _within,
        () => description);
}
