using Microsoft.Extensions.Time.Testing;
using Onex.Effects;
using Onex.Persistence.Secrets;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Vault;

/// <summary>The operations of Vault against a simulated Vault.</summary>
public sealed class VaultOperationsTests : IAsyncLifetime
{
    private VaultServer _vault = null!;
    private EffectsHarness _effects = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await VaultServer.StartAsync();
        _effects = Harness();
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        await _vault.DisposeAsync();
    }

    [Fact]
    public async Task A_secret_is_written_read_listed_and_deleted_and_shown_by_handles_alone()
    {
        var command = Command("write_secret", """{"path":"apps/stock","fields":{"user":"app"},"generate":["password"],"cas":0}""");
        var written = await ResultAsync(command);

        Assert.Equal(1, written.GetProperty("version").GetInt32());
        Assert.Equal("app", _vault.Latest("secret/apps/stock", "user"));
        var password = _vault.Latest("secret/apps/stock", "password")!;
        Assert.Matches("^[A-Za-z0-9]{32}$", password);
        Assert.DoesNotContain(password, written.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(["password", "user"], Names(written.GetProperty("fields")));
        Assert.All(
            written.GetProperty("fields").EnumerateObject(),
            field => Assert.Matches("^onex-secret:[0-9a-f]{32}$", field.Value.GetString()));

        var read = await ResultAsync(Command("read_secret", """{"path":"apps/stock"}"""));
        Assert.Equal((1, 2), (read.GetProperty("version").GetInt32(), Names(read.GetProperty("fields")).Count()));
        Assert.Equal(4, _effects.Handles.Handles.Count);
        Assert.Contains(
            new SecretHandle(default, command.SagaId, "vault", "apps/stock", 1, "password"),
            _effects.Handles.Handles.Values.Select(handle => handle with { Id = default }));

        Assert.Equal("""{"keys":["apps/"]}""", (await ResultAsync(Command("list_secrets", """{"path":""}"""))).GetRawText());
        Assert.Equal("""{"keys":["stock"]}""", (await ResultAsync(Command("list_secrets", """{"path":"apps/"}"""))).GetRawText());
        Assert.Equal("""{"keys":[]}""", (await ResultAsync(Command("list_secrets", """{"path":"none"}"""))).GetRawText());
        Assert.Equal("""{"path":"apps/stock"}""", (await ResultAsync(Command("delete_secret", """{"path":"apps/stock"}"""))).GetRawText());
        Assert.True(_vault.IsDeleted("secret/apps/stock", 1));
        await AssertRejectedAsync("secret_not_found", Command("read_secret", """{"path":"apps/stock"}"""));
    }

    [Fact]
    public async Task Versions_are_read_and_deleted_by_number()
    {
        _vault.Put("secret/apps/stock", ("password", "first"));
        _vault.Put("secret/apps/stock", ("password", "second"));

        var read = await ResultAsync(Command("read_secret", """{"path":"apps/stock","version":1}"""));
        await ResultAsync(Command("delete_secret", """{"path":"apps/stock","versions":[1]}"""));

        Assert.Equal(1, read.GetProperty("version").GetInt32());
        Assert.Equal((true, false), (_vault.IsDeleted("secret/apps/stock", 1), _vault.IsDeleted("secret/apps/stock", 2)));
    }

    [Fact]
    public async Task A_merge_keeps_the_other_fields()
    {
        _vault.Put("secret/apps/stock", ("user", "app"), ("password", "old"));

        await ResultAsync(Command("write_secret", """{"path":"apps/stock","generate":["password"],"length":16,"merge":true,"cas":1}"""));

        Assert.Equal("app", _vault.Latest("secret/apps/stock", "user"));
        Assert.Equal(16, _vault.Latest("secret/apps/stock", "password")!.Length);
        await AssertRejectedAsync("secret_not_found", Command("write_secret", """{"path":"none","generate":["password"],"merge":true}"""));
    }

    [Theory]
    [InlineData("read_secret", """{"path":""}""", "arguments_invalid")]
    [InlineData("read_secret", """{"path":"a/../b"}""", "arguments_invalid")]
    [InlineData("read_secret", """{"path":"/a"}""", "arguments_invalid")]
    [InlineData("read_secret", """{"path":"none"}""", "secret_not_found")]
    [InlineData("read_secret", """{"path":"apps/stock","version":9}""", "secret_not_found")]
    [InlineData("write_secret", """{"path":"apps/stock"}""", "arguments_invalid")]
    [InlineData("write_secret", """{"path":"apps/stock","fields":{"a":"x"},"generate":["a"]}""", "arguments_invalid")]
    [InlineData("write_secret", """{"path":"apps/stock","generate":["a"],"length":8}""", "arguments_invalid")]
    [InlineData("write_secret", """{"path":"apps/stock","fields":{"a":"x"},"cas":0}""", "cas_mismatch")]
    [InlineData("delete_secret", """{"path":"apps/stock","versions":[]}""", "arguments_invalid")]
    [InlineData("renew_token", "{}", "token_not_renewable")]
    public async Task Attempts_that_cannot_succeed_are_rejected(string operation, string arguments, string code)
    {
        _vault.Put("secret/apps/stock", ("password", "first"));

        await AssertRejectedAsync(code, Command(operation, arguments));
    }

    [Fact]
    public async Task A_path_that_the_policy_forbids_is_rejected()
    {
        _vault.Allows = (_, path) => path.StartsWith("auth/", StringComparison.Ordinal);

        await AssertRejectedAsync("insufficient_privilege", Command("read_secret", """{"path":"apps/stock"}"""));
    }

    [Fact]
    public async Task A_cas_mismatch_of_a_later_attempt_fails_because_the_version_may_be_its_own()
    {
        _vault.Put("secret/apps/stock", ("password", "first"));

        var result = await _effects.RunAsync(
            Command("write_secret", """{"path":"apps/stock","generate":["password"],"cas":0}""") with { Attempt = 2 });

        Assert.Equal((StepOutcomes.Failed, "cas_mismatch", StepReaches.Sent), (result.Outcome, result.Code, result.Reach));
    }

    [Theory]
    [InlineData(429, "http_429", StepReaches.Answered)]
    [InlineData(500, "http_500", StepReaches.Sent)]
    public async Task An_overloaded_or_broken_Vault_is_a_failure(int status, string code, string reach)
    {
        await ResultAsync(Command("list_secrets", """{"path":""}"""));
        _vault.Status = status;

        var result = await _effects.RunAsync(Command("delete_secret", """{"path":"apps/stock"}"""));

        Assert.Equal((StepOutcomes.Failed, code, reach), (result.Outcome, result.Code, result.Reach));
    }

    [Fact]
    public async Task A_sealed_Vault_is_a_failure_and_degrades_the_connection()
    {
        _vault.IsSealed = true;

        var result = await _effects.RunAsync(Command("read_secret", """{"path":"apps/stock"}"""));

        Assert.Equal((StepOutcomes.Failed, "vault_sealed", StepReaches.Answered), (result.Outcome, result.Code, result.Reach));
        Assert.Equal("The Vault of connection 'vault' is sealed or not initialized.", _effects.Health.Handlers["vault"]);
        _vault.IsSealed = false;
        await Eventually.Async(
            () => Task.FromResult(_effects.Health.Handlers["vault"] is null), TimeSpan.FromSeconds(20),
            () => "the connection is not degraded");
    }

    [Fact]
    public async Task A_Vault_that_cannot_be_reached_is_a_failure_that_was_not_sent()
    {
        await _vault.DisposeAsync();

        var result = await _effects.RunAsync(Command("delete_secret", """{"path":"apps/stock"}"""));

        Assert.Equal((StepOutcomes.Failed, "connection_failed", StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
        Assert.NotNull(_effects.Health.Handlers["vault"]);
    }

    [Fact]
    public async Task An_attempt_whose_login_breaks_off_was_not_sent()
    {
        await using var server = new AttemptRequestTests.WireServer { Answer = _ => AttemptRequestTests.WireAnswer.Close };
        await using var effects = Harness(address: new Uri($"http://127.0.0.1:{server.Port}"));

        var result = await effects.RunAsync(Command("write_secret", """{"path":"apps/stock","fields":{"user":"app"}}"""));

        Assert.Equal((StepOutcomes.Failed, "connection_lost", StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_attempt_whose_second_login_breaks_off_was_not_sent(int brokenCheck)
    {
        await ResultAsync(Command("list_secrets", """{"path":""}"""));
        _vault.RevokeToken(VaultServer.RootToken);
        _vault.BreaksOff = path => path == "auth/token/lookup-self" && --brokenCheck == 0;

        var result = await _effects.RunAsync(Command("write_secret", """{"path":"apps/stock","fields":{"user":"app"}}"""));

        Assert.Equal((StepOutcomes.Failed, "connection_lost", StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
    }

    [Fact]
    public async Task Requests_carry_the_namespace_and_the_mount_of_the_connection()
    {
        await using var effects = Harness("namespace: team-a, mount: kv/team");
        _vault.Put("kv/team/apps/stock", ("password", "first"));

        var result = await effects.RunAsync(Command("read_secret", """{"path":"apps/stock"}"""));

        Assert.Equal(StepOutcomes.Completed, result.Outcome);
        Assert.Equal(("kv/team/data/apps/stock", "team-a"), (_vault.Requests[^1].Path, _vault.Requests[^1].Namespace));
    }

    [Fact]
    public async Task A_token_is_renewed_by_an_operation()
    {
        var token = _vault.Issue(600, isRenewable: true);
        await using var effects = Harness(token: token);

        var result = await effects.RunAsync(Command("renew_token", """{"increment":60}"""));

        Assert.Equal("""{"expires_in":3600}""", result.Result?.ToString());
    }

    [Fact]
    public async Task A_replaced_connection_does_not_log_in_any_more_and_its_rejected_login_is_not_reported()
    {
        var time = new FakeTimeProvider();
        await using var effects = Harness(token: "wrong", time: time);
        EffectsRole.ReportHandlers(effects.Health, effects.Connections);
        int WrongLogins() => _vault.Requests.Count(request => request.Token == "wrong");
        await effects.RunAsync(Command("list_secrets", """{"path":""}"""));
        Assert.NotNull(effects.Health.Handlers["vault"]);
        await Eventually.Async(
            () =>
            {
                time.Advance(TimeSpan.FromMinutes(1));
                return WrongLogins() > 1;
            },
            TimeSpan.FromSeconds(20),
            () => "the login is repeated");

        effects.Connections.Replace(EffectsHarness.Read(ConnectionsFile(), new() { ["T"] = VaultServer.RootToken }));
        var before = WrongLogins();
        for (var i = 0; i < 20; i++)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(
                StepOutcomes.Completed, (await effects.RunAsync(Command("list_secrets", """{"path":""}"""))).Outcome);
        }

        // One may have been in flight when the connection was replaced.
        Assert.InRange(WrongLogins(), before, before + 1);
        Assert.Null(effects.Health.Handlers["vault"]);
    }

    [Fact]
    public async Task A_connection_whose_login_has_not_changed_keeps_its_session_and_reports_its_problems()
    {
        string File(int concurrency) => ConnectionsFile(
            $"role_id: {VaultServer.RoleId}, secret_id: {_vault.SecretId}, concurrency: {concurrency}", login: "");
        await using var effects = new EffectsHarness(File(4));
        await effects.RunAsync(Command("list_secrets", """{"path":""}"""));

        effects.Connections.Replace(EffectsHarness.Read(File(5), []));
        await effects.RunAsync(Command("list_secrets", """{"path":""}"""));

        Assert.Single(_vault.Requests, request => request.Path == "auth/approle/login");
        _vault.IsSealed = true;
        await effects.RunAsync(Command("list_secrets", """{"path":""}"""));
        Assert.Equal("The Vault of connection 'vault' is sealed or not initialized.", effects.Health.Handlers["vault"]);
    }

    private EffectsHarness Harness(
        string keys = "", string token = VaultServer.RootToken, Uri? address = null, TimeProvider? time = null) =>
        new(ConnectionsFile(keys, address), time, environment: new() { ["T"] = token });

    private string ConnectionsFile(string keys = "", Uri? address = null, string login = "token: '${secret:T}'") =>
        $$"""
        connections:
          vault: { type: vault, url: '{{address ?? _vault.Address}}', {{string.Join(", ", keys, login).Trim(',', ' ')}} }
        """;

    private static StepCommand Command(string operation, string arguments) =>
        EffectsHarness.Command("vault." + operation, arguments, "vault");

    private static IEnumerable<string> Names(JsonElement map) =>
        map.EnumerateObject().Select(field => field.Name).Order(StringComparer.Ordinal);

    private async Task<JsonElement> ResultAsync(StepCommand command)
    {
        var result = await _effects.RunAsync(command);
        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Message));
        return JsonElement.Parse(result.Result!.Value.ToString());
    }

    private async Task AssertRejectedAsync(string code, StepCommand command)
    {
        var result = await _effects.RunAsync(command);
        Assert.Equal((StepOutcomes.Rejected, code), (result.Outcome, result.Code));
    }
}
