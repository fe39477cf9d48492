using System.Collections.Concurrent;
using Onex.Kafka.Producing;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sagas;
using Onex.Persistence.Secrets;

namespace Onex.Tests.Unit.Effects;

/// <summary>The effect ledger in memory: at most one lease of each command, and its last outcome. Leases do not expire.</summary>
internal sealed class MemoryLedger : IEffectLedger, IParkedCommands
{
    private readonly Lock _lock = new();
    private readonly List<(CommandToPark Command, DateTimeOffset At, bool MayHaveBeenSent)> _parked = [];

    private readonly ConcurrentDictionary<CommandId, (Guid Lease, StepResult? Result)> _rows = new();

    private readonly ConcurrentDictionary<CommandId, byte> _cancelled = new();
    private long _order;

    public ClaimResult? FixedClaim { get; set; }

    public Func<StepResult, Exception?> Reject { get; set; } = _ => null;

    public Exception? LookUpFailure { get; set; }

    public StepResult? Recorded(CommandId command) => _rows.TryGetValue(command, out var row) ? row.Result : null;

    /// <summary>Lets another process claim the command, as if its lease had expired.</summary>
    public void ClaimElsewhere(CommandId command) => ClaimElsewhere(command, new Guid(1, 0, 0, new byte[8]));

    /// <summary>The same, under this lease token.</summary>
    public void ClaimElsewhere(CommandId command, Guid token) => _rows[command] = (token, null);

    public Task<ClaimResult> ClaimAsync(StepCommand command, CancellationToken cancellation)
    {
        if (FixedClaim is not null)
        {
            return Task.FromResult(FixedClaim);
        }

        if (_cancelled.ContainsKey(command.CommandId))
        {
            return Task.FromResult<ClaimResult>(ClaimResult.Expired.Cancelled);
        }

        if (Parked.Any(parked => parked.Command.CommandId == command.CommandId))
        {
            return Task.FromResult<ClaimResult>(ClaimResult.Parked.Instance);
        }

        if (_rows.TryGetValue(command.CommandId, out var row))
        {
            if (row.Result is null)
            {
                return Task.FromResult<ClaimResult>(ClaimResult.Leased.Instance);
            }

            if (row.Result.Outcome != StepOutcomes.Failed || row.Result.Attempt >= command.Attempt)
            {
                return Task.FromResult<ClaimResult>(new ClaimResult.Recorded(row.Result));
            }
        }

        var lease = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
        _rows[command.CommandId] = (lease, null);
        return Task.FromResult<ClaimResult>(new ClaimResult.Granted(lease));
    }

    public Task<bool> RecordAsync(Guid leaseToken, StepResult result, CancellationToken cancellation)
    {
        if (Reject(result) is { } rejection)
        {
            throw rejection;
        }

        cancellation.ThrowIfCancellationRequested();
        if (_rows[result.CommandId].Lease != leaseToken)
        {
            return Task.FromResult(false);
        }

        _rows[result.CommandId] = (leaseToken, result);
        return Task.FromResult(true);
    }

    public Task<IReadOnlyDictionary<CommandId, LedgerState>> LookUpAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) => LookUpFailure is not null
        ? throw LookUpFailure
        : Task.FromResult<IReadOnlyDictionary<CommandId, LedgerState>>(Parked
            .Where(parked => commandIds.Contains(parked.Command.CommandId))
            .ToDictionary(
                parked => parked.Command.CommandId,
                parked => new LedgerState(parked.Command.Attempt, Leased: false, default, null)
                {
                    ParkedAt = DateTimeOffset.UnixEpoch,
                    ParkedFor = parked.Connection,
                }));

    public Task<IReadOnlyDictionary<CommandId, LedgerState>> CloseExpiredAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<IReadOnlyDictionary<CommandId, LedgerState>> CancelAsync(
        IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation)
    {
        foreach (var id in commandIds.Where(id => !_rows.ContainsKey(id)))
        {
            _cancelled[id] = 0;
        }

        return Task.FromResult<IReadOnlyDictionary<CommandId, LedgerState>>(commandIds.ToDictionary(
            id => id,
            id => new LedgerState(0, Leased: _rows.TryGetValue(id, out var row) && row.Result is null, default, row.Result)
            {
                Cancelled = _cancelled.ContainsKey(id),
            }));
    }

    /// <summary>The parked commands in the order in which they begin.</summary>
    public IReadOnlyList<CommandToPark> Parked
    {
        get
        {
            lock (_lock)
            {
                return [.. _parked.OrderBy(parked => parked.At).Select(parked => parked.Command)];
            }
        }
    }

    /// <summary>The latest report of unavailable connections.</summary>
    public IReadOnlyCollection<UnavailableConnection> Unavailable { get; private set; } = [];

    public Task<ClaimResult> ParkAsync(CommandToPark command, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (!_rows.ContainsKey(command.Command.CommandId) && _parked.All(parked => parked.Command.Command != command.Command))
            {
                _parked.Add((command, DateTimeOffset.UnixEpoch.AddTicks(_order++) - command.Age, false));
            }
        }

        return Task.FromResult<ClaimResult>(ClaimResult.Parked.Instance);
    }

    public Task<bool> ParkAgainAsync(Guid leaseToken, CommandToPark command, bool maySent, CancellationToken cancellation)
    {
        lock (_lock)
        {
            if (!_rows.TryGetValue(command.Command.CommandId, out var row) || row.Lease != leaseToken || row.Result is not null)
            {
                return Task.FromResult(false);
            }

            _rows.TryRemove(command.Command.CommandId, out _);
            _parked.Add((command, DateTimeOffset.UnixEpoch.AddTicks(_order++), maySent));
            return Task.FromResult(true);
        }
    }

    public Task<IReadOnlyList<TakenCommand>> TakeAsync(IReadOnlyCollection<TakeLimit> limits, CancellationToken cancellation)
    {
        lock (_lock)
        {
            var taken = limits
                .SelectMany(limit => _parked
                    .Where(parked => parked.Command.Connection == limit.Connection)
                    .OrderBy(parked => parked.At)
                    .Take(limit.Commands))
                .ToList();
            _parked.RemoveAll(taken.Contains);
            return Task.FromResult<IReadOnlyList<TakenCommand>>(
            [
                .. taken.Select(parked =>
                {
                    var lease = Guid.CreateVersion7(TimeProvider.System.GetUtcNow());
                    _rows[parked.Command.Command.CommandId] = (lease, null);
                    var granted = new ClaimResult.Granted(lease) { FollowsUnrecordedLease = parked.MayHaveBeenSent };
                    return new TakenCommand(parked.Command.Command, parked.Command.Connection, granted);
                }),
            ]);
        }
    }

    public Task CancelParkedAsync(IReadOnlyCollection<CommandId> commandIds, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task ReportAsync(Guid processId, IReadOnlyCollection<UnavailableConnection> connections, CancellationToken cancellation)
    {
        Unavailable = connections;
        return Task.CompletedTask;
    }

    public Task<IReadOnlyDictionary<string, ParkedConnection>> DescribeAsync(
        IReadOnlyCollection<string> connections, CancellationToken cancellation) =>
        throw new NotSupportedException();
}

/// <summary>Payloads in memory.</summary>
internal sealed class MemoryPayloads : IPayloads
{
    public ConcurrentDictionary<Guid, SagaPayload> Payloads { get; } = new();

    public Exception? Failure { get; set; }

    public Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(
        IReadOnlyCollection<Guid> ids, ReadLimit? limit, CancellationToken cancellation) =>
        Failure is not null
            ? throw Failure
            : Task.FromResult<IReadOnlyDictionary<Guid, SagaPayload>>(
                ids.Where(Payloads.ContainsKey).ToDictionary(id => id, id => Payloads[id]));

    public Task SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation)
    {
        foreach (var payload in payloads)
        {
            Payloads.TryAdd(payload.Id, payload);
        }

        return Task.CompletedTask;
    }
}

/// <summary>Secret handles in memory.</summary>
internal sealed class MemoryHandles : ISecretHandles
{
    public ConcurrentDictionary<Guid, SecretHandle> Handles { get; } = new();

    public Task AddAsync(IReadOnlyCollection<SecretHandle> handles, CancellationToken cancellation)
    {
        foreach (var handle in handles)
        {
            Handles[handle.Id] = handle;
        }

        return Task.CompletedTask;
    }

    public Task<IReadOnlyDictionary<Guid, SecretHandle>> FindAsync(
        SagaId sagaId, IReadOnlyCollection<Guid> ids, CancellationToken cancellation) =>
        Task.FromResult<IReadOnlyDictionary<Guid, SecretHandle>>(
            Handles.Values.Where(handle => handle.SagaId == sagaId && ids.Contains(handle.Id)).ToDictionary(handle => handle.Id));
}

/// <summary>Records the produced messages.</summary>
internal sealed class ProducedRecords : IRecordProducer
{
    public ConcurrentQueue<ProducedRecord> Records { get; } = new();

    public DeliveryReport Report { get; set; } = new(DeliveryStatus.Acknowledged, null);

    public int LengthMax { get; set; } = int.MaxValue;

    public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        Records.Enqueue(record);
        return Task.FromResult(
            record.Value.Length > LengthMax ? new DeliveryReport(DeliveryStatus.Undeliverable, "too large") : Report);
    }

    public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => Task.FromResult(12);
}
