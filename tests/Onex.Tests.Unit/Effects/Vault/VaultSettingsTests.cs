using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Onex.Effects.Vault;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;

namespace Onex.Tests.Unit.Effects.Vault;

/// <summary>Secret settings that refer to Vault, against a simulated Vault.</summary>
public sealed class VaultSettingsTests : IAsyncLifetime
{
    private readonly List<string> _waits = [];
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-settings-");
    private VaultServer _vault = null!;
    private Dictionary<string, string> _environment = null!;

    public async ValueTask InitializeAsync()
    {
        _vault = await VaultServer.StartAsync();
        _vault.Put("secret/onex", ("redis", "r3dis"), ("consul", "c0nsul"), ("empty", ""));
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "contracts"));
        _environment = new(StringComparer.Ordinal)
        {
            ["VAULT_ADDR"] = _vault.Address.ToString(),
            ["VAULT_TOKEN"] = VaultServer.RootToken,
            ["REDIS_PASSWORD"] = "${secret:vault:secret/onex#redis}",
        };
    }

    public async ValueTask DisposeAsync()
    {
        await _vault.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task References_in_variables_and_in_files_are_replaced_and_each_path_is_read_once()
    {
        var file = Path.Combine(_directory.FullName, "consul");
        await File.WriteAllTextAsync(file, "${secret:vault:secret/onex#consul}\n");
        _environment["CONSUL_TOKEN_FILE"] = file;

        var settings = Settings(await ReadAsync()).Settings!;

        Assert.Equal(("r3dis", "c0nsul"), (settings.Redis.Password, settings.Consul.Token));
        Assert.Single(_vault.Requests, request => request.Path == "secret/data/onex");
    }

    [Fact]
    public async Task An_AppRole_and_a_namespace_are_used()
    {
        _environment.Remove("VAULT_TOKEN");
        _environment["VAULT_ROLE_ID"] = VaultServer.RoleId;
        _environment["VAULT_SECRET_ID_FILE"] = Path.Combine(_directory.FullName, "id");
        await File.WriteAllTextAsync(_environment["VAULT_SECRET_ID_FILE"], _vault.SecretId);
        _environment["VAULT_NAMESPACE"] = "team";

        Assert.Equal("r3dis", (await ReadAsync())["REDIS_PASSWORD"]);
        Assert.All(_vault.Requests, request => Assert.Equal("team", request.Namespace));
    }

    [Theory]
    [InlineData("secret/none#redis", "Vault has no such secret")]
    [InlineData("secret/onex#rediss", "The secret has no such field.")]
    [InlineData("secret/onex#empty", "The field is empty.")]
    [InlineData("secret/../onex#redis", "The path is malformed.")]
    [InlineData("database/creds/app#password", "ends with a lease")]
    public async Task A_reference_that_cannot_be_read_is_an_error_of_its_setting(string reference, string problem)
    {
        _environment["REDIS_PASSWORD"] = $"${{secret:vault:{reference}}}";

        var error = await Assert.ThrowsAsync<ConfigurationException>(() => ReadAsync());

        var line = Assert.Single(error.Lines);
        Assert.StartsWith("environment: error ONEX2033: REDIS_PASSWORD refers to the field '", line, StringComparison.Ordinal);
        Assert.Contains(problem, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rejected_token_a_missing_login_and_a_forbidding_policy_are_errors()
    {
        _vault.Allows = (_, path) => !path.Contains("onex", StringComparison.Ordinal);
        Assert.Contains("does not allow", await ErrorAsync(), StringComparison.Ordinal);

        _environment["VAULT_TOKEN"] = "hidden-token";
        var rejected = await ErrorAsync();
        Assert.Contains("does not accept its token", rejected, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", rejected, StringComparison.Ordinal);

        _environment.Remove("VAULT_TOKEN");
        Assert.Contains("VAULT_TOKEN", await ErrorAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_start_waits_for_a_sealed_Vault_and_logs_it_once()
    {
        _vault.IsSealed = true;
        var lines = new LogRecorder();

        var reading = ReadAsync(lines);
        await AdvanceUntilAsync(() => _vault.Requests.Count >= 3);
        Assert.False(reading.IsCompleted);
        _vault.IsSealed = false;
        await AdvanceUntilAsync(() => reading.IsCompleted);

        Assert.Equal("r3dis", (await reading)["REDIS_PASSWORD"]);
        var line = Assert.Single(lines.Lines);
        Assert.Contains(_vault.Address.ToString(), line, StringComparison.Ordinal);
        Assert.Contains("sealed", line, StringComparison.Ordinal);
        Assert.All(_waits, wait => Assert.Contains("sealed", wait, StringComparison.Ordinal));
        Assert.True(_waits.Count > 1);
    }

    [Fact]
    public async Task A_command_does_not_wait_for_Vault()
    {
        _vault.IsSealed = true;

        await Assert.ThrowsAsync<NotReachableException>(() => ReadAsync());
    }

    private async Task<string> ErrorAsync() => (await Assert.ThrowsAsync<ConfigurationException>(() => ReadAsync())).Message;

    private SettingsResult Settings(IReadOnlyDictionary<string, string> environment) =>
        SettingsReader.Read(environment, _directory.FullName);

    private Task<IReadOnlyDictionary<string, string>> ReadAsync(ILogger? logger = null) =>
        VaultSettings.ReadAsync(
            _environment, Settings(_environment).FromVault, _time, logger, _waits.Add, TestContext.Current.CancellationToken);

    private Task<TimeSpan> AdvanceUntilAsync(Func<bool> isReached) => Eventually.Async(
        () =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return Task.FromResult(isReached());
        },
        TimeSpan.FromSeconds(30),
        () => "the pause is over");

    private sealed class LogRecorder : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
