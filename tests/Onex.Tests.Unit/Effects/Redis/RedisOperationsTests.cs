using Onex.Effects;
using StackExchange.Redis;

namespace Onex.Tests.Unit.Effects.Redis;

/// <summary>The operations of Redis against a real server.</summary>
public sealed class RedisOperationsTests : IAsyncLifetime
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(30);

    private RedisServer _server = null!;
    private EffectsHarness _effects = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await RedisServer.StartAsync();
        _effects = Harness(_server.Port);
    }

    public async ValueTask DisposeAsync()
    {
        if (_effects is not null)
        {
            await _effects.DisposeAsync();
            await _server.DisposeAsync();
        }
    }

    [Theory]
    [InlineData("redis.get", """{"key":"none"}""", """{"value":null}""")]
    [InlineData("redis.get", """{"key":"text"}""", """{"value":"here"}""")]
    [InlineData("redis.set", """{"key":"new","value":{"a":[1]}}""", """{"written":true}""")]
    [InlineData("redis.set", """{"key":"text","value":"x","if_absent":true}""", """{"written":false}""")]
    [InlineData("redis.set", """{"key":"new","value":"x","if_absent":true,"ttl":60}""", """{"written":true}""")]
    [InlineData("redis.delete", """{"key":"text"}""", """{"deleted":true}""")]
    [InlineData("redis.delete", """{"key":"none"}""", """{"deleted":false}""")]
    [InlineData("redis.exists", """{"key":"text"}""", """{"exists":true}""")]
    [InlineData("redis.exists", """{"key":"none"}""", """{"exists":false}""")]
    [InlineData("redis.increment", """{"key":"none"}""", """{"value":1}""")]
    [InlineData("redis.increment", """{"key":"seven","by":-9}""", """{"value":-2}""")]
    [InlineData("redis.expire", """{"key":"text","ttl":60}""", """{"found":true}""")]
    [InlineData("redis.expire", """{"key":"none","ttl":60}""", """{"found":false}""")]
    [InlineData("redis.publish", """{"channel":"news","value":"hi"}""", """{"receivers":0}""")]
    [InlineData("redis.hash_get", """{"key":"hash","field":"a"}""", """{"value":"1"}""")]
    [InlineData("redis.hash_get", """{"key":"hash","field":"b"}""", """{"value":null}""")]
    [InlineData("redis.hash_set", """{"key":"hash","fields":{"a":"2","b":"3"}}""", """{"added":1}""")]
    public async Task An_operation_returns_what_the_server_answers(string operation, string arguments, string expected)
    {
        await PrepareAsync();

        var result = await _effects.RunAsync(EffectsHarness.Command(operation, arguments, "cache"));

        Assert.True(result.Outcome == StepOutcomes.Completed, $"{result.Code}: {result.Message}");
        Assert.Equal(expected, result.Result.ToString());
    }

    [Theory]
    [InlineData("redis.get", """{"key":"hash"}""", "wrong_type")]
    [InlineData("redis.hash_set", """{"key":"text","fields":{"a":"1"}}""", "wrong_type")]
    [InlineData("redis.increment", """{"key":"text"}""", "not_a_number")]
    [InlineData("redis.increment", """{"key":"seven","by":9223372036854775807}""", "not_a_number")]
    [InlineData("redis.set", """{"key":"new","value":1,"ttl":0}""", "arguments_invalid")]
    [InlineData("redis.expire", """{"key":"text","ttl":-1}""", "arguments_invalid")]
    [InlineData("redis.hash_set", """{"key":"hash","fields":{}}""", "arguments_invalid")]
    [InlineData("redis.hash_set", """{"key":"hash","fields":{"a":null}}""", "arguments_invalid")]
    [InlineData("redis.get", """{"key":null}""", "arguments_invalid")]
    [InlineData("redis.get", """{"key":"a","keys":[]}""", "arguments_invalid")]
    public async Task Attempts_that_cannot_succeed_are_rejected(string operation, string arguments, string code)
    {
        await PrepareAsync();

        var result = await _effects.RunAsync(EffectsHarness.Command(operation, arguments, "cache"));

        Assert.Equal((StepOutcomes.Rejected, code), (result.Outcome, result.Code));
        Assert.True(RejectionCodes.Allow(EffectOperations.Descriptors.Single(each => each.Name == operation), code));
    }

    [Fact]
    public async Task A_key_is_written_as_it_is_with_its_time_to_live_in_the_database_of_the_connection()
    {
        await _effects.RunAsync(EffectsHarness.Command("redis.set", """{"key":"k","value":"plain \"text\"","ttl":60}""", "cache"));
        await _effects.RunAsync(EffectsHarness.Command("redis.set", """{"key":"j","value":{"a":1.50}}""", "cache"));

        await using var client = await ConnectAsync();
        Assert.Equal("plain \"text\"", await client.GetDatabase(3).StringGetAsync("k"));
        Assert.InRange((await client.GetDatabase(3).KeyTimeToLiveAsync("k"))!.Value.TotalSeconds, 1, 60);
        Assert.Equal("""{"a":1.50}""", await client.GetDatabase(3).StringGetAsync("j"));
        Assert.False(await client.GetDatabase(0).KeyExistsAsync("k"));
    }

    [Fact]
    public async Task A_binary_value_becomes_text_that_can_be_stored_and_a_value_above_the_limit_is_rejected()
    {
        await using var client = await ConnectAsync();
        await client.GetDatabase(3).StringSetAsync("bytes", new byte[] { 65, 0, 0xFF });
        await client.GetDatabase(3).StringSetRangeAsync("large", 51 * 1024 * 1024, "x");

        var bytes = await _effects.RunAsync(EffectsHarness.Command("redis.get", """{"key":"bytes"}""", "cache"));
        var large = await _effects.RunAsync(EffectsHarness.Command("redis.get", """{"key":"large"}""", "cache"));

        Assert.Equal("A\uFFFD\uFFFD", JsonElement.Parse(bytes.Result!.Value.Utf8.Span).GetProperty("value").GetString());
        Assert.Equal((StepOutcomes.Rejected, "result_too_large"), (large.Outcome, large.Code));
    }

    [Theory]
    [InlineData("\u20AC", 3_495_253, "request_too_large")] // with the name, one byte more than 10 MiB
    [InlineData("a", 10_485_758, null)] // 10 MiB
    public async Task The_fields_of_a_hash_are_limited_by_their_bytes(string character, int count, string? code)
    {
        var fields = $$"""{"\u00E9":"{{string.Concat(Enumerable.Repeat(character, count))}}"}""";

        var result = await _effects.RunAsync(EffectsHarness.Command("redis.hash_set", $$"""{"key":"hash","fields":{{fields}}}""", "cache"));

        Assert.Equal(code, result.Code);
    }

    [Fact]
    public async Task A_server_that_accepts_no_writes_fails_the_attempt_without_an_effect()
    {
        await using var client = await ConnectAsync();
        await client.GetServers().Single().ExecuteAsync("CONFIG", "SET", "maxmemory", "1");

        var result = await _effects.RunAsync(EffectsHarness.Command("redis.set", """{"key":"k","value":"hidden"}""", "cache"));

        Assert.Equal((StepOutcomes.Failed, "redis_unavailable", StepReaches.Answered), (result.Outcome, result.Code, result.Reach));
    }

    [Fact]
    public async Task A_write_to_a_server_that_hangs_may_have_happened_and_one_to_a_stopped_server_has_not()
    {
        await using var effects = Harness(_server.Port, keys: "breaker: off");
        await effects.RunAsync(EffectsHarness.Command("redis.increment", """{"key":"n"}""", "cache"));

        await _server.FreezeAsync();
        var hung = await effects.RunAsync(EffectsHarness.Command("redis.increment", """{"key":"n"}""", "cache", timeoutMs: 300));
        await _server.ThawAsync();
        Assert.Equal((StepOutcomes.Failed, "step_timed_out", StepReaches.Sent), (hung.Outcome, hung.Code, hung.Reach));

        await _server.KillAsync();
        await Eventually.Async(
            async () => (await effects.RunAsync(EffectsHarness.Command("redis.increment", """{"key":"n"}""", "cache")))
                is { Outcome: StepOutcomes.Failed, Code: "connection_failed", Reach: StepReaches.NotSent },
            _within,
            () => "an attempt fails as not sent");

        await _server.StartAgainAsync();
        await Eventually.Async(
            async () => (await effects.RunAsync(EffectsHarness.Command("redis.increment", """{"key":"n"}""", "cache")))
                is { Outcome: StepOutcomes.Completed },
            _within,
            () => "the connection is open again");
        Assert.Equal("""{"value":2}""",
            (await effects.RunAsync(EffectsHarness.Command("redis.increment", """{"key":"n"}""", "cache"))).Result.ToString());
    }

    [Fact]
    public async Task A_wrong_password_fails_the_attempt_and_is_neither_reported_nor_logged()
    {
        await using var effects = Harness(_server.Port, password: "hidden-and-wrong", keys: "timeout: 30s, breaker: off");

        // On a slow machine the first connect may end before the server has answered.
        var result = await Eventually.GetAsync(
            async () =>
            {
                var ended = await effects.RunAsync(EffectsHarness.Command("redis.get", """{"key":"k"}""", "cache"));
                return ended.Code == "connection_failed" ? null : ended;
            },
            _within,
            () => "the server has answered");

        Assert.Equal((StepOutcomes.Failed, "authentication_failed", StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
        Assert.DoesNotContain("hidden", JsonSerializer.Serialize(result, MessageJson.Default.StepResult), StringComparison.Ordinal);
        Assert.DoesNotContain(effects.Logged, line => line.Contains("hidden", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Tls_verifies_the_server_and_presents_the_clients_certificate()
    {
        using var certificates = new TestCertificates();
        await using var server = await RedisServer.StartWithTlsAsync(certificates);
        await using var withAuthority = Harness(
            server.Port, scheme: "rediss", keys: $"ca_file: {certificates.CaFile}, client_certificate: {certificates.ClientFile}");
        await using var withoutAuthority = Harness(server.Port, scheme: "rediss", keys: $"client_certificate: {certificates.ClientFile}");
        await using var withoutCertificate = Harness(server.Port, scheme: "rediss", keys: $"ca_file: {certificates.CaFile}");
        var command = EffectsHarness.Command("redis.exists", """{"key":"k"}""", "cache", timeoutMs: 10_000);

        var results = await Task.WhenAll(
            new[] { withAuthority, withoutAuthority, withoutCertificate }.Select(harness => harness.RunAsync(command)));

        Assert.Equal("""{"exists":false}""", results[0].Result.ToString());
        Assert.Equal([StepOutcomes.Failed, StepOutcomes.Failed], results[1..].Select(result => result.Outcome));
    }

    private static EffectsHarness Harness(
        int port, string password = RedisServer.Password, string scheme = "redis", string keys = "timeout: 30s") =>
        new(
            "connections: { cache: { type: redis, url: '" + scheme + $"://127.0.0.1:{port}', database: 3, {keys}, "
            + "password: '${secret:REDIS_PASSWORD}' } }",
            environment: new() { ["REDIS_PASSWORD"] = password });

    private async Task<ConnectionMultiplexer> ConnectAsync() =>
        await ConnectionMultiplexer.ConnectAsync($"127.0.0.1:{_server.Port},password={RedisServer.Password},allowAdmin=true");

    private async Task PrepareAsync()
    {
        await using var client = await ConnectAsync();
        var database = client.GetDatabase(3);
        await database.StringSetAsync("text", "here");
        await database.StringSetAsync("seven", 7);
        await database.HashSetAsync("hash", "a", "1");
    }
}
