using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Time.Testing;
using Onex.Effects.Connections;
using Onex.Effects.Discovery;
using Onex.Effects.Http;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Discovery;

/// <summary>Connections to services that a real Consul knows, by its API and by its DNS.</summary>
public sealed class ServiceDiscoveryTests : IAsyncLifetime
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly RoleHealth _health = new();
    private readonly LogLines<ServiceDirectory> _lines = new();
    private ConsulAgent _agent = null!;
    private HttpTestServer _one = null!;
    private HttpTestServer _two = null!;
    private ConsulClient _client = null!;
    private ServiceDirectory _directory = null!;

    public async ValueTask InitializeAsync()
    {
        _agent = await ConsulAgent.StartAsync();
        (_one, _two) = (await HttpTestServer.StartAsync(), await HttpTestServer.StartAsync());
        _client = new ConsulClient(new ConsulConnection(_agent.Address, ConsulAgent.Token));
        _directory = Directory(new ConnectionTable(new Dictionary<string, Connection>()));
    }

    public async ValueTask DisposeAsync()
    {
        await _directory.DisposeAsync();
        _client.Dispose();
        await _one.DisposeAsync();
        await _two.DisposeAsync();
        await _agent.DisposeAsync();
    }

    [Fact]
    public async Task Attempts_take_the_instances_in_turn_and_follow_Consul()
    {
        await RegisterAsync("stock", "one", _one, "blue");
        await RegisterAsync("stock", "two", _two, "green");
        await using var effects = Harness("""
            connections:
              stock: { type: http, url: "consul://stock/api" }
              blue:  { type: http, url: "consul://stock?tag=blue" }
            """);

        Assert.All(await RunAsync(effects, "stock", 4), result => Assert.Equal(StepOutcomes.Completed, result.Outcome));
        Assert.Equal((2, 2), (_one.Requests.Count, _two.Requests.Count));
        Assert.All(_one.Requests, request => Assert.Equal(("/api/x", "stock"), (request.Target, request.Headers["Host"])));

        _ = await RunAsync(effects, "blue", 2);
        Assert.Equal((4, 2), (_one.Requests.Count, _two.Requests.Count));

        // Consul answers the blocking query.
        await _agent.PutAsync("/v1/agent/service/deregister/stock-one", "");
        await WaitForInstancesAsync("consul://stock", 1);
        _ = await RunAsync(effects, "stock", 2);
        Assert.Equal((4, 4), (_one.Requests.Count, _two.Requests.Count));

        await _agent.PutAsync("/v1/agent/service/deregister/stock-two", "");
        await WaitForInstancesAsync("consul://stock", 0);
        await AssertNotSentAsync(effects, "No instance of consul://stock is known: it has no healthy instance.");
        Assert.Equal("it has no healthy instance", _health.Handlers["consul://stock"]);
    }

    [Fact]
    public async Task Each_tag_of_a_service_has_a_problem_of_its_own()
    {
        await RegisterAsync("stock", "one", _one, "blue");
        await using var effects = Harness("""
            connections:
              blue:  { type: http, url: "consul://stock?tag=blue" }
              green: { type: http, url: "consul://stock?tag=green&dc=dc1" }
            """);

        await AssertNotSentAsync(
            effects, "No instance of consul://stock?tag=green&dc=dc1 is known: it has no healthy instance.", "green");
        Assert.Equal(StepOutcomes.Completed, Assert.Single(await RunAsync(effects, "blue", 1)).Outcome);

        Assert.Equal("consul://stock?tag=green&dc=dc1", Assert.Single(_health.Failures).Handler);
    }

    [Fact]
    public async Task A_service_that_no_connection_names_any_more_is_not_looked_up_and_not_reported()
    {
        await RegisterAsync("stock", "one", _one);
        var connections = new ConnectionTable(EffectsHarness.Read("connections: { a: { type: http, url: 'consul://stock' } }", []));
        await using var directory = Directory(connections);
        using (var attempt = connections.Use("a"))
        {
            _ = await directory.ResolveAsync(attempt.Connection!, TestContext.Current.CancellationToken);
            connections.Replace(EffectsHarness.Read("connections: { a: { type: http, url: 'http://127.0.0.1:1' } }", []));
            Assert.Single(await directory.ResolveAsync(attempt.Connection!, TestContext.Current.CancellationToken));
        }

        Assert.DoesNotContain("consul://stock", _health.Handlers.Keys);
    }

    [Fact]
    public async Task Without_Consul_the_last_known_instances_stay_in_use()
    {
        await RegisterAsync("stock", "one", _one);
        await using var effects = Harness("connections: { stock: { type: http, url: 'consul://stock' } }");
        _ = await RunAsync(effects, "stock", 1);
        Assert.Null(_health.Handlers["consul://stock"]);

        await _agent.StopAsync();
        await AdvanceUntilAsync(() => _health.Handlers["consul://stock"] is not null, "the role is degraded");
        Assert.EndsWith("; the last known 1 instance stays in use", _health.Handlers["consul://stock"], StringComparison.Ordinal);
        var result = Assert.Single(await RunAsync(effects, "stock", 1));
        Assert.Equal(StepOutcomes.Completed, result.Outcome);

        // A process that starts meanwhile knows no instances.
        await using var started = Directory(new ConnectionTable(new Dictionary<string, Connection>()), new RoleHealth());
        await using var others = Harness("connections: { stock: { type: http, url: 'consul://stock' } }", started);
        await AssertNotSentAsync(others, "No instance of consul://stock is known: Consul at");

        // Consul comes back without its data, with a lower index.
        await _agent.StartAgainAsync();
        await RegisterAsync("stock", "two", _two);
        await AdvanceUntilAsync(() => _health.Handlers["consul://stock"] is null, "the role is healthy again");
        Assert.Equal([_two.Address.Port], (await ResolveAsync("consul://stock")).Select(instance => instance.Port));
        Assert.Single(_lines.All, line => line.Contains("are known again", StringComparison.Ordinal));
    }

    [Fact]
    public async Task After_an_answer_that_is_not_in_the_form_of_Consul_the_service_is_looked_up_again()
    {
        _one.AnswerWith(200, "application/json", "[{}]");
        using var client = new ConsulClient(new ConsulConnection(_one.Address, null));
        await using var directory = new ServiceDirectory(
            new ConnectionTable(new Dictionary<string, Connection>()), client, null, _health, _time, _lines);
        var stock = EffectsHarness.Read("connections: { stock: { type: http, url: 'consul://stock' } }", [])["stock"];

        await Assert.ThrowsAsync<ServiceUnavailableException>(
            () => directory.ResolveAsync(stock, TestContext.Current.CancellationToken).WaitAsync(_within));
        _one.AnswerWith(200, "application/json", """[{"Node":{"Address":"127.0.0.1"},"Service":{"Address":"","Port":80}}]""");

        await AdvanceUntilAsync(() => _health.Handlers["consul://stock"] is null, "the service has an instance");
    }

    [Fact]
    public async Task An_instance_that_cannot_be_reached_or_is_not_allowed_is_passed_over()
    {
        await using var gone = await HttpTestServer.StartAsync();
        await RegisterAsync("stock", "gone", gone);
        await RegisterAsync("stock", "one", _one);
        await _agent.RegisterAsync("stock", "metadata", "169.254.169.254", 80);
        await _agent.RegisterAsync("hostile", "hostile-metadata", "169.254.169.254", 80);
        await RegisterAsync("inside", "one", _one);
        await gone.DisposeAsync();
        await using var effects = Harness("""
            connections:
              stock:   { type: http, url: "consul://stock" }
              hostile: { type: http, url: "consul://hostile" }
              inside:  { type: http, url: "consul://inside", allow: [10.0.0.0/8] }
              listed:  { type: http, url: "consul://inside", allow: [127.0.0.0/8] }
            """);

        Assert.All(await RunAsync(effects, "stock", 6), result => Assert.Equal(StepOutcomes.Completed, result.Outcome));
        Assert.Equal(6, _one.Requests.Count);
        await AssertNotSentAsync(effects, "169.254.169.254 is not allowed: only a connection whose", "hostile");
        await AssertNotSentAsync(effects, "127.0.0.1 is not allowed: only a connection whose", "inside");
        Assert.Equal(StepOutcomes.Completed, Assert.Single(await RunAsync(effects, "listed", 1)).Outcome);
    }

    [Fact]
    public async Task The_certificate_of_an_instance_names_its_service()
    {
        using var certificates = new TestCertificates();
        await using var server = await HttpTestServer.StartAsync(HttpProtocols.Http1AndHttp2, certificates.ServerFile);
        await RegisterAsync("stock", "one", server);
        await RegisterAsync("other", "one", server);
        var tls = $"ca_file: {certificates.CaFile}, client_certificate: {certificates.ClientFile}";
        await using var effects = Harness($$"""
            connections:
              stock:  { type: http, url: "consul://stock?scheme=https", {{tls}} }
              second: { type: http, url: "consul://stock?scheme=https", http_version: "2", {{tls}} }
              other:  { type: http, url: "consul://other?scheme=https", {{tls}} }
            """);

        Assert.Equal(StepOutcomes.Completed, Assert.Single(await RunAsync(effects, "stock", 1)).Outcome);
        Assert.Equal(StepOutcomes.Completed, Assert.Single(await RunAsync(effects, "second", 1)).Outcome);
        await AssertNotSentAsync(effects, "No secure connection", "other");
    }

    [Fact]
    public async Task SRV_records_are_looked_up_when_they_expire_and_stay_in_use_without_a_server()
    {
        await RegisterAsync("stock", "one", _one);
        await RegisterAsync("stock", "two", _two);
        const string Service = "srv://_stock._tcp.service.consul";
        await using var effects = Harness($"connections: {{ stock: {{ type: http, url: '{Service}/api' }} }}");

        Assert.All(await RunAsync(effects, "stock", 8), result => Assert.Equal(StepOutcomes.Completed, result.Outcome));
        Assert.Equal(8, _one.Requests.Count + _two.Requests.Count);
        Assert.All(_one.Requests.Concat(_two.Requests), request => Assert.Equal("service.consul", request.Headers["Host"]));

        await _agent.PutAsync("/v1/agent/service/deregister/stock-one", "");
        await Eventually.Async(
            async () => (await _agent.GetAsync("/v1/health/service/stock")).AsArray().Count == 1, _within, () => "Consul has one instance");
        Assert.Equal(2, (await ResolveAsync(Service)).Count);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([new DnsEndPoint("127.0.0.1", _two.Address.Port)], await ResolveAsync(Service));

        await _agent.StopAsync();
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal([new DnsEndPoint("127.0.0.1", _two.Address.Port)], await ResolveAsync(Service));
        Assert.EndsWith("; the last known 1 instance stays in use", _health.Handlers[Service], StringComparison.Ordinal);
        await using var started = Directory(new ConnectionTable(new Dictionary<string, Connection>()), new RoleHealth());
        await using var others = Harness($"connections: {{ stock: {{ type: http, url: '{Service}' }} }}", started);
        await AssertNotSentAsync(others, $"No instance of {Service} is known: the DNS server did not answer");
    }

    [Fact]
    public void SRV_records_are_ordered_by_priority_and_then_drawn_by_weight()
    {
        SrvList.Record[] records =
        [
            new(2, 100, new DnsEndPoint("spare", 1)),
            new(1, 30, new DnsEndPoint("small", 1)),
            new(1, 0, new DnsEndPoint("none", 1)),
            new(1, 60, new DnsEndPoint("large", 1)),
        ];
        string[] SelectHosts(params int[] draws)
        {
            var numbers = new Queue<int>(draws);
            return [.. SrvList.SelectOrder(records, _ => numbers.Dequeue()).Select(record => record.Instance.Host)];
        }

        Assert.Equal(["none", "small", "large", "spare"], SelectHosts(0, 0, 0, 0));
        Assert.Equal(["small", "none", "large", "spare"], SelectHosts(30, 0, 0, 0));
        Assert.Equal(["large", "small", "none", "spare"], SelectHosts(31, 1, 0, 0));
        Assert.Equal(["large", "small", "none", "spare"], SelectHosts(90, 30, 0, 100));
    }

    [Theory]
    [InlineData(0, 12, 12)]
    [InlineData(12, 12, 12)]
    [InlineData(12, 13, 13)]
    [InlineData(12, 11, 0)]
    [InlineData(0, 0, 1)]
    public void A_blocking_query_starts_over_when_the_index_goes_backwards(ulong index, ulong answeredIndex, ulong next)
    {
        Assert.Equal(next, ConsulList.NextIndex(index, answeredIndex));
    }

    private static async Task<List<StepResult>> RunAsync(EffectsHarness effects, string connection, int count)
    {
        var results = new List<StepResult>();
        for (var i = 0; i < count; i++)
        {
            results.Add(await effects.RunAsync(EffectsHarness.Command("http.post", """{"path":"/x"}""", connection)));
        }

        return results;
    }

    private static async Task AssertNotSentAsync(EffectsHarness effects, string message, string connection = "stock")
    {
        var result = Assert.Single(await RunAsync(effects, connection, 1));
        Assert.Equal((StepOutcomes.Failed, "connection_failed", "not_sent"), (result.Outcome, result.Code, result.Reach));
        Assert.StartsWith(message, result.Message, StringComparison.Ordinal);
    }

    // With its own health, the directory is that of another process.
    private ServiceDirectory Directory(ConnectionTable connections, RoleHealth? health = null) => new(
        connections, _client, _agent.Dns, health ?? _health, _time, health is null ? _lines : new LogLines<ServiceDirectory>());

    private EffectsHarness Harness(string connections, ServiceDirectory? directory = null) =>
        new(connections, services: directory ?? _directory);

    private Task RegisterAsync(string service, string id, HttpTestServer server, params string[] tags) =>
        _agent.RegisterAsync(service, $"{service}-{id}", "127.0.0.1", server.Address.Port, tags);

    private async Task<IReadOnlyList<DnsEndPoint>> ResolveAsync(string url)
    {
        try
        {
            var service = ServiceAddress.Parse(new Uri(url)).Service;
            return await _directory.ResolveAsync(
                new Connection { Name = "stock", Type = ConnectionTypes.Http, Service = service }, CancellationToken.None);
        }
        catch (ServiceUnavailableException)
        {
            return [];
        }
    }

    private Task<TimeSpan> WaitForInstancesAsync(string url, int count) => AdvanceUntilAsync(
        async () => (await ResolveAsync(url)).Count == count, $"{url} has {count} instances");

    private Task<TimeSpan> AdvanceUntilAsync(Func<bool> holds, string what) => AdvanceUntilAsync(() => Task.FromResult(holds()), what);

    // Advances the time past the pauses between queries until the condition holds.
    private Task<TimeSpan> AdvanceUntilAsync(Func<Task<bool>> holds, string what) => Eventually.Async(
        async () =>
        {
            if (await holds())
            {
                return true;
            }

            _time.Advance(TimeSpan.FromMinutes(1));
            return false;
        },
        _within,
        () => what);
}
