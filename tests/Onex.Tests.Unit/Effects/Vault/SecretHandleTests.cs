using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Onex.Effects.Vault;
using Onex.Tests.Unit.Hosting.Plugins;

namespace Onex.Tests.Unit.Effects.Vault;

/// <summary>Handles in the arguments of other effects.</summary>
public sealed class SecretHandleTests : IAsyncLifetime
{
    private const string Value = "pl4nted/value+1";

    private readonly FakeTimeProvider _time = new(DateTimeOffset.UnixEpoch.AddYears(60));
    private readonly List<string> _received = [];
    private VaultServer _vault = null!;
    private WebApplication _echo = null!;
    private EffectsHarness _effects = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await VaultServer.StartAsync();
        _vault.Put("secret/apps/stock", ("password", Value), ("user", "stock-user"));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _echo = builder.Build();
        var address = $"http://127.0.0.1:{FreePort.Next()}";
        _echo.Urls.Add(address);
        _echo.Run(async context =>
        {
            using var reader = new StreamReader(context.Request.Body);
            var received = $"{context.Request.Headers.Authorization} {await reader.ReadToEndAsync()}";
            _received.Add(received);
            context.Response.StatusCode = context.Request.Path == "/refused" ? 422 : 200;
            context.Response.Headers["x-echo"] = Uri.EscapeDataString(received);
            await context.Response.WriteAsync(received);
        });
        await _echo.StartAsync();
        _effects = new EffectsHarness(
            $$"""
            connections:
              vault: { type: vault, url: '{{_vault.Address}}', token: '${secret:T}' }
              echo: { type: http, url: '{{address}}' }
            """,
            time: _time,
            environment: new() { ["T"] = VaultServer.RootToken },
            plugins: PluginFolder.LoadTrials());
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        await _echo.StopAsync(new CancellationToken(canceled: true));
        await _echo.DisposeAsync();
        await _vault.DisposeAsync();
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/refused")]
    public async Task The_service_gets_the_value_and_the_outcome_hides_it(string path)
    {
        var (saga, handle) = await ReadAsync();

        var result = await SendAsync(saga, path, handle);

        Assert.Equal($$"""Bearer {{Value}} {"password":"{{Value}}","text":"<{{Value}}>"}""", Assert.Single(_received));
        Assert.Contains("Bearer ***", result.Result!.Value.ToString(), StringComparison.Ordinal);
        AssertValueIsHidden();
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task A_result_that_cannot_be_serialized_or_masked_fails_and_says_that_the_effect_is_done(int times)
    {
        var (saga, handle) = await ReadAsync();

        var result = await _effects.RunAsync(EffectsHarness.Command(
            "acme.halve", $$$"""{"times":{{{times}}},"price":{"amount":"{{{handle}}}","currency":"EUR"}}""") with
        { SagaId = saga });

        Assert.Equal((StepOutcomes.Failed, "result_invalid", StepReaches.Done), (result.Outcome, result.Code, result.Reach));
    }

    [Fact]
    public async Task A_handle_written_with_escapes_is_resolved()
    {
        var (saga, handle) = await ReadAsync();

        await _effects.RunAsync(EffectsHarness.Command(
            "http.post", $$$"""{"path":"/","body":{"password":"{{{handle.Replace("o", "\\u006f", StringComparison.Ordinal)}}}"}}""",
            "echo") with
        { SagaId = saga });

        Assert.Contains(Value, Assert.Single(_received), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handle_of_another_saga_an_unknown_one_and_a_malformed_one_are_rejected()
    {
        var (saga, handle) = await ReadAsync();

        foreach (var (id, text) in new[]
        {
            (SagaId.Create(TimeProvider.System.GetUtcNow()), handle),
            (saga, "onex-secret:00000000000000000000000000000000"),
            (saga, "onex-secret:xyz"),
            (saga, handle.ToUpperInvariant().Replace("ONEX-SECRET", "onex-secret", StringComparison.Ordinal)),
        })
        {
            var result = await SendAsync(id, "/", text);
            Assert.Equal(
                (StepOutcomes.Rejected, "secret_handle_invalid", StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
        }

        Assert.Empty(_received);
    }

    [Fact]
    public async Task A_handle_stands_for_its_version_and_not_for_a_later_one()
    {
        var (saga, handle) = await ReadAsync();
        _vault.Put("secret/apps/stock", ("password", "another value"));

        await SendAsync(saga, "/", handle);
        await _effects.RunAsync(EffectsHarness.Command("vault.delete_secret", """{"path":"apps/stock","versions":[1]}""", "vault"));
        var result = await SendAsync(saga, "/", handle);

        Assert.Contains(Value, Assert.Single(_received), StringComparison.Ordinal);
        Assert.Equal((StepOutcomes.Rejected, "secret_not_found"), (result.Outcome, result.Code));
    }

    [Fact]
    public async Task A_command_that_needs_a_sealed_Vault_is_parked_and_runs_as_the_same_attempt()
    {
        var (saga, handle) = await ReadAsync();
        _vault.IsSealed = true;
        var commands = new[] { CreateCommand(saga, "/", handle), CreateCommand(saga, "/", handle) };
        foreach (var command in commands)
        {
            await _effects.Runner.RunAsync(command, null, TestContext.Current.CancellationToken);
        }

        var requests = _vault.Requests.Count;
        Assert.Equal(["vault", "vault"], _effects.Ledger.Parked.Select(parked => parked.Connection));
        Assert.Empty(await _effects.DrainAsync());
        Assert.Equal(requests, _vault.Requests.Count);
        var unavailable = Assert.Single(_effects.Ledger.Unavailable);
        Assert.Equal("vault", unavailable.Name);
        Assert.Contains("sealed", unavailable.Reason, StringComparison.Ordinal);

        // A trial of a sealed Vault changes nothing; the connection of the step serves other commands.
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Empty(await _effects.DrainAsync());
        Assert.Equal(2, _effects.Ledger.Parked.Count);
        Assert.Equal(StepOutcomes.Completed, (await SendAsync(saga, "/", "no handle")).Outcome);
        Assert.Single(_received);

        _vault.IsSealed = false;
        _time.Advance(TimeSpan.FromSeconds(11));
        var results = new List<StepResult>();
        for (var i = 0; i < 4; i++)
        {
            results.AddRange(await _effects.DrainAsync());
        }

        Assert.Equal(
            commands.Select(command => (command.CommandId.Value, StepOutcomes.Completed, 1)).Order(),
            results.Select(result => (result.CommandId.Value, result.Outcome, result.Attempt)).Order());
        Assert.Empty(_effects.Ledger.Parked);
        Assert.Empty(_effects.Ledger.Unavailable);
        Assert.Equal(3, _received.Count);
    }

    [Fact]
    public async Task A_command_of_a_sealed_Vault_that_needs_a_secret_of_it_is_tried_once_per_pause()
    {
        var (saga, handle) = await ReadAsync();
        _vault.IsSealed = true;
        var command = EffectsHarness.Command(
            "vault.write_secret", $$$"""{"path":"copies/stock","fields":{"password":"{{{handle}}}"}}""", "vault") with
        { SagaId = saga };
        await _effects.Runner.RunAsync(command, null, TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromSeconds(11));
        Assert.Empty(await _effects.DrainAsync());
        var requests = _vault.Requests.Count;
        Assert.Empty(await _effects.DrainAsync());
        Assert.Equal(requests, _vault.Requests.Count);

        _vault.IsSealed = false;
        _time.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal(StepOutcomes.Completed, Assert.Single(await _effects.DrainAsync()).Outcome);
    }

    [Fact]
    public async Task A_connection_without_its_secret_of_Vault_uses_up_no_attempt()
    {
        await using var effects = new EffectsHarness(
            "connections: { stock: { type: http, url: 'http://127.0.0.1:1', headers: { X: '${secret:vault:secret/apps/stock#token}' } } }",
            time: _time);
        await effects.Runner.RunAsync(
            EffectsHarness.Command("http.get", """{"path":"/"}""", "stock"), null, TestContext.Current.CancellationToken);
        _time.Advance(TimeSpan.FromSeconds(11));

        Assert.Empty(await effects.DrainAsync());

        Assert.Equal("stock", Assert.Single(effects.Ledger.Parked).Connection);
        Assert.Contains(
            "waits for a secret of Vault: vault:secret/apps/stock#token", Assert.Single(effects.Ledger.Unavailable).Reason,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handle_is_written_to_another_secret_as_its_value()
    {
        var (saga, handle) = await ReadAsync();

        await _effects.RunAsync(EffectsHarness.Command(
            "vault.write_secret", $$$"""{"path":"copies/stock","fields":{"password":"{{{handle}}}"}}""", "vault") with
        { SagaId = saga });

        Assert.Equal(Value, _vault.Latest("secret/copies/stock", "password"));
        AssertValueIsHidden();
    }

    [Fact]
    public async Task A_record_with_a_handle_for_the_brokers_of_the_runtime_is_rejected()
    {
        var (saga, handle) = await ReadAsync();

        var result = await _effects.RunAsync(EffectsHarness.Command(
            "kafka.produce", $$$"""{"topic":"audit","value":"{{{handle}}}"}""") with
        { SagaId = saga });

        Assert.Equal((StepOutcomes.Rejected, "secret_refused"), (result.Outcome, result.Code));
    }

    [Fact]
    public void Handles_are_128_random_bits()
    {
        var handles = Enumerable.Range(0, 1000).Select(_ => SecretHandleText.Write(SecretHandleText.NewId())).ToList();

        Assert.Equal(1000, handles.Distinct().Count());

        // A version 4 UUID would fix six of the bits.
        Assert.True(handles.Select(handle => handle["onex-secret:".Length + 12]).Distinct().Count() > 10);
    }

    private async Task<(SagaId Saga, string Handle)> ReadAsync()
    {
        var command = EffectsHarness.Command("vault.read_secret", """{"path":"apps/stock"}""", "vault");
        var result = await _effects.RunAsync(command);
        var fields = JsonElement.Parse(result.Result!.Value.ToString()).GetProperty("fields");
        return (command.SagaId, fields.GetProperty("password").GetString()!);
    }

    private Task<StepResult> SendAsync(SagaId saga, string path, string handle) => _effects.RunAsync(CreateCommand(saga, path, handle));

    private static StepCommand CreateCommand(SagaId saga, string path, string handle) => EffectsHarness.Command(
        "http.post",
        $$"""
        {
          "path": "{{path}}", "headers": { "Authorization": "Bearer {{handle}}" },
          "body": { "password": "{{handle}}", "text": "<{{handle}}>" }
        }
        """,
        "echo") with
    { SagaId = saga };

    private void AssertValueIsHidden()
    {
        foreach (var form in (string[])[Value, Uri.EscapeDataString(Value), WebUtility.UrlEncode(Value)])
        {
            var bytes = System.Text.Encoding.UTF8.GetBytes(form);
            Assert.DoesNotContain(_effects.Produced.Records, record => record.Value.Span.IndexOf(bytes) >= 0);
            Assert.DoesNotContain(_effects.Logged, line => line.Contains(form, StringComparison.Ordinal));
        }
    }
}
