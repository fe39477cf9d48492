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
/// period ends. One that cannot be read degrades <c>/health</c> and is tried again with growing pauses.
/// </summary>
internal sealed class VaultSecretLoop(
    VaultSecrets secrets, Connection connection, VaultSessions sessions, RoleHealth health, TimeProvider time,
    ILogger<VaultSecretLoop> logger) : BackgroundService
{
    /// <summary>How often a secret without a lease is read again.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan _requestMax = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromSeconds(30);

    private readonly Dictionary<string, Held> _held = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _working = new(1);

    /// <summary>Reads and renews what is due. True if a value was learned or has changed.</summary>
    public async Task<bool> RefreshAsync(CancellationToken cancellation)
    {
        await _working.WaitAsync(cancellation);
        try
        {
            var changed = false;
            foreach (var wanted in secrets.Wanted.GroupBy(reference => reference.Path, StringComparer.Ordinal))
            {
                if (!_held.TryGetValue(wanted.Key, out var held))
                {
                    _held[wanted.Key] = held = new Held();
                }

                if (held.DueAt <= time.GetUtcNow())
                {
                    changed |= await RefreshAsync(wanted.Key, [.. wanted], held, cancellation);
                }
            }

            return changed;
        }
        finally
        {
            _working.Release();
        }
    }

    public override void Dispose()
    {
        _working.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            if (await RefreshAsync(stoppingToken))
            {
                secrets.Change();
            }

            await Task.Delay(_tick, time, stoppingToken);
        }
    }

    private async Task<bool> RefreshAsync(
        string path, IReadOnlyList<VaultReference> references, Held held, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(_requestMax);
        string problem;
        try
        {
            if (held.LeaseId is not null && await RenewAsync(held, limit.Token))
            {
                return false;
            }

            var (changed, missing) = await ReadAsync(path, references, held, limit.Token);
            Report(path, held, missing);
            return changed;
        }
        catch (VaultException exception)
        {
            problem = exception.Message;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            problem = $"Vault did not answer within {_requestMax.TotalSeconds:0} s.";
        }

        held.Pause = held.Pause == TimeSpan.Zero ? _firstPause
            : held.Pause * 2 < _longestPause ? held.Pause * 2
            : _longestPause;
        held.DueAt = time.GetUtcNow() + held.Pause;
        Report(path, held, problem);
        return false;
    }

    // False if the lease cannot be renewed, or only for a short time because its end is near.
    private async Task<bool> RenewAsync(Held held, CancellationToken cancellation)
    {
        var answer = await Session.SendAsync(
            HttpMethod.Put, "sys/leases/renew", new JsonObject { ["lease_id"] = held.LeaseId }, new AttemptProgress(), cancellation);
        var lifetime = TimeSpan.FromSeconds(answer.Number("lease_duration"));
        if (!answer.IsSuccess || lifetime < held.Lifetime / 2)
        {
            return answer.Status >= 500 ? throw Session.Unexpected(answer, AttemptReach.NotSent) : false;
        }

        held.DueAt = time.GetUtcNow() + Share(lifetime);
        return true;
    }

    private async Task<(bool Changed, string? Problem)> ReadAsync(
        string path, IReadOnlyList<VaultReference> references, Held held, CancellationToken cancellation)
    {
        held.Reader ??= new VaultSecretReader(Session, path);
        var content = await held.Reader.ReadAsync(cancellation);
        held.LeaseId = content.LeaseId;
        held.Lifetime = content.Lifetime;
        held.Pause = TimeSpan.Zero;
        held.DueAt = time.GetUtcNow() + (held.LeaseId is null ? Period : Share(content.Lifetime));
        var missing = references.Select(reference => reference.Field).Where(field => !content.Fields.ContainsKey(field)).ToList();
        return (
            secrets.Set(path, content.Fields),
            missing.Count > 0 ? $"The secret has no field '{string.Join("', '", missing)}'." : null);
    }

    private VaultSession Session => sessions.GetOrCreate(connection);

    private void Report(string path, Held held, string? problem)
    {
        var name = $"vault:{path}";
        if (problem == held.Problem)
        {
            return;
        }

        held.Problem = problem;
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

    // About two thirds, so that processes do not renew at the same time.
    private static TimeSpan Share(TimeSpan lifetime) => lifetime * (0.57 + (RandomNumberGenerator.GetInt32(1000) / 10_000.0));

    private sealed class Held
    {
        public VaultSecretReader? Reader { get; set; }

        public string? LeaseId { get; set; }

        public TimeSpan Lifetime { get; set; }

        public TimeSpan Pause { get; set; }

        public DateTimeOffset DueAt { get; set; }

        public string? Problem { get; set; }
    }
}
