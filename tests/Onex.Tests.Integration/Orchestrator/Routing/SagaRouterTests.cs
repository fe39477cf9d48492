using System.Collections.Immutable;
using System.Text.Json;
using System.Threading.Channels;
using Microsoft.Extensions.Time.Testing;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Effects;
using Onex.Engine;
using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Orchestrator;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence;
using Onex.Persistence.Ledger;
using Onex.Persistence.Sqlite;

namespace Onex.Tests.Integration.Orchestrator.Routing;

/// <summary>
/// Batches that are handled at the same time, over a real store whose first commit waits until the test releases it. Except in the last
/// tests no saga exists, so each commit only checks that.
/// </summary>
public sealed partial class SagaRouterTests : IAsyncLifetime, IDisposable
{
    private const string Contract = """
        contract: fetching
        version: 1.0.0
        description: Fetches three pages.
        input: {}
        data: { pages: { type: list(string), initial: [a, b, c] } }
        initial: fetching
        states:
          fetching:
            steps:
              - id: fetch
                each: { item: data.pages, at_once: 3, at_most: 9, on_item_failure: continue }
                effect: http.get
                with: { url: "http://127.0.0.1/${item}" }
            next: done
          done: { end: completed }
        """;

    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-router-");
    private readonly SqliteDatabase _database;
    private readonly PausedStore _store;
    private readonly OutgoingSender _sender;
    private readonly SagaCache _cache = new(10);
    private readonly WakeupQueue _wakeups = new();
    private readonly RouterHealth _health = new(TimeProvider.System);
    private readonly SagaRouter _router;
    private readonly CompilerContext _compiler;
    private readonly SqliteSagaStore _sqlite;
    private readonly SqliteEffectLedger _ledger;
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly Plan _plan;

    public SagaRouterTests()
    {
        _database = new SqliteDatabase(new SqliteStoreSettings(Path.Combine(_directory.FullName, "onex.db")));
        var sqlite = _sqlite = new SqliteSagaStore(_database, TimeProvider.System);
        _ledger = new SqliteEffectLedger(_database, TimeProvider.System);
        _store = new PausedStore(sqlite);
        _sender = new OutgoingSender(null!, null!, NullLogger<OutgoingSender>.Instance);
        var (memory, clock) = (new MemoryBudget(1L << 30), new DatabaseClock(_time));
        var compiler = _compiler = new CompilerContext(
            new OperationCatalogue(EffectOperations.Descriptors), new Dictionary<string, ConnectionDescriptor>());
        _plan = ContractCompiler.Compile(
            new ContractSource("fetching.yaml", Contract, ImmutableSortedDictionary<string, string>.Empty), compiler).Plans[0];
        var plans = new PlanCatalogue([_plan], new SqliteContractRegistry(_database, TimeProvider.System), compiler);
        var outcomes = new OutcomeReporter(null!);
        _router = new SagaRouter(
            new SagaLoader(
                plans,
                sqlite,
                new SagaReader(_store, sqlite, plans, NullLogger<SagaReader>.Instance),
                new LedgerInquiry(sqlite, _ledger, _ledger, memory),
                new WantedItemReader(_store),
                _sender,
                _cache,
                memory),
            new SagaDecider(new MessageWriter(Topics.Default, new ResponseWriter(Topics.Default)), NullLogger<SagaDecider>.Instance),
            new EventTargets(_store, _store, outcomes, 10),
            _store,
            new CommitFollowUp(
                _cache, _sender, _wakeups, new SagaSignals(), outcomes, clock, NullLogger<CommitFollowUp>.Instance),
            _sender,
            _cache,
            _health,
            clock);
    }

    public async ValueTask InitializeAsync() => await _database.OpenAsync(_none);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    public void Dispose()
    {
        _router.Dispose();
        _sender.Dispose();
        _database.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_batch_for_another_saga_is_decided_on_while_the_first_is_committed()
    {
        var first = HandleAsync(Wakeup('a'));
        await _store.WaitForAsync("commit a");

        var second = HandleAsync(Wakeup('b'));
        await _store.WaitForAsync("load b");

        Assert.False(first.IsCompleted || second.IsCompleted);
        _store.Commit.SetResult();
        await Task.WhenAll(first, second).WaitAsync(_timeout, _none);
        Assert.Equal(["load a", "commit a", "load b", "commit b"], _store.Log);
    }

    [Fact]
    public async Task A_batch_for_the_same_saga_waits_for_the_first()
    {
        var first = HandleAsync(Wakeup('a'));
        await _store.WaitForAsync("commit a");
        var second = HandleAsync(Wakeup('a'), Wakeup('c'));
        await _store.WaitForAsync("load c");
        Assert.Equal(["load a", "commit a", "load c"], _store.Log);

        _store.Commit.SetResult();
        await Task.WhenAll(first, second).WaitAsync(_timeout, _none);
        Assert.Equal(["load a", "commit a", "load c", "commit c", "load a", "commit a"], _store.Log);
    }

    [Fact]
    public async Task After_a_batch_of_records_failed_later_batches_fail_too_until_the_records_are_delivered_again()
    {
        var first = HandleAsync(Wakeup('a'));
        await _store.WaitForAsync("commit a");
        var second = HandleAsync(Wakeup('a'));

        _store.Commit.SetException(new StoreUnavailableException("The store cannot be reached."));

        await Assert.ThrowsAsync<StoreUnavailableException>(() => first.WaitAsync(_timeout, _none));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => second.WaitAsync(_timeout, _none));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => HandleAsync(Wakeup('b')));
        Assert.Equal(["load a", "commit a"], _store.Log);

        // A delivery that does not come from a record does not fail.
        await _router.HandleAsync([Wakeup('c')], _none);
        _router.Retrying();
        await HandleAsync(Wakeup('a'));
        Assert.Equal(["load a", "commit a", "load c", "commit c", "load a", "commit a"], _store.Log);
    }

    [Fact]
    public async Task The_saga_of_an_event_is_found_after_the_earlier_batch_is_committed()
    {
        var first = HandleAsync(Start("key"));
        await _store.WaitForAsync("commit ?");
        var second = HandleAsync(Event("other"));
        var third = HandleAsync(Wakeup('b'));
        await _store.WaitForAsync("load b");
        Assert.DoesNotContain("find other", _store.Log);

        _store.Commit.SetResult();

        await Task.WhenAll(first, second, third).WaitAsync(_timeout, _none);
        Assert.Contains("find other", _store.Log);
    }

    [Fact]
    public async Task A_start_waits_for_an_earlier_event_that_looks_for_its_saga()
    {
        var first = HandleAsync(Wakeup('a'), Event("key"));
        await _store.WaitForAsync("commit a");
        var second = HandleAsync(Start("key"));
        var third = HandleAsync(Wakeup('b'));
        await _store.WaitForAsync("load b");

        _store.Commit.SetResult();

        await Task.WhenAll(first, second, third).WaitAsync(_timeout, _none);
        Assert.Equal(["find key", "commit ?"], _store.Log.Where(entry => entry is "find key" or "commit ?"));
    }

    [Fact]
    public async Task A_start_is_committed_apart_from_other_deliveries_for_its_saga()
    {
        _store.Commit.SetResult();

        await HandleAsync(Wakeup('a'), Start("key", Id('a')), Wakeup('b')).WaitAsync(_timeout, _none);
        await HandleAsync(Start("key", Id('c')), Wakeup('c')).WaitAsync(_timeout, _none);

        Assert.Equal(2, _store.Log.Count(entry => entry == "commit a"));
        Assert.Equal(2, _store.Log.Count(entry => entry == "commit c"));
    }

    [Fact]
    public async Task A_batch_that_is_read_faster_than_an_earlier_batch_waits_for_it_and_fails_with_it()
    {
        var handler = Handler();
        _store.Commit.SetResult();

        var first = handler.HandleAsync([Record(CallWithStoredInput()), Record(Result('a'))], _none);
        var second = handler.HandleAsync([Record(Result('a'))], _none);
        Assert.Empty(_store.Log);
        _store.Payloads.SetException(new StoreUnavailableException("The store cannot be reached."));

        await Assert.ThrowsAsync<StoreUnavailableException>(() => first.WaitAsync(_timeout, _none));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => second.WaitAsync(_timeout, _none));
        Assert.Empty(_store.Log);
        handler.Retrying();
        await handler.HandleAsync([Record(Result('a'))], _none);
        Assert.Equal(["load a", "commit a"], _store.Log);
    }

    [Fact]
    public async Task A_record_whose_reading_ends_with_a_foreign_cancellation_becomes_a_dead_letter_and_the_others_are_handled()
    {
        _store.Commit.SetResult();
        _store.Payloads.SetCanceled();
        RecordOutcome? outcome = null;

        await Handler().HandleAsync([Record(CallWithStoredInput(), ended => outcome = ended), Record(Result('a'))], _none);

        Assert.IsType<RecordOutcome.Dead>(outcome);
        Assert.Equal(["load a", "commit a"], _store.Log);
    }

    [Fact]
    public async Task Of_several_results_in_a_commit_that_the_database_rejects_only_the_one_with_the_invalid_value_is_rejected()
    {
        _store.Commit.SetResult();
        var started = Start("key", contract: (_plan.Name, _plan.Hash));
        await HandleAsync(started with { Sink = Sink(out var start) });
        var saga = Assert.IsType<DeliveryOutcome.Done>(await start).Saga!;

        await HandleAsync(
            Result(saga, 0, StepOutcome.Completed, null, out var first),
            Result(saga, 1, StepOutcome.Rejected, "no\0page", out var second),
            Result(saga, 2, StepOutcome.Completed, null, out var third));

        Assert.All(await Task.WhenAll(first, second, third), outcome => Assert.IsType<DeliveryOutcome.Done>(outcome));
        await AssertOnlySecondItemFailedAsync(saga);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_several_outcomes_that_a_wakeup_finds_only_the_one_with_the_invalid_value_is_rejected(bool isAlone)
    {
        _store.Commit.SetResult();
        var started = Start("key", contract: (_plan.Name, _plan.Hash));
        await HandleAsync(started with { Sink = Sink(out var start) });
        var saga = Assert.IsType<DeliveryOutcome.Done>(await start).Saga!;
        foreach (var outstanding in saga.Outstanding)
        {
            await RecordAsync(saga, outstanding);
        }

        _time.Advance(TimeSpan.FromHours(1));
        await HandleAsync(Wakeup(saga.Facts.SagaId) with { IsAlone = isAlone });

        await AssertOnlySecondItemFailedAsync(saga);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_wakeup_whose_own_change_the_database_rejects_blocks_its_saga_beside_an_outcome_that_changes_nothing(bool isAlone)
    {
        _store.Commit.SetResult();
        var started = Start("key", contract: (_plan.Name, _plan.Hash), at: _time.GetUtcNow());
        await HandleAsync(started with { Sink = Sink(out var start) });
        var saga = Assert.IsType<DeliveryOutcome.Done>(await start).Saga!;
        var id = saga.Facts.SagaId;

        // The answer to the first attempt cannot be used, so a second one is sent. No role claims it: the ledger keeps the first answer.
        await RecordAsync(saga, saga.Outstanding[0], "{}");
        await WakeAsync(id);
        await WakeAsync(id);
        Assert.Equal(2, _cache.Find(id)!.Saga.Outstanding.Single(outstanding => outstanding.Item == 0).Attempt);
        await _database.WriteAsync(
            session => session.Execute(
                """
                CREATE TRIGGER reject_resends BEFORE INSERT ON saga_history WHEN NEW.kind = 'step_resent'
                BEGIN SELECT RAISE(ABORT, 'no resend'); END
                """),
            _none);
        var before = _store.Log.Count;

        await WakeAsync(id, isAlone);
        for (var i = 0; i < 5 && _wakeups.TakeDue(_time.GetUtcNow(), 1).Count > 0; i++)
        {
            await HandleAsync(Wakeup(id));
        }

        Assert.Equal(["commit ?", "load ?", "commit ?"], _store.Log.Skip(before));
        var blocked = _cache.Find(id)!.Saga;
        Assert.Equal(SagaStatus.Blocked, blocked.Status);
        Assert.Contains("no resend", blocked.BlockedBecause, StringComparison.Ordinal);
    }

    private async Task WakeAsync(SagaId id, bool isAlone = false)
    {
        var due = _cache.Find(id)!.Saga.NextWakeupAt!.Value;
        _time.Advance(due > _time.GetUtcNow() ? due - _time.GetUtcNow() : TimeSpan.Zero);
        await HandleAsync(Wakeup(id) with { IsAlone = isAlone });
    }

    private Delivery Wakeup(SagaId id) => new(
        new TimerFired
        {
            SagaId = id,
            CausedBy = Identity.Wakeup(id, _time.GetUtcNow()),
            Leases = new Dictionary<CommandId, Lease>(),
        },
        OutcomeSink.None);

    private async Task RecordAsync(
        SagaState saga, Outstanding outstanding, string content = """{"status_code":200,"headers":{},"body":null}""")
    {
        var command = new StepCommand
        {
            CommandId = outstanding.CommandId,
            Attempt = 1,
            SagaId = saga.Facts.SagaId,
            CorrelationId = saga.Facts.Requester.CorrelationId,
            Contract = _plan.Name,
            Step = "fetch",
            Direction = StepDirections.Do,
            Operation = "http.get",
            HomePartition = 0,
            TimeoutMs = 30_000,
            NotAfter = _time.GetUtcNow().AddDays(1),
        };
        var lease = Assert.IsType<ClaimResult.Granted>(await _ledger.ClaimAsync(command, _none));
        var isSecond = outstanding.Item == 1;
        var result = new StepResult
        {
            CommandId = command.CommandId,
            Attempt = 1,
            SagaId = command.SagaId,
            CorrelationId = command.CorrelationId,
            Outcome = isSecond ? StepOutcomes.Rejected : StepOutcomes.Completed,
            Result = isSecond ? null : RawJson.FromText(content),
            Code = isSecond ? "http_404" : null,
            Message = isSecond ? "no\0page" : null,
        };
        Assert.True(await _ledger.RecordAsync(lease.LeaseToken, result, _none));
    }

    private async Task AssertOnlySecondItemFailedAsync(SagaState saga)
    {
        var items = Assert.Single(await _sqlite.LoadItemsAsync(
            [new SagaItemsQuery(saga.Facts.SagaId, "fetch", null, Enum.GetValues<SagaItemStatus>(), null, Descending: false, 9)], _none));
        Assert.Equal([SagaItemStatus.Completed, SagaItemStatus.Failed, SagaItemStatus.Completed], items.Select(item => item.Status));
        Assert.Equal((StepCodes.ResultInvalid, true), (items[1].Code, items[1].Message!.Contains("22021", StringComparison.Ordinal)));
        Assert.Equal("done", Assert.Single(await _sqlite.LoadAsync([saga.Facts.SagaId], null, _none)).Value.Row.State);
    }

    private static OutcomeSink Sink(out Task<DeliveryOutcome> outcome)
    {
        var caller = new TaskCompletionSource<DeliveryOutcome>();
        outcome = caller.Task;
        return OutcomeSink.For(caller);
    }

    private static Delivery Result(SagaState saga, int item, StepOutcome outcome, string? message, out Task<DeliveryOutcome> done)
    {
        var command = saga.Outstanding.Single(command => command.Item == item).CommandId;
        return new Delivery(
            new StepResultArrived
            {
                SagaId = saga.Facts.SagaId,
                CausedBy = Identity.Result(command, 1, outcome.ToString()),
                CommandId = command,
                Attempt = 1,
                Outcome = outcome,
                Result = outcome == StepOutcome.Completed
                    ? CelValue.FromJson("""{"status_code":200,"headers":{},"body":null}"""u8)
                    : null,
                Code = outcome == StepOutcome.Completed ? null : "http_404",
                Message = message,
            },
            Sink(out done));
    }

    private Task HandleAsync(params Delivery[] deliveries) => _router.HandleAsync(deliveries, _none, ofRecords: true);

    private static SagaId Id(char name) => new(new Guid($"{new string(name, 8)}-0000-7000-8000-000000000000"));

    private static Delivery Wakeup(char name) => new(
        new TimerFired { SagaId = Id(name), CausedBy = new(Id(name).Value), Leases = new Dictionary<CommandId, Lease>() },
        OutcomeSink.None);

    private static SagaMessage Result(char saga) => new()
    {
        Result = new StepResult
        {
            CommandId = new(Id(saga).Value),
            SagaId = Id(saga),
            CorrelationId = Id(saga).Value,
            Attempt = 1,
            Outcome = StepOutcomes.Completed,
        },
    };

    private RecordHandler Handler() => new(
        new RecordReader(
            Topics.Default, null!, null!, null!, _store, null!, new DatabaseClock(TimeProvider.System), NullLogger<RecordReader>.Instance),
        new SagaHomes(null!, Topics.Default), _router, new OutcomeReporter(null!), null!, new MemoryBudget(1L << 30));

    private static SagaMessage CallWithStoredInput() => new()
    {
        Call = new SagaCall
        {
            CommandId = new(Id('c').Value),
            Attempt = 1,
            Contract = "story",
            InputRef = Id('c').Value,
            CorrelationId = Id('c').Value,
            ParentId = Id('c'),
            HomePartition = 0,
            Awaits = true,
        },
    };

    private static BatchEntry Record(SagaMessage message, Action<RecordOutcome>? completed = null) => new(
        new ConsumedRecord
        {
            Topic = Topics.Default.SagaEvents,
            Partition = 0,
            Offset = 0,
            Value = JsonSerializer.SerializeToUtf8Bytes(message, MessageJson.Default.SagaMessage),
            Headers = [],
        },
        (_, outcome) => completed?.Invoke(outcome));

    private static Delivery Event(string key) => Delivery.For(
        new EventRequest("story", "cancel", CelValue.Null, Requester("event") with { Target = new RequestTarget { Key = key } }),
        OutcomeSink.None);

    private static Delivery Start(
        string key, SagaId? id = null, (string Name, string Hash)? contract = null, DateTimeOffset? at = null)
    {
        var facts = new SagaFacts
        {
            SagaId = id ?? SagaId.Create(DateTimeOffset.UnixEpoch),
            Contract = contract?.Name ?? "story",
            ContractVersion = "1.0.0",
            ContractHash = contract?.Hash ?? "unknown",
            HomePartition = 0,
            StartedAt = at ?? DateTimeOffset.UnixEpoch,
            Requester = Requester("start"),
            BusinessKey = key,
            Input = CelValue.Map([]),
        };
        return Delivery.For(new AcceptedRequest.Start(facts), OutcomeSink.None);
    }

    private static Requester Requester(string source) => new()
    {
        RequestId = Identity.Request(source, null, 3, 17, []),
        CorrelationId = Identity.OfRequest(default, source),
        Operation = "story",
        Source = source,
    };

    // Logs its calls: with the first character of each saga's id, or with the key by which the saga of an event is searched. The first
    // commit waits for Commit, and reading payloads for Payloads.
    private sealed class PausedStore(SqliteSagaStore real) : ISagaStore, IEarlyEvents, IPayloads
    {
        private readonly Lock _lock = new();
        private readonly List<string> _log = [];
        private int _commits;
        private readonly Channel<string> _calls = Channel.CreateUnbounded<string>();

        public TaskCompletionSource Commit { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<IReadOnlyDictionary<Guid, SagaPayload>> Payloads { get; } =
            new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Exception? LoadFailure { get; set; }

        public IReadOnlyList<string> Log
        {
            get
            {
                lock (_lock)
                {
                    return [.. _log];
                }
            }
        }

        public async Task WaitForAsync(string call)
        {
            using var timeout = new CancellationTokenSource(_timeout, TimeProvider.System);
            while (await _calls.Reader.ReadAsync(timeout.Token) != call)
            {
            }
        }

        public async Task<IReadOnlyDictionary<SagaId, LoadedSaga>> LoadAsync(
            IReadOnlyCollection<SagaId> ids, ReadLimit? limit, CancellationToken cancellation)
        {
            Add("load", ids.Select(Name));
            if (LoadFailure is { } failure)
            {
                throw failure;
            }

            return await real.LoadAsync(ids, limit, cancellation);
        }

        public async Task<IReadOnlyList<CommitResult>> CommitAsync(CommitBatch batch, CancellationToken cancellation)
        {
            Add("commit", batch.Entries.Select(entry => Name(entry.SagaId)));
            if (Interlocked.Increment(ref _commits) == 1)
            {
                await Commit.Task;
            }

            return await real.CommitAsync(batch, cancellation);
        }

        public async Task<IReadOnlyList<EventTarget>> FindEventTargetsAsync(
            IReadOnlyList<EventAddress> addresses, CancellationToken cancellation)
        {
            Add("find", addresses.Select(address => address.BusinessKey!));
            return await real.FindEventTargetsAsync(addresses, cancellation);
        }

        public Task<IReadOnlyDictionary<Guid, SagaPayload>> LoadPayloadsAsync(
            IReadOnlyCollection<Guid> ids, ReadLimit? limit, CancellationToken cancellation) => Payloads.Task;

        public Task SavePayloadsAsync(IReadOnlyCollection<SagaPayload> payloads, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<IReadOnlyList<IReadOnlyList<SagaItem>>> LoadItemsAsync(
            IReadOnlyList<SagaItemsQuery> queries, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<IReadOnlyList<SagaId>> LiveAsync(CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<CommitResult.DuplicateRequest?> FindRequestAsync(MessageId requestId, CancellationToken cancellation) =>
            throw new NotSupportedException();

        public Task<DateTimeOffset> NowAsync(CancellationToken cancellation) => throw new NotSupportedException();

        public Task<IReadOnlyDictionary<MessageId, Guid?>> StoreEarlyAsync(
            IReadOnlyCollection<EarlyEvent> events, int limit, CancellationToken cancellation) => throw new NotSupportedException();

        public Task<IReadOnlyList<DueEvent>> DueEarlyAsync(
            IReadOnlyCollection<MessageId> except, int limit, CancellationToken cancellation) => throw new NotSupportedException();

        public Task RemoveEarlyAsync(IReadOnlyCollection<MessageId> messageIds, CancellationToken cancellation) =>
            throw new NotSupportedException();

        private void Add(string call, IEnumerable<string> names)
        {
            lock (_lock)
            {
                foreach (var name in names)
                {
                    _log.Add($"{call} {name}");
                    _calls.Writer.TryWrite($"{call} {name}");
                }
            }
        }

        // The id of a saga that a test starts without an id begins with the time, so it has no name.
        private static string Name(SagaId id) => id.Value.ToString()[0] is >= 'a' and var name ? $"{name}" : "?";
    }
}
