using Microsoft.Extensions.Logging;
using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Hosting.Settings;
using Onex.Runtime.Running;

namespace Onex.Tests.Unit.Runtime.Running;

/// <summary>Reloading in the effects role. The end-to-end tests (ReloadTests) reload contracts in whole processes.</summary>
public sealed class ContractsReloadTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("onex-contracts-").FullName;
    private readonly List<string> _logged = [];
    private readonly RoleHealth _health = new();
    private ConnectionTable _connections = null!;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task A_changed_file_is_loaded_when_two_checks_found_the_same_contents()
    {
        Write("connections/all.yaml", Http("stock", "http://old.internal"));
        using var reload = Start();
        var before = _connections.Find("stock");

        Write("connections/all.yaml", Http("stock", "http://half-writ"));
        await reload.CheckAsync(force: false, CancellationToken.None);
        Write("connections/all.yaml", Http("stock", "http://new.internal"));
        await reload.CheckAsync(force: false, CancellationToken.None);
        Assert.Same(before, _connections.Find("stock"));

        await reload.CheckAsync(force: false, CancellationToken.None);
        Assert.Equal("new.internal", _connections.Find("stock")!.Url!.Host);
        Assert.Equal(["Information: Connections were reloaded: stock changed."], _logged);
    }

    [Fact]
    public async Task Unchanged_and_removed_connections_stay_in_use_and_health_lists_them_with_added_ones()
    {
        Write("connections/a.yaml", Http("stock", "http://stock.internal"));
        Write("connections/b.yaml", Http("bank", "http://bank.internal"));
        using var reload = Start();
        var (stock, bank) = (_connections.Find("stock"), _connections.Find("bank"));

        Write("connections/a.yaml", "# a comment\n" + Http("stock", "http://stock.internal"));
        Write("connections/b.yaml", Http("post", "http://post.internal"));
        await reload.CheckAsync(force: true, CancellationToken.None);
        await reload.CheckAsync(force: true, CancellationToken.None);

        Assert.Same(stock, _connections.Find("stock"));
        Assert.Same(bank, _connections.Find("bank"));
        Assert.Equal(
            [
                "Information: Connections were reloaded: post added.",
                "Warning: The files no longer have these connections; they stay in use until a restart: bank.",
            ], _logged);
        Assert.Equal(["bank", "post", "stock"], _health.Handlers.Keys.Where(handler => handler is "post" or "stock" or "bank"));

        Write("connections/b.yaml", Http("bank", "http://other.internal"));
        await reload.CheckAsync(force: true, CancellationToken.None);
        Assert.Equal("other.internal", _connections.Find("bank")!.Url!.Host);
    }

    [Fact]
    public async Task A_broken_file_changes_nothing_is_reported_once_and_degrades_health_until_it_is_fixed()
    {
        Write("connections/all.yaml", Http("stock", "http://stock.internal"));
        using var reload = Start();
        var before = _connections.Find("stock");

        Write("connections/all.yaml", "connections: { stock: { type: http, url: 'gopher://stock.internal' }, post: { type: http } }");
        for (var check = 0; check < 4; check++)
        {
            await reload.CheckAsync(force: false, CancellationToken.None);
        }

        var error = Assert.Single(_logged);
        Assert.StartsWith("Error: Changed files have errors and are not used", error, StringComparison.Ordinal);
        Assert.Contains("ONEX2005", error, StringComparison.Ordinal);
        Assert.Same(before, _connections.Find("stock"));
        var broken = Assert.Single(_health.Handlers, handler => handler.Value is not null);
        Assert.Equal(Path.Combine(_directory, "connections", "all.yaml"), broken.Key);
        Assert.Contains("ONEX2005", broken.Value, StringComparison.Ordinal);

        Write("connections/all.yaml", Http("stock", "http://stock.internal"));
        await reload.CheckAsync(force: false, CancellationToken.None);
        await reload.CheckAsync(force: false, CancellationToken.None);

        Assert.Equal("Information: The changed files have no errors any more and are in use.", _logged[^1]);
        Assert.DoesNotContain(broken.Key, _health.Handlers.Keys);
        Assert.Same(before, _connections.Find("stock"));
    }

    [Fact]
    public async Task A_secret_and_a_certificate_in_files_of_their_own_are_reloaded()
    {
        using var certificates = new TestCertificates();
        var secret = Path.Combine(_directory, "token");
        var authority = Path.Combine(_directory, "ca.pem");
        await File.WriteAllTextAsync(secret, "first\n", TestContext.Current.CancellationToken);
        File.Copy(certificates.CaFile, authority);
        Write("connections/all.yaml", $$"""
            connections:
              stock:
                type: http
                url: https://stock.internal
                headers: { Authorization: "Bearer ${secret:STOCK_TOKEN}" }
                ca_file: {{authority}}
            """);
        using var reload = Start(("STOCK_TOKEN_FILE", secret));
        var first = _connections.Find("stock");

        await File.WriteAllTextAsync(secret, "second\n", TestContext.Current.CancellationToken);
        await reload.CheckAsync(force: false, CancellationToken.None);
        await reload.CheckAsync(force: false, CancellationToken.None);
        var second = _connections.Find("stock");
        Assert.Equal("Bearer second", second!.Headers.Single().Value);
        Assert.NotSame(first, second);

        await File.WriteAllTextAsync(authority, "no certificate", TestContext.Current.CancellationToken);
        await reload.CheckAsync(force: true, CancellationToken.None);
        Assert.Same(second, _connections.Find("stock"));
        Assert.Contains("ONEX2011", _logged[^1], StringComparison.Ordinal);
        Assert.NotNull(second.Tls.Options("stock.internal").CertificateChainPolicy);

        using var next = new TestCertificates();
        File.Copy(next.CaFile, authority, overwrite: true);
        await reload.CheckAsync(force: false, CancellationToken.None);
        await reload.CheckAsync(force: false, CancellationToken.None);
        Assert.NotSame(second, _connections.Find("stock"));
    }

    [Fact]
    public async Task Links_that_are_swapped_as_Kubernetes_swaps_them_are_noticed()
    {
        Write("v1/all.yaml", Http("stock", "http://one.internal"));
        Write("v2/all.yaml", Http("stock", "http://two.internal"));
        var mounted = Directory.CreateDirectory(Path.Combine(_directory, "connections")).FullName;
        Directory.CreateSymbolicLink(Path.Combine(mounted, "..data"), Path.Combine(_directory, "v1"));
        File.CreateSymbolicLink(Path.Combine(mounted, "all.yaml"), Path.Combine("..data", "all.yaml"));
        using var reload = Start();

        Directory.CreateSymbolicLink(Path.Combine(mounted, "..data_tmp"), Path.Combine(_directory, "v2"));
        Directory.Move(Path.Combine(mounted, "..data_tmp"), Path.Combine(mounted, "..new"));
        Directory.Delete(Path.Combine(mounted, "..data"));
        Directory.Move(Path.Combine(mounted, "..new"), Path.Combine(mounted, "..data"));
        await reload.CheckAsync(force: false, CancellationToken.None);
        await reload.CheckAsync(force: false, CancellationToken.None);

        Assert.Equal("two.internal", _connections.Find("stock")!.Url!.Host);
    }

    [Fact]
    public async Task Connections_stay_in_use_when_all_their_files_vanish()
    {
        Write("connections/all.yaml", Http("stock", "http://stock.internal"));
        using var reload = Start();

        Directory.Delete(Path.Combine(_directory, "connections"), recursive: true);
        await reload.CheckAsync(force: true, CancellationToken.None);

        Assert.NotNull(_connections.Find("stock"));
        Assert.Contains("There are no connections any more", Assert.Single(_logged), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pipe_among_the_files_is_not_opened()
    {
        Write("connections/all.yaml", Http("stock", "http://stock.internal"));
        (await Shell.RunAsync("mkfifo", Path.Combine(_directory, "connections", "pipe.yaml"))).OrThrow("mkfifo");

        using var reload = await Task.Run(() => Start(), TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        Assert.NotNull(_connections.Find("stock"));
    }

    private static string Http(string name, string url) => $$"""connections: { {{name}}: { type: http, url: "{{url}}" } }""";

    private void Write(string path, string text)
    {
        var full = Path.Combine(_directory, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    private ContractsReload Start(params (string Name, string Value)[] variables)
    {
        var environment = new Dictionary<string, string>
        {
            ["RUNTIME_PROFILE"] = "effects",
            ["CONTRACTS_DIR"] = _directory,
        };
        foreach (var (name, value) in variables)
        {
            environment[name] = value;
        }

        var settings = SettingsReader.Read(environment, _directory).Tentative;
        var source = new ContractsSource(settings, environment, PluginSet.None);
        var started = source.Load();
        Assert.Empty(started.ErrorLines);
        _connections = new ConnectionTable(started.Connections.Connections);
        EffectsRole.ReportHandlers(_health, _connections);
        return new ContractsReload(
            source, started, _connections, settings, _health, TimeProvider.System, new Logs<ContractsReload>(_logged));
    }

    private sealed class Logs<T>(List<string> lines) : ILogger<T>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Add($"{logLevel}: {formatter(state, exception)}{exception}");
    }
}
