using System.Runtime.InteropServices;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Diagnostics;
using Onex.Effects.Connections;
using Onex.Hosting.Health;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;

namespace Onex.Runtime.Running;

/// <summary>
/// Puts changed contracts, connections, certificates and secrets to use while the role runs: when the contents of their files or secrets of
/// Vault have changed, and on SIGHUP. If a connection has errors, nothing is replaced; if only contracts have errors, the connections are.
/// What is not replaced stays in use, and <c>/health</c> is degraded until the files are corrected.
/// </summary>
internal sealed class ContractsReload : BackgroundService
{
    // The name in /health of changed files that wait for the database or the broker.
    private const string Waiting = "changed files";

    private static readonly TimeSpan _period = TimeSpan.FromSeconds(2);

    private readonly ContractsSource _source;
    private readonly ConnectionTable _connections;
    private readonly ContractRegistration? _registration;
    private readonly RuntimeSettings _settings;
    private readonly RoleHealth _health;
    private readonly TimeProvider _time;
    private readonly ILogger<ContractsReload> _logger;
    private readonly SemaphoreSlim _reloadRequests = new(0);

    private LoadedContracts _loaded;
    private IReadOnlyList<string> _connectionFiles;
    private string _triedHash;
    private string _lastHash;
    private bool _isWaiting;
    private List<string> _filesWithErrors = [];
    private List<string> _removedConnections = [];

    /// <param name="source">Reads the files.</param>
    /// <param name="started">What the role started with.</param>
    /// <param name="connections">The connections in use.</param>
    /// <param name="registration">Puts contracts to use; null for a role without contracts.</param>
    /// <param name="settings">The settings.</param>
    /// <param name="health">Shows the files with errors.</param>
    /// <param name="time">The clock.</param>
    /// <param name="logger">Logs what is reloaded, and what cannot be.</param>
    /// <param name="vault">The secrets of Vault, whose changes change connections.</param>
    public ContractsReload(
        ContractsSource source,
        LoadedContracts started,
        ConnectionTable connections,
        RuntimeSettings settings,
        RoleHealth health,
        TimeProvider time,
        ILogger<ContractsReload> logger,
        ContractRegistration? registration = null,
        VaultSecrets? vault = null)
    {
        vault?.OnChanged(() => _reloadRequests.Release());
        (_source, _loaded, _connections, _registration) = (source, started, connections, registration);
        (_settings, _health, _time, _logger) = (settings, health, time, logger);
        _connectionFiles = started.Connections.OtherFiles;
        _triedHash = _lastHash = started.FilesHash;
    }

    /// <summary>
    /// Looks for changes. Loads changed files when two calls in a row have found the same contents, because an editor or a copy may write
    /// several times.
    /// </summary>
    /// <param name="force">Loads at once, whether or not something has changed.</param>
    /// <param name="cancellation">Ends the work.</param>
    internal async Task CheckAsync(bool force, CancellationToken cancellation)
    {
        var hash = _source.Hash(_connectionFiles);
        var isStable = hash == _lastHash;
        _lastHash = hash;
        if (!force && (!isStable || (hash == _triedHash && !_isWaiting)))
        {
            return;
        }

        try
        {
            await LoadAsync(cancellation);
            if (_isWaiting)
            {
                _isWaiting = false;
                _health.Remove(Waiting);
            }
        }
        catch (NotReachableException error)
        {
            // The next call tries again.
            if (!_isWaiting)
            {
                Log.ReloadWaits(_logger, error.Message);
                _isWaiting = true;
            }

            _health.Report(
                Waiting, $"not in use yet: {error.Message}",
                new Remedy("Remove the cause; they are tried again every two seconds.", "changed-files"));
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var signal = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
        {
            context.Cancel = true;
            _reloadRequests.Release();
        });
        while (true)
        {
            var forced = await WaitAsync(stoppingToken);
            try
            {
                await CheckAsync(forced, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.ReloadThrew(_logger, exception);
            }
        }
    }

    public override void Dispose()
    {
        _reloadRequests.Dispose();
        base.Dispose();
    }

    // True if a reload was requested; false after the period.
    private async Task<bool> WaitAsync(CancellationToken cancellation)
    {
        using var period = new CancellationTokenSource(_period, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(period.Token, cancellation);
        try
        {
            await _reloadRequests.WaitAsync(either.Token);
            return true;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return false;
        }
    }

    private async Task LoadAsync(CancellationToken cancellation)
    {
        var loaded = _source.Load();
        var problems = await UseAsync(loaded, cancellation);
        _connectionFiles = loaded.Connections.OtherFiles;
        _triedHash = _lastHash = loaded.FilesHash;
        Report(problems);
        foreach (var warning in loaded.Diagnostics.Where(diagnostic => diagnostic.Severity == Severity.Warning))
        {
            Log.ReloadWarning(_logger, warning.Render().TrimEnd('\n'));
        }
    }

    // Uses what has no errors, and returns the errors. Connections are replaced even if contracts have errors, as in a process of the
    // effects role alone, which does not read contracts.
    private async Task<IReadOnlyList<(string File, string Problem)>> UseAsync(LoadedContracts loaded, CancellationToken cancellation)
    {
        if (FindVanished(loaded) is { } vanished)
        {
            return [vanished];
        }

        if (_settings.Runs(RuntimeProfile.Effects) && !loaded.Connections.HasErrors)
        {
            ReplaceConnections(loaded.Connections.Connections);
        }

        if (loaded.HasErrors)
        {
            return
            [
                .. loaded.Diagnostics.Where(diagnostic => diagnostic.Severity == Severity.Error)
                    .Select(diagnostic => (diagnostic.Path, diagnostic.Render().TrimEnd('\n'))),
                .. loaded.Problems.Select(problem => (_settings.ContractsDirectory, problem)),
            ];
        }

        if (_registration is not null && await _registration.UseAsync(loaded, cancellation) is { Count: > 0 } rejected)
        {
            return [.. rejected.Select(problem => (_settings.ContractsDirectory, problem))];
        }

        if (_registration is not null && Changes(loaded) is { Length: > 0 } changed)
        {
            Log.ContractsReloaded(_logger, changed);
        }

        _loaded = loaded;
        return [];
    }

    private void ReplaceConnections(IReadOnlyDictionary<string, Connection> read)
    {
        var removed = _connections.Names.Except(read.Keys, StringComparer.Ordinal).Order(StringComparer.Ordinal).ToList();
        var changes = _connections.Replace(read);
        if (changes.Count > 0)
        {
            Log.ConnectionsReloaded(
                _logger, string.Join(", ", changes.Select(change => $"{change.Name} {(change.Old is null ? "added" : "changed")}")));
        }

        if (removed.Except(_removedConnections, StringComparer.Ordinal).Any())
        {
            Log.ConnectionsRemoved(_logger, string.Join(", ", removed));
        }

        _removedConnections = removed;
    }

    // A directory that vanishes for a moment must not make every request unknown. The compiler reports one that is empty.
    private (string File, string Problem)? FindVanished(LoadedContracts loaded)
    {
        var directory = _settings.ContractsDirectory;
        if (_settings.Runs(RuntimeProfile.Main) && _loaded.Compilation.Plans.Count > 0 && !Directory.Exists(directory))
        {
            return (directory, $"The directory {directory} does not exist any more. What was loaded stays in use. Create it again.");
        }

        return loaded.Connections is { HasErrors: false, Connections.Count: 0 } && _loaded.Connections.Connections.Count > 0
            ? (Path.Combine(directory, "connections"), "There are no connections any more. The old ones are used until the role restarts.")
            : null;
    }

    private string Changes(LoadedContracts loaded)
    {
        var before = _loaded.Compilation.Plans.ToDictionary(plan => (plan.Name, plan.Version), plan => plan.Hash);
        var after = loaded.Compilation.Plans.ToDictionary(plan => (plan.Name, plan.Version), plan => plan.Hash);
        return string.Join(
            ", ",
            [
                .. after.Where(plan => !before.ContainsKey(plan.Key)).Select(plan => $"{plan.Key.Name} {plan.Key.Version} added"),
                .. after.Where(plan => before.TryGetValue(plan.Key, out var hash) && hash != plan.Value)
                    .Select(plan => $"{plan.Key.Name} {plan.Key.Version} changed"),
                .. before.Keys.Where(plan => !after.ContainsKey(plan)).Select(plan => $"{plan.Name} {plan.Version} removed"),
            ]);
    }

    private void Report(IReadOnlyList<(string File, string Problem)> problems)
    {
        var files = problems.Select(problem => problem.File).Distinct(StringComparer.Ordinal).ToList();
        foreach (var corrected in _filesWithErrors.Except(files, StringComparer.Ordinal))
        {
            _health.Remove(corrected);
        }

        foreach (var file in files)
        {
            var first = problems.First(problem => problem.File == file).Problem;
            _health.Report(
                file, $"not in use, because it has errors: {first.Split('\n')[0]}",
                new Remedy("Correct the file; the log has all its errors.", "changed-files"));
        }

        if (problems.Count > 0)
        {
            Log.ReloadRejected(_logger, string.Join('\n', problems.Select(problem => problem.Problem)));
        }
        else if (_filesWithErrors.Count > 0)
        {
            Log.ReloadCorrected(_logger);
        }

        _filesWithErrors = files;
    }
}
