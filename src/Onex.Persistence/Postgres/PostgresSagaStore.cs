using System.Security.Cryptography;
using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;

namespace Onex.Persistence.Postgres;

/// <summary>Sagas in PostgreSQL, with hand-written SQL, few connections, large batches and READ COMMITTED.</summary>
public sealed partial class PostgresSagaStore(NpgsqlDataSource dataSource, TimeProvider time, ILogger<PostgresSagaStore> logger)
    : ISagaStore, IOutbox, IWakeups, IEarlyEvents, IPayloads
{
    private static readonly TimeSpan _contentionPauseMax = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan _outagePause = TimeSpan.FromMilliseconds(200);

    private readonly PostgresSagaReader _reader = new(dataSource);
    private readonly PostgresEarlyEvents _early = new(dataSource);
    private readonly PostgresSagaItems _items = new(dataSource);

    /// <summary>Whether the database accepts the writes of this store.</summary>
    public WriteState Writes { get; } = new(time);

    /// <inheritdoc />
    public async Task<IReadOnlyList<CommitResult>> CommitAsync(CommitBatch batch, CancellationToken cancellation)
    {
        var results = new CommitResult?[batch.Entries.Count];
        var work = new BatchInProgress(batch.Entries, results) { Sent = batch.SentMessageIds };
        await CommitAsync(work, [.. Enumerable.Range(0, results.Length)], cancellation);
        return [.. results.Select(result => result ?? throw new InvalidOperationException("An entry of the batch has no result."))];
    }

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<SagaId, LoadedSaga>> LoadAsync(
        IReadOnlyCollection<SagaId> ids, ReadLimit? limit, CancellationToken cancellation) =>
        _reader.LoadAsync(ids, limit, cancellation);

    /// <inheritdoc />
    public async Task DeleteAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation)
    {
        if (messageIds.Count > 0)
        {
            await CommitAsync(new CommitBatch([], messageIds), cancellation);
        }
    }

    /// <inheritdoc />
    public Task<IReadOnlyList<UnsentMessage>> UnsentOfPartitionsAsync(
        IReadOnlyCollection<int> partitions, int limit, long bytesMax, CancellationToken cancellation) =>
        _reader.UnsentOfPartitionsAsync(partitions, limit, bytesMax, cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<UnsentMessage>> UnsentForAsync(
        TimeSpan age, long after, int limit, long bytesMax, CancellationToken cancellation) =>
        _reader.UnsentForAsync(age, after, limit, bytesMax, cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<Wakeup>> WakeupsAsync(
        IReadOnlyCollection<int> partitions, DateTimeOffset before, CancellationToken cancellation) =>
        _reader.WakeupsAsync(partitions, before, cancellation);

    /// <inheritdoc />
    public Task<DateTimeOffset> NowAsync(CancellationToken cancellation) => _reader.NowAsync(cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<IReadOnlyList<SagaItem>>> LoadItemsAsync(
        IReadOnlyList<SagaItemsQuery> queries, CancellationToken cancellation) =>
        _items.LoadAsync(queries, cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(
        IReadOnlyCollection<Guid> ids, ReadLimit? limit, CancellationToken cancellation) =>
        _reader.LoadPayloadsAsync(ids, limit, cancellation);

    /// <inheritdoc />
    public Task SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation) =>
        payloads.Count == 0
            ? Task.CompletedTask
            : Writes.WatchAsync(() => _reader.SavePayloadsAsync(payloads, cancellation));

    /// <inheritdoc />
    public Task<IReadOnlyList<SagaId>> LiveAsync(CancellationToken cancellation) => _reader.LiveAsync(cancellation);

    /// <inheritdoc />
    public Task<CommitResult.DuplicateRequest?> FindRequestAsync(
        MessageId requestId, CancellationToken cancellation) => dataSource.RunAsync(
        [CommitSql.FindRequest(requestId)],
        async reader => await reader.ReadAsync(cancellation)
            ? new CommitResult.DuplicateRequest(new SagaId(reader.GetGuid(0)), reader.GetString(1)) { Hash = Uuid(reader, 2) }
            : null,
        cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<EventTarget>> FindEventTargetsAsync(IReadOnlyList<EventAddress> addresses, CancellationToken cancellation) =>
        _early.FindEventTargetsAsync(addresses, cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyDictionary<MessageId, Guid?>> StoreEarlyAsync(
        IReadOnlyCollection<EarlyEvent> events, int limit, CancellationToken cancellation) =>
        _early.StoreAsync(events, limit, cancellation);

    /// <inheritdoc />
    public Task<IReadOnlyList<DueEvent>> DueEarlyAsync(
        IReadOnlyCollection<MessageId> except, int limit, CancellationToken cancellation) => _early.DueAsync(except, limit, cancellation);

    /// <inheritdoc />
    public Task RemoveEarlyAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation) =>
        _early.RemoveAsync(messageIds, cancellation);

    /// <summary>Commits the entries with these indexes in the batch until each has a result.</summary>
    private async Task CommitAsync(BatchInProgress work, List<int> indexes, CancellationToken cancellation)
    {
        for (var attempt = 0; indexes.Count > 0 || work.Sent.Count > 0; attempt++)
        {
            try
            {
                indexes = await TryCommitAsync(work, indexes, cancellation);
                continue;
            }
            catch (Exception error) when (StoreErrors.IsContention(error))
            {
                // Nothing was written, so this is not worth a warning.
                NothingWritten(error.Message);
            }
            catch (Exception error) when (StoreErrors.IsMissingStatement(error))
            {
                NothingWritten(error.Message);
                dataSource.Clear();
            }
            catch (PostgresException error) when (StoreErrors.IsInvalidData(error))
            {
                if (indexes.Count == 1)
                {
                    work.Results[indexes[0]] = new CommitResult.Invalid(error.SqlState, error.MessageText);
                    indexes = [];
                    continue;
                }

                var half = indexes.Count / 2;
                await CommitAsync(work, indexes[..half], cancellation);
                indexes = indexes[half..];
                continue;
            }

            // Doubles from 1 ms.
            var pause = Math.Min(1 << Math.Min(attempt, 10), (int)_contentionPauseMax.TotalMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(pause) + 1), time, cancellation);
        }
    }

    /// <summary>
    /// Commits, and waits and repeats through an outage that begins when the batch may have reached the server. Returns the indexes of the
    /// entries to commit again.
    /// </summary>
    private async Task<List<int>> TryCommitAsync(BatchInProgress work, List<int> indexes, CancellationToken cancellation)
    {
        StatementResults returned;
        var logged = "";
        while (true)
        {
            try
            {
                await using var connection = await OpenAsync(work, cancellation);
                returned = await ExecuteAsync(connection, work, indexes);
                break;
            }
            catch (PostgresException error) when (StoreErrors.IsSchemaMissing(error) && !work.MayBeCommitted)
            {
                // Nothing of this batch is committed, so the caller may keep it and wait.
                throw StoreErrors.Unavailable(error);
            }
            catch (Exception error) when (StoreErrors.IsUnavailable(error) && !MemoryShortage.Is(error))
            {
                // The server may have committed, may still commit (its process need not notice the lost connection), or never will.
                // Repeating the batch shows which: it waits for locked rows, and recognizes its own writes by last_transition_id.
                work.MayBeCommitted = work.InDoubt = true;
                Writes.Failed(error);
                var reason = StoreErrors.Describe(error);
                if (reason != logged)
                {
                    OutcomeUnknown(reason);
                    logged = reason;
                }

                dataSource.Clear();
                await Task.Delay(_outagePause, time, cancellation);
            }
        }

        work.MayBeCommitted = true;
        if (indexes.Exists(index => work.Entries[index] is not CommitEntry.Check))
        {
            Writes.Succeeded();
        }

        _reader.Places.Remove(work.Sent);
        work.Sent = [];
        var conflicts = new List<int>();
        foreach (var index in indexes)
        {
            var entry = work.Entries[index];
            if (entry is CommitEntry.Start && !returned.Written.Contains(entry.SagaId))
            {
                conflicts.Add(index);
                continue;
            }

            work.Results[index] = ToResult(entry, returned, work.InDoubt);
        }

        return conflicts.Count == 0 ? conflicts : await ToResultsAsync(work, conflicts, cancellation);
    }

    private async Task<NpgsqlConnection> OpenAsync(BatchInProgress work, CancellationToken cancellation)
    {
        try
        {
            return await dataSource.OpenConnectionAsync(cancellation);
        }
        catch (Exception error) when (StoreErrors.IsUnavailable(error) && !work.MayBeCommitted)
        {
            // Nothing of this batch can be committed, so the caller may keep it and wait.
            throw StoreErrors.Unavailable(error);
        }
    }

    // One round trip and one transaction, because the server runs the commands of a batch in one and commits it at the end. Not cancelled
    // once it is sent, because its outcome would be unknown; the command timeout limits it.
    private async Task<StatementResults> ExecuteAsync(NpgsqlConnection connection, BatchInProgress work, List<int> indexes)
    {
        CommitEntry[] entries = [.. indexes.Select(index => work.Entries[index])];
        var existing = entries.Where(entry => entry is not CommitEntry.Start).Select(entry => entry.SagaId.Value).Order().ToArray();
        var writes = entries.Any(entry => entry is not CommitEntry.Check);
        var messages = new List<CommitSql.BatchedMessage>(entries.Length);
        var sent = await FindSentAsync(connection, work.Sent);

        await using var batch = new NpgsqlBatch(connection);
        if (existing.Length > 0)
        {
            batch.BatchCommands.Add(CommitSql.LockRows(existing));
        }

        if (writes)
        {
            batch.BatchCommands.Add(CommitSql.WriteRows(entries, messages));
            foreach (var command in CommitSql.IndexDeadLetters(entries))
            {
                batch.BatchCommands.Add(command);
            }
        }

        if (sent.CompleteBatches.Length > 0)
        {
            batch.BatchCommands.Add(OutboxSql.RemoveBatches(sent.CompleteBatches));
        }

        foreach (var command in sent.Places.Count > 0 ? OutboxSql.MarkSent(sent.Places) : [])
        {
            batch.BatchCommands.Add(command);
        }

        if (batch.BatchCommands.Count == 0)
        {
            return new StatementResults(0, 0);
        }

        var returned = new StatementResults(existing.Length, entries.Length);
        await using (var reader = await batch.ExecuteReaderAsync(CancellationToken.None))
        {
            if (existing.Length > 0)
            {
                while (await reader.ReadAsync(CancellationToken.None))
                {
                    returned.Found.Add(new SagaId(reader.GetGuid(0)), new Found(reader.GetInt64(1), reader.GetGuid(2)));
                }

                await reader.NextResultAsync(CancellationToken.None);
            }

            if (writes)
            {
                while (await reader.ReadAsync(CancellationToken.None))
                {
                    if (reader.IsDBNull(0))
                    {
                        returned.Batches.Add(reader.GetInt64(2));
                    }
                    else
                    {
                        returned.Add(new SagaId(reader.GetGuid(0)), reader.IsDBNull(1) ? null : new MessageId(reader.GetGuid(1)));
                    }
                }
            }

            // Reads to the end, where the server confirms the commit.
            while (await reader.NextResultAsync(CancellationToken.None))
            {
            }
        }

        // The statement inserts the batches in their order, so their sequence numbers have the same order.
        returned.Batches.Sort();
        foreach (var (seq, stored) in returned.Batches.Zip(
            messages.Where(message => returned.Written.Contains(message.Row.SagaId)).GroupBy(message => message.Batch)))
        {
            _reader.Places.AddCommitted(seq, [.. stored.Select(message => message.Row.Message.MessageId)]);
        }

        return returned;
    }

    // Messages of unknown places are rare: those of a commit whose confirmation was lost, and those of redrives.
    private async Task<SentMessages> FindSentAsync(NpgsqlConnection connection, IReadOnlyCollection<MessageId> messages)
    {
        var sent = _reader.Places.Find(messages);
        if (sent.Unknown.Count == 0)
        {
            return sent;
        }

        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { OutboxSql.FindPlaces(sent.Unknown) } };
        await using var reader = await batch.ExecuteReaderAsync(CancellationToken.None);
        var places = sent.Places.ToList();
        while (await reader.ReadAsync(CancellationToken.None))
        {
            places.Add(new OutboxPlace(reader.GetInt64(0), reader.GetInt32(1)));
        }

        return sent with { Places = places, Unknown = [] };
    }

    private static CommitResult ToResult(CommitEntry entry, StatementResults returned, bool inDoubt)
    {
        var found = returned.Found.GetValueOrDefault(entry.SagaId);
        var isCommitted = entry switch
        {
            CommitEntry.Check check => (found?.Version ?? 0) == check.ExpectedVersion,
            CommitEntry.Transition transition => returned.Written.Contains(transition.SagaId)
                || (inDoubt && found?.LastTransitionId == transition.Row.LastTransitionId),
            _ => returned.Written.Contains(entry.SagaId),
        };
        return isCommitted ? CommitResult.Committed.Instance
            : returned.Duplicates.TryGetValue(entry.SagaId, out var messages) ? new CommitResult.DuplicateMessages(messages)
            : CommitResult.Stale.Instance;
    }

    /// <summary>
    /// Finds why starts were not written: which saga has the request, the business key or the id. Returns the indexes of starts without
    /// such a saga: it has ended meanwhile, so they are committed again.
    /// </summary>
    private async Task<List<int>> ToResultsAsync(BatchInProgress work, List<int> indexes, CancellationToken cancellation)
    {
        var withoutOwner = new List<int>();
        foreach (var (index, conflict) in await ConflictsAsync(work, indexes, cancellation))
        {
            var start = (CommitEntry.Start)work.Entries[index];
            work.Results[index] = conflict switch
            {
                { Request: { } own } when work.InDoubt && own.Id == start.Row.Id && own.LastTransitionId == start.Row.LastTransitionId =>
                    CommitResult.Committed.Instance,
                { Request: { } owner } => new CommitResult.DuplicateRequest(owner.Id, owner.Source) { Hash = conflict.RequestHash },
                { JoinedSaga: { } joined } => new CommitResult.DuplicateRequest(joined, "") { Hash = conflict.JoinedHash },
                { KeyOwner: { } owner } => new CommitResult.KeyTaken(owner) { Hash = conflict.KeyHash },
                { IdExists: true } => CommitResult.Stale.Instance,
                _ => null,
            };
            if (work.Results[index] is null)
            {
                withoutOwner.Add(index);
            }
        }

        return withoutOwner;
    }

    // The rest of the batch is committed, so this also waits through an outage: the results must not be lost.
    private async Task<List<(int Index, Conflict Conflict)>> ConflictsAsync(
        BatchInProgress work, List<int> indexes, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var conflicts = new List<(int, Conflict)>(indexes.Count);
                await using var connection = await dataSource.OpenConnectionAsync(cancellation);
                await using var batch = new NpgsqlBatch(connection);
                batch.BatchCommands.Add(CommitSql.FindConflicts([.. indexes.Select(index => (CommitEntry.Start)work.Entries[index])]));
                await using var reader = await batch.ExecuteReaderAsync(cancellation);
                while (await reader.ReadAsync(cancellation))
                {
                    var row = new PostgresRow(reader);
                    var request = row.OptionalSagaId(1) is { } saga
                        ? new RequestOwner(saga, reader.GetString(2), reader.GetGuid(3))
                        : null;
                    var conflict = new Conflict(request, row.OptionalSagaId(4), !reader.IsDBNull(5), row.OptionalSagaId(6))
                    {
                        RequestHash = Uuid(reader, 7),
                        KeyHash = Uuid(reader, 8),
                        JoinedHash = Uuid(reader, 9),
                    };
                    conflicts.Add((indexes[reader.GetInt32(0) - 1], conflict));
                }

                return conflicts;
            }
            catch (Exception error) when (StoreErrors.IsUnavailable(error))
            {
                dataSource.Clear();
                await Task.Delay(_outagePause, time, cancellation);
            }
        }
    }

    private static Guid? Uuid(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetGuid(column);

    /// <summary>Two transactions conflicted, or a prepared statement was missing on a connection; nothing is lost.</summary>
    [LoggerMessage(5010, LogLevel.Debug, "Nothing of a commit was written; it is repeated: {Reason}")]
    private partial void NothingWritten(string reason);

    /// <summary>The repetition reads from the rows whether the first commit happened.</summary>
    [LoggerMessage(
        5011, LogLevel.Warning, "A commit failed, or its connection was lost; it is repeated, which shows its outcome: {Reason}")]
    private partial void OutcomeUnknown(string reason);

    private sealed record Found(long Version, Guid LastTransitionId);

    private sealed record RequestOwner(SagaId Id, string Source, Guid LastTransitionId);

    private sealed record Conflict(RequestOwner? Request, SagaId? KeyOwner, bool IdExists, SagaId? JoinedSaga)
    {
        public Guid? RequestHash { get; init; }

        public Guid? KeyHash { get; init; }

        public Guid? JoinedHash { get; init; }
    }

    /// <summary>What the statements of one commit returned.</summary>
    private sealed class StatementResults(int existing, int entries)
    {
        /// <summary>The existing rows as they were before the commit.</summary>
        public Dictionary<SagaId, Found> Found { get; } = new(existing);

        public HashSet<SagaId> Written { get; } = new(entries);

        /// <summary>The sequence numbers of the written rows of <c>outbox_batches</c>.</summary>
        public List<long> Batches { get; } = [];

        /// <summary>Messages that sagas have processed before. Nothing is written for these sagas.</summary>
        public Dictionary<SagaId, HashSet<MessageId>> Duplicates { get; } = [];

        public void Add(SagaId sagaId, MessageId? duplicate)
        {
            if (duplicate is not { } message)
            {
                Written.Add(sagaId);
            }
            else if (Duplicates.TryGetValue(sagaId, out var messages))
            {
                messages.Add(message);
            }
            else
            {
                Duplicates.Add(sagaId, [message]);
            }
        }
    }

    /// <summary>A batch, and how far its commit has come.</summary>
    private sealed class BatchInProgress(IReadOnlyList<CommitEntry> entries, CommitResult?[] results)
    {
        public IReadOnlyList<CommitEntry> Entries { get; } = entries;

        public CommitResult?[] Results { get; } = results;

        /// <summary>Sent messages to delete; empty once their deletion is committed.</summary>
        public IReadOnlyCollection<MessageId> Sent { get; set; } = [];

        /// <summary>Whether a part of this batch is or may be committed. Then an outage must not lose its result.</summary>
        public bool MayBeCommitted { get; set; }

        /// <summary>Whether a part of this batch may have been committed without a confirmation.</summary>
        public bool InDoubt { get; set; }
    }
}
