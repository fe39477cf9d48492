using Onex.Effects;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Consul;

/// <summary>The operations of Consul against a real agent that demands a token.</summary>
public sealed class ConsulOperationsTests(ConsulOperationsTests.Agent agent) : IClassFixture<ConsulOperationsTests.Agent>, IAsyncLifetime
{
    private EffectsHarness _effects = null!;
    private Uri _address = null!;

    public async ValueTask InitializeAsync()
    {
        _address = (await agent.GetAsync()).Address;
        _effects = Harness(_address, ConsulAgent.Token);
    }

    public ValueTask DisposeAsync() => _effects?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task A_key_is_written_read_listed_and_removed()
    {
        Assert.Equal("""{"found":false,"value":null,"index":0}""", await ResultAsync("kv_get", """{"key":"app/one two"}"""));
        Assert.Equal("""{"entries":[]}""", await ResultAsync("kv_list", """{"prefix":"app/"}"""));

        Assert.Equal("""{"written":true}""", await ResultAsync("kv_put", """{"key":"app/one two","value":{"a":[1]},"cas":0}"""));
        Assert.Equal("""{"written":false}""", await ResultAsync("kv_put", """{"key":"app/one two","value":"other","cas":0}"""));
        Assert.Equal("""{"written":true}""", await ResultAsync("kv_put", """{"key":"app/empty","value":""}"""));

        var read = JsonElement.Parse(await ResultAsync("kv_get", """{"key":"app/one two"}"""));
        Assert.Equal("""{"a":[1]}""", read.GetProperty("value").GetString());
        var index = read.GetProperty("index").GetInt64();
        Assert.Equal(
            """{"written":true}""", await ResultAsync("kv_put", $$"""{"key":"app/one two","value":"plain \"text\"","cas":{{index}}}"""));
        var entries = JsonElement.Parse(await ResultAsync("kv_list", """{"prefix":"app/"}""")).GetProperty("entries");
        Assert.Equal(
            [("app/empty", ""), ("app/one two", "plain \"text\"")],
            entries.EnumerateArray().Select(entry => (entry.GetProperty("key").GetString(), entry.GetProperty("value").GetString())));

        Assert.Equal("""{"deleted":true}""", await ResultAsync("kv_delete", """{"key":"app/one two"}"""));
        Assert.Equal("""{"deleted":true}""", await ResultAsync("kv_delete", """{"key":"app/","recurse":true}"""));
        Assert.Equal("""{"entries":[]}""", await ResultAsync("kv_list", """{"prefix":"app/"}"""));
    }

    [Fact]
    public async Task An_instance_is_registered_with_its_check_found_by_its_health_and_removed()
    {
        const string Registration =
            """
            {
              "id": "n-1", "name": "node", "address": "10.0.0.1", "port": 7000, "tags": ["store"], "meta": {"zone": "north"},
              "check": {"TTL": "60s", "Status": "passing"}
            }
            """;
        Assert.Equal("""{"id":"n-1"}""", await ResultAsync("register", Registration));
        Assert.Equal("""{"id":"n-1"}""", await ResultAsync("register", Registration));
        Assert.Equal("""{"id":"n-2"}""", await ResultAsync("register", """{"id":"n-2","name":"node","check":{"TTL":"60s"}}"""));

        const string Healthy = """{"id":"n-1","address":"10.0.0.1","port":7000,"tags":["store"],"status":"passing"}""";
        Assert.Equal($$"""{"instances":[{{Healthy}}]}""", await ResultAsync("health_service", """{"name":"node","passing":true}"""));
        Assert.Equal($$"""{"instances":[{{Healthy}}]}""", await ResultAsync("health_service", """{"name":"node","tag":"store"}"""));
        var all = JsonElement.Parse(await ResultAsync("health_service", """{"name":"node"}""")).GetProperty("instances");
        Assert.Equal(
            [("n-1", "10.0.0.1", "passing"), ("n-2", "127.0.0.1", "critical")],
            all.EnumerateArray().Select(each => (
                each.GetProperty("id").GetString(), each.GetProperty("address").GetString(), each.GetProperty("status").GetString())));

        Assert.Equal("""{"id":"n-1"}""", await ResultAsync("deregister", """{"id":"n-1"}"""));
        Assert.Equal("""{"id":"n-2"}""", await ResultAsync("deregister", """{"id":"n-2"}"""));
        Assert.Equal("""{"instances":[]}""", await ResultAsync("health_service", """{"name":"node"}"""));

        // A second removal succeeds, because a compensation may run although the registration never happened.
        Assert.Equal("""{"id":"n-1"}""", await ResultAsync("deregister", """{"id":"n-1"}"""));
    }

    [Theory]
    [InlineData("kv_get", """{"key":""}""", "arguments_invalid")]
    [InlineData("kv_get", """{"key":"a/../b"}""", "arguments_invalid")]
    [InlineData("kv_delete", """{"key":"/a"}""", "arguments_invalid")]
    [InlineData("deregister", """{"id":"../../kv/a"}""", "arguments_invalid")]
    [InlineData("register", """{"id":"n-3","name":"node","check":{"TTL":"soon"}}""", "http_400")]
    [InlineData("register", """{"id":"n-3"}""", "arguments_invalid")]
    public async Task Invalid_arguments_are_rejected(string operation, string arguments, string code)
    {
        var result = await _effects.RunAsync(EffectsHarness.Command("consul." + operation, arguments, "consul"));

        Assert.Equal((StepOutcomes.Rejected, code), (result.Outcome, result.Code));
        Assert.True(RejectionCodes.Allow(EffectOperations.Descriptors.Single(each => each.Name == "consul." + operation), code));
    }

    [Fact]
    public async Task A_value_above_the_servers_limit_is_rejected()
    {
        var result = await _effects.RunAsync(
            EffectsHarness.Command("consul.kv_put", $$"""{"key":"large","value":"{{new string('x', 600 * 1024)}}"}""", "consul"));

        Assert.Equal((StepOutcomes.Rejected, "http_413"), (result.Outcome, result.Code));
    }

    [Fact]
    public async Task A_wrong_token_is_rejected_and_appears_nowhere()
    {
        await using var effects = Harness(_address, "hidden-and-wrong");

        var result = await effects.RunAsync(EffectsHarness.Command("consul.kv_put", """{"key":"a","value":"b"}""", "consul"));

        Assert.Equal((StepOutcomes.Rejected, "http_403"), (result.Outcome, result.Code));
        Assert.DoesNotContain("hidden", JsonSerializer.Serialize(result, MessageJson.Default.StepResult), StringComparison.Ordinal);
        Assert.DoesNotContain(effects.Logged, line => line.Contains("hidden", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(500, "failed", "http_500")]
    [InlineData(503, "failed", "http_503")]
    [InlineData(200, "failed", "answer_unreadable")]
    public async Task An_agent_without_a_leader_or_with_an_unexpected_answer_fails_the_attempt(int status, string outcome, string code)
    {
        await using var server = await HttpTestServer.StartAsync();
        server.AnswerWith(status, "text/plain", "No cluster leader");
        await using var effects = Harness(server.Address, "t", "datacenter: east");

        var result = await effects.RunAsync(EffectsHarness.Command("consul.kv_get", """{"key":"a"}""", "consul"));

        Assert.Equal((outcome, code), (result.Outcome, result.Code));
        var request = Assert.Single(server.Requests);
        Assert.Equal(("/v1/kv/a?dc=east", "t"), (request.Target, request.Headers["X-Consul-Token"]));
    }

    private static EffectsHarness Harness(Uri address, string token, string keys = "timeout: 30s") => new(
        $"connections: {{ consul: {{ type: consul, url: '{address}', {keys}, token: '${{secret:CONSUL_TOKEN}}' }} }}",
        environment: new() { ["CONSUL_TOKEN"] = token });

    private async Task<string> ResultAsync(string operation, string arguments)
    {
        var result = await _effects.RunAsync(EffectsHarness.Command("consul." + operation, arguments, "consul"));
        Assert.True(result.Outcome == StepOutcomes.Completed, $"{result.Code}: {result.Message}");
        return result.Result.ToString()!;
    }

    /// <summary>The agent of all tests. The first test starts it, because a missing binary skips a test but fails a fixture.</summary>
    public sealed class Agent : IAsyncDisposable
    {
        private readonly Lazy<Task<ConsulAgent>> _agent = new(ConsulAgent.StartAsync);

        public Task<ConsulAgent> GetAsync() => _agent.Value;

        public async ValueTask DisposeAsync()
        {
            if (_agent is { IsValueCreated: true, Value.IsCompletedSuccessfully: true })
            {
                await (await _agent.Value).DisposeAsync();
            }
        }
    }
}
