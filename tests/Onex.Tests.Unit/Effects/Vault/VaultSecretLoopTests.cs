using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Effects.Vault;
using Onex.Hosting.Discovery;
using Onex.Hosting.Health;
using Onex.Hosting.Settings;

namespace Onex.Tests.Unit.Effects.Vault;

/// <summary>Secrets of Vault in files of connections, and the session that reads them, against a simulated Vault.</summary>
public sealed class VaultSecretLoopTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
    private readonly RoleHealth _health = new();
    private readonly VaultSecrets _secrets = new();
    private readonly ConnectionTable _connections = new(new Dictionary<string, Connection>());
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-connections-");
    private VaultServer _vault = null!;
    private ServiceProvider _services = null!;
    private VaultSecretLoop _loop = null!;
    private Dictionary<string, string> _environment = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await VaultServer.StartAsync();
        _environment = new(StringComparer.Ordinal)
        {
            ["VAULT_ADDR"] = _vault.Address.ToString(),
            ["VAULT_ROLE_ID"] = VaultServer.RoleId,
            ["VAULT_SECRET_ID"] = _vault.SecretId,
        };
        _services = new ServiceCollection()
            .AddSingleton<TimeProvider>(_time)
            .AddSingleton(_health)
            .AddLogging()
            .AddSingleton(new ConsulClient(new ConsulConnection(new Uri("http://127.0.0.1:9"), null)))
            .AddOperationClients(_connections)
            .BuildServiceProvider();
        _loop = new VaultSecretLoop(
            _secrets, _connections, VaultReader.FromSettings(_environment), _services.GetRequiredService<VaultSessions>(), _health, _time,
            NullLogger<VaultSecretLoop>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        _loop.Dispose();
        await _services.DisposeAsync();
        await _vault.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_connection_waits_for_its_secret_and_gets_it()
    {
        _vault.Put("secret/apps/stock", ("token", "the value"));

        Assert.Equal("vault:secret/apps/stock#token", Assert.Single(Read("secret/apps/stock#token").UnknownSecrets).ToString());
        Assert.True(await RefreshAsync());

        var connection = Read("secret/apps/stock#token");
        Assert.Empty(connection.UnknownSecrets);
        Assert.Equal("Bearer the value", Assert.Single(connection.Headers).Value);
        Assert.Equal("secret/data/apps/stock", _vault.Requests[^1].Path);
    }

    [Theory]
    [InlineData("secret/data/apps/stock", "secret/data/apps/stock")]
    [InlineData("kv/team/apps/stock", "kv/team/data/apps/stock")]
    public async Task A_path_may_contain_data_and_a_mount_may_have_several_parts(string path, string requested)
    {
        _vault.Put(path.Replace("/data/", "/", StringComparison.Ordinal), ("token", "the value"));
        Read($"{path}#token");

        Assert.True(await RefreshAsync());

        Assert.Equal(requested, _vault.Requests[^1].Path);
        Assert.Empty(Read($"{path}#token").UnknownSecrets);
    }

    [Theory]
    [InlineData("secret/none#token", "Vault has no such secret, or its latest version is deleted.")]
    [InlineData("secret/apps/stock#tokn", "The secret has no field 'tokn'.")]
    public async Task A_wrong_path_or_field_is_reported_until_it_exists(string reference, string problem)
    {
        _vault.Put("secret/apps/stock", ("token", "the value"));
        Read(reference);

        await RefreshAsync();

        var path = reference.Split('#')[0];
        Assert.Equal(problem, _health.Handlers[$"vault:{path}"]);
        _vault.Put(path, (reference.Split('#')[1], "now"));
        _time.Advance(VaultSecretLoop.Period);
        Assert.True(await RefreshAsync());
        Assert.DoesNotContain($"vault:{path}", _health.Handlers.Keys);
    }

    [Fact]
    public async Task A_path_that_no_connection_refers_to_any_more_is_not_reported()
    {
        Read("secret/none#token");
        await RefreshAsync();
        Assert.Contains("vault:secret/none", _health.Handlers.Keys);

        _vault.Put("secret/apps/stock", ("token", "the value"));
        Read("secret/apps/stock#token");
        await RefreshAsync();

        Assert.DoesNotContain("vault:secret/none", _health.Handlers.Keys);
    }

    [Fact]
    public async Task A_changed_secret_is_read_again_after_its_period()
    {
        _vault.Put("secret/apps/stock", ("token", "the value"));
        Read("secret/apps/stock#token");
        await RefreshAsync();
        var before = Read("secret/apps/stock#token");

        _vault.Put("secret/apps/stock", ("token", "another value"));
        Assert.False(await RefreshAsync());
        _time.Advance(VaultSecretLoop.Period);
        Assert.True(await RefreshAsync());

        var after = Read("secret/apps/stock#token");
        Assert.Equal("Bearer another value", Assert.Single(after.Headers).Value);
        Assert.False(before.IsSameAs(after));
        Assert.True(after.IsSameAs(Read("secret/apps/stock#token")));
    }

    [Fact]
    public async Task A_lease_is_renewed_and_is_replaced_if_it_cannot_be_renewed()
    {
        _vault.LeaseSeconds = 60;
        ReadDatabase();
        Assert.True(await RefreshAsync());
        var first = ReadDatabase();
        Assert.StartsWith("v-app-", first.Database!.User, StringComparison.Ordinal);

        _time.Advance(TimeSpan.FromSeconds(41));
        Assert.False(await RefreshAsync());
        Assert.Equal("sys/leases/renew", _vault.Requests[^1].Path);
        Assert.True(first.IsSameAs(ReadDatabase()));

        _vault.IsRenewable = false;
        _time.Advance(TimeSpan.FromSeconds(41));
        Assert.True(await RefreshAsync());

        var second = ReadDatabase();
        Assert.NotEqual(first.Database.User, second.Database!.User);
        Assert.NotEqual(first.Database.Password, second.Database.Password);
        Assert.Equal(2, _vault.Requests.Count(request => request.Path == "database/creds/app"));
    }

    [Fact]
    public async Task A_lease_is_renewed_while_the_files_of_connections_have_errors()
    {
        _vault.LeaseSeconds = 60;
        ReadDatabase();
        Assert.True(await RefreshAsync());
        await File.WriteAllTextAsync(
            Path.Combine(_directory.FullName, "all.yaml"), "connections: [", TestContext.Current.CancellationToken);
        Assert.True(ConnectionsReader.Read(_directory.FullName, _environment, resolveSecrets: true, _secrets).HasErrors);

        _time.Advance(TimeSpan.FromSeconds(41));
        Assert.False(await RefreshAsync());

        Assert.Equal("sys/leases/renew", _vault.Requests[^1].Path);
    }

    [Fact]
    public async Task A_renewal_after_a_failed_one_ends_the_degradation()
    {
        _vault.LeaseSeconds = 60;
        ReadDatabase();
        Assert.True(await RefreshAsync());
        _vault.IsSealed = true;
        _time.Advance(TimeSpan.FromSeconds(41));
        Assert.False(await RefreshAsync());
        Assert.Contains(_health.Handlers, handler => handler.Value is not null);

        _vault.IsSealed = false;
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(await RefreshAsync());

        Assert.Equal("sys/leases/renew", _vault.Requests[^1].Path);
        Assert.DoesNotContain(_health.Handlers, handler => handler.Value is not null);
    }

    [Fact]
    public async Task A_sealed_Vault_degrades_the_role_and_is_read_again()
    {
        _vault.Put("secret/apps/stock", ("token", "the value"));
        _vault.IsSealed = true;
        Read("secret/apps/stock#token");

        Assert.False(await RefreshAsync());

        Assert.Equal("The Vault of connection 'vault' is sealed or not initialized.", _health.Handlers["vault:secret/apps/stock"]);
        _vault.IsSealed = false;
        Assert.False(await RefreshAsync());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await RefreshAsync());
    }

    [Fact]
    public async Task A_session_logs_in_once_and_again_when_its_token_is_gone()
    {
        _vault.Put("secret/apps/stock", ("token", "the value"));
        Read("secret/apps/stock#token");
        await RefreshAsync();
        _time.Advance(VaultSecretLoop.Period);
        await RefreshAsync();
        Assert.Equal(1, Logins());

        _vault.RevokeTokens();
        _time.Advance(VaultSecretLoop.Period);
        await RefreshAsync();

        Assert.Equal(2, Logins());
        Assert.DoesNotContain("vault:secret/apps/stock", _health.Handlers.Keys);
    }

    [Fact]
    public async Task A_session_renews_its_token_before_it_ends()
    {
        _vault.TokenSeconds = 60;
        _vault.Put("secret/apps/stock", ("token", "the value"));
        Read("secret/apps/stock#token");
        await RefreshAsync();

        // Past two thirds of the lifetime, and before its end.
        _time.Advance(TimeSpan.FromSeconds(41));
        await Eventually.Async(
            () => Task.FromResult(_vault.Requests.Any(request => request.Path == "auth/token/renew-self")),
            TimeSpan.FromSeconds(30),
            () => "the token is renewed");
        Assert.Equal(1, Logins());
    }

    [Fact]
    public async Task A_rejected_login_is_reported()
    {
        _vault.SecretId = "another";
        Read("secret/apps/stock#token");

        await RefreshAsync();

        Assert.Equal(
            "The Vault of connection 'vault' does not accept its AppRole: the role or secret id is wrong or used up.",
            _health.Handlers["vault:secret/apps/stock"]);
    }

    private int Logins() => _vault.Requests.Count(request => request.Path == "auth/approle/login");

    private Task<bool> RefreshAsync() => _loop.RefreshAsync(TestContext.Current.CancellationToken);

    private Connection Read(string reference) => ReadFile(
        $$"""
        connections:
          stock: { type: http, url: "http://stock", headers: { Authorization: "Bearer ${secret:vault:{{reference}}}" } }
        """);

    private Connection ReadDatabase() => ReadFile(
        """
        connections:
          stock:
            type: postgres
            host: db
            database: stock
            user: "${secret:vault:database/creds/app#username}"
            password: "${secret:vault:database/creds/app#password}"
        """);

    private Connection ReadFile(string text)
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "all.yaml"), text);
        var reading = ConnectionsReader.Read(_directory.FullName, _environment, resolveSecrets: true, _secrets);
        Assert.Empty(reading.Diagnostics);
        _connections.Replace(reading.Connections);
        return reading.Connections["stock"];
    }
}
