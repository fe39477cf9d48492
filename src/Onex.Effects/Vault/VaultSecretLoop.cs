using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Effects.Connections;
using Onex.Effects.Operations;
using Onex.Hosting.Health;
using Onex.Operations;

namespace Onex.Effects.Vault;

/// <summary>
/// Reads the secrets of Vault that connections refer to, renews their leases, and reads them again when a lease cannot be renewed or their
/// period ends. A secret that cannot be read degrades <c>/health</c> and is read again after growing pauses.
/// </summary>
internal sealed class VaultSecretLoop(
    VaultSecrets secrets, ConnectionTable connections, Connection connection, VaultSessions sessions, RoleHealth health,
    TimeProvider time, ILogger<VaultSecretLoop> logger) : BackgroundService
{
    /// <summary>How often a secret without a lease is read again.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _requestTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, SecretState> _states = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _refreshLock = new(1);

    /// <summary>Reads and renews what is due. True if a value became known or has changed.</summary>
    public async Task<bool> RefreshAsync(CancellationToken cancellation)
    {
        await _refreshLock.WaitAsync(cancellation);
        try
        {
            var changed = false;
            var paths = connections.Connections.SelectMany(used => used.VaultReferences).Distinct()
                .ToLookup(reference => reference.Path, StringComparer.Ordinal);
            foreach (var (path, state) in _states.Where(known => known.Value.Problem is not null && !paths.Contains(known.Key)))
            {
                state.Problem = null;
                health.Remove($"vault:{path}");
            }

            foreach (var references in paths)
            {
                if (!_states.TryGetValue(references.Key, out var state))
                {
                    _states[references.Key] = state = new SecretState();
                }

                if (state.DueAt <= time.GetUtcNow())
                {
                    changed |= await RefreshAsync(references.Key, [.. references], state, cancellation);
                }
            }

            return changed;
        }
        finally
        {
            _refreshLock.Release();
        }
    }

    public override void Dispose()
    {
        _refreshLock.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            if (await RefreshAsync(stoppingToken))
            {
                secrets.ReportChange();
            }

            await Task.Delay(_interval, time, stoppingToken);
        }
    }

    private async Task<bool> RefreshAsync(
        string path, IReadOnlyList<VaultReference> references, SecretState state, CancellationToken cancellation)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeout.CancelAfter(_requestTimeout);
        string problem;
        try
        {
            if (state.LeaseId is not null && await RenewAsync(state, timeout.Token))
            {
                state.Pause = TimeSpan.Zero;
                Report(path, state, state.Missing);
                return false;
            }

            var changed = await ReadAsync(path, references, state, timeout.Token);
            Report(path, state, state.Missing);
            return changed;
        }
        catch (VaultException exception)
        {
            problem = exception.Message;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            problem = $"Vault did not answer within {_requestTimeout.TotalSeconds:0} s.";
        }

        state.Pause = state.Pause == TimeSpan.Zero ? _firstPause
            : state.Pause * 2 < _longestPause ? state.Pause * 2
            : _longestPause;
        state.DueAt = time.GetUtcNow() + state.Pause;
        Report(path, state, problem);
        return false;
    }

    // Returns false if the lease cannot be renewed, or only for a short time because its end is near.
    private async Task<bool> RenewAsync(SecretState state, CancellationToken cancellation)
    {
        var answer = await Session.SendAsync(
            HttpMethod.Put, "sys/leases/renew", new JsonObject { ["lease_id"] = state.LeaseId }, new AttemptProgress(), cancellation);
        var lifetime = TimeSpan.FromSeconds(answer.Number("lease_duration"));
        if (answer.Status >= 500)
        {
            throw Session.UnexpectedAnswer(answer, AttemptReach.NotSent);
        }

        if (!answer.IsSuccess || lifetime < state.Lifetime / 2)
        {
            return false;
        }

        state.DueAt = time.GetUtcNow() + RenewalDelay(lifetime);
        return true;
    }

    private async Task<bool> ReadAsync(
        string path, IReadOnlyList<VaultReference> references, SecretState state, CancellationToken cancellation)
    {
        state.Reader ??= new VaultSecretReader(Session, path);
        var content = await state.Reader.ReadAsync(cancellation);
        state.LeaseId = content.LeaseId;
        state.Lifetime = content.Lifetime;
        state.Pause = TimeSpan.Zero;
        state.DueAt = time.GetUtcNow() + (state.LeaseId is null ? Period : RenewalDelay(content.Lifetime));
        var missing = references.Select(reference => reference.Field).Where(field => !content.Fields.ContainsKey(field)).ToList();
        state.Missing = missing.Count > 0 ? $"The secret has no field '{string.Join("', '", missing)}'." : null;
        return secrets.Set(path, content.Fields);
    }

    private VaultSession Session => sessions.GetOrCreate(connection);

    private void Report(string path, SecretState state, string? problem)
    {
        var name = $"vault:{path}";
        if (problem == state.Problem)
        {
            return;
        }

        state.Problem = problem;
        if (problem is null)
        {
            Log.VaultSecretRead(logger, path);
            health.Remove(name);
        }
        else
        {
            Log.VaultSecretUnknown(logger, path, problem);
            health.Report(name, problem, VaultSession.Unavailable);
        }
    }

    // About two thirds, at random from 57 to 67 percent, so that processes do not renew at the same time.
    private static TimeSpan RenewalDelay(TimeSpan lifetime) => lifetime * (0.57 + (RandomNumberGenerator.GetInt32(1000) / 10_000.0));

    private sealed class SecretState
    {
        public VaultSecretReader? Reader { get; set; }

        public string? LeaseId { get; set; }

        public TimeSpan Lifetime { get; set; }

        public TimeSpan Pause { get; set; }

        public DateTimeOffset DueAt { get; set; }

        public string? Problem { get; set; }

        /// <summary>What the secret lacked when it was last read, or null.</summary>
        public string? Missing { get; set; }
    }
}
