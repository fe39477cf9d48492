using Npgsql;
using Onex.Engine;
using Onex.Persistence;

namespace Onex.Tests.Integration.Persistence.Postgres;

/// <summary>Failures around a commit in PostgreSQL: concurrent orchestrators and proxied connections.</summary>
public sealed class PostgresCommitTests(TestDatabase database) : IClassFixture<TestDatabase>
{
    private static readonly CancellationToken _none = CancellationToken.None;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_store_works_after_a_statement_has_failed_while_it_was_prepared(int earlierCommits)
    {
        await using var dataSource = PostgresDataSource.Create(database.Settings);
        var store = Store(dataSource);
        for (var commit = 0; commit < earlierCommits; commit++)
        {
            Assert.IsType<CommitResult.Committed>(Assert.Single(await CommitAsync(store, Rows.Start(Rows.New()))));
        }

        // The value fails when it is bound: the server has prepared the statement, but the driver does not know its result columns yet.
        Assert.IsType<CommitResult.Invalid>(Assert.Single(await CommitAsync(store, Rows.Start(Rows.New() with { State = "nul\0byte" }))));

        for (var commit = 0; commit < 4; commit++)
        {
            Assert.IsType<CommitResult.Committed>(Assert.Single(await CommitAsync(store, Rows.Start(Rows.New()))));
        }
    }

    [Theory]
    [InlineData("ALTER TABLE onex.outbox_batches RENAME TO outbox_away", "ALTER TABLE onex.outbox_away RENAME TO outbox_batches")]
    [InlineData("ALTER TABLE onex.sagas RENAME COLUMN state TO state_away", "ALTER TABLE onex.sagas RENAME COLUMN state_away TO state")]
    [InlineData("ALTER SCHEMA onex RENAME TO onex_away", "ALTER SCHEMA onex_away RENAME TO onex")]
    public async Task A_commit_to_a_wrong_schema_fails_with_a_remedy_and_succeeds_once_it_is_restored(
        string remove, string restore)
    {
        await using var dataSource = PostgresDataSource.Create(database.Settings);
        var store = Store(dataSource);
        await CommitAsync(store, Rows.Start(Rows.New()));
        var row = Rows.New();
        var start = new CommitEntry.Start(row, [Rows.Happened(row)], [Rows.Message("response")], []);
        await database.Database.ExecuteAsync(remove);

        var rejected = await Assert.ThrowsAsync<StoreUnavailableException>(() => CommitAsync(store, start));
        await database.Database.ExecuteAsync(restore);

        Assert.Contains("onex db migrate", rejected.Message, StringComparison.Ordinal);
        Assert.IsType<CommitResult.Committed>(Assert.Single(await CommitAsync(store, start)));
    }

    [Fact]
    public async Task Two_orchestrators_with_overlapping_sagas_and_keys_neither_deadlock_nor_lose_an_update()
    {
        const int Tasks = 8;
        const int Rounds = 60;
        await using var pool1 = PostgresDataSource.Create(database.Settings);
        await using var pool2 = PostgresDataSource.Create(database.Settings);
        PostgresSagaStore[] stores = [Store(pool1), Store(pool2)];
        string[] keys = [.. Enumerable.Range(0, 6).Select(_ => Rows.Key())];
        SagaRow[] shared = [.. Enumerable.Range(0, 12).Select(_ => Rows.New())];
        await CommitAsync(stores[0], [.. shared.Select(Rows.Start)]);

        var committed = await Task.WhenAll(
            Enumerable.Range(0, Tasks).Select(seed => Task.Run(() => CommitManyAsync(stores[seed % 2], seed))));

        var commits = committed.SelectMany(ids => ids).CountBy(id => id).ToDictionary();
        var rows = await stores[0].LoadAsync([.. commits.Keys], null, _none);
        Assert.All(shared, row => Assert.Contains(row.Id, commits.Keys));
        Assert.All(
            rows.Values, saga => Assert.Equal(commits[saga.Row.Id], saga.Row.Version - (shared.Any(row => row.Id == saga.Row.Id) ? 1 : 0)));
        Assert.Equal(rows.Keys.ToHashSet(), commits.Keys.ToHashSet());
        Assert.Empty(await database.Database.QueryAsync(
            """
            SELECT s.id FROM onex.sagas s JOIN onex.saga_history h ON h.saga_id = s.id GROUP BY s.id, s.version
            HAVING count(*) <> s.version OR count(DISTINCT h.version) <> s.version OR max(h.version) <> s.version
            """));
        Assert.Empty(await database.Database.QueryAsync(
            "SELECT business_key FROM onex.sagas WHERE ended_at IS NULL AND business_key IS NOT NULL GROUP BY contract, business_key "
                + "HAVING count(*) > 1"));
        return;

        async Task<List<SagaId>> CommitManyAsync(PostgresSagaStore store, int seed)
        {
            var random = new Random(seed);
            var ownCommits = new List<SagaId>();
            var live = new List<SagaRow>();
            for (var round = 0; round < Rounds; round++)
            {
                var picked = random.GetItems(shared, 6).Select(row => row.Id).Distinct().ToArray();
                var loaded = await store.LoadAsync(picked, null, _none);
                var entries = loaded.Values.Select(saga => (CommitEntry)Rows.Transition(saga.Row, Rows.Next(saga.Row))).ToList();
                entries.AddRange(random.GetItems(keys, 3).Distinct().Select(key => Rows.Start(Rows.New() with { BusinessKey = key })));
                entries.AddRange(live.Select(row => Rows.Transition(row, Rows.Ended(row))));
                random.Shuffle(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(entries));

                var results = await store.CommitAsync(new CommitBatch(entries, []), _none);

                live = [];
                foreach (var (entry, result) in entries.Zip(results))
                {
                    Assert.False(result is CommitResult.Invalid, result.ToString());
                    if (result is not CommitResult.Committed)
                    {
                        continue;
                    }

                    ownCommits.Add(entry.SagaId);
                    if (entry is CommitEntry.Start start)
                    {
                        live.Add(start.Row);
                    }
                }
            }

            return ownCommits;
        }
    }

    [Fact]
    public async Task A_deadlock_does_not_reach_the_caller()
    {
        var store = Store(database.DataSource);
        SagaRow[] rows = [.. new[] { Rows.New(), Rows.New() }.OrderBy(row => row.Id.Value)];
        await CommitAsync(store, [.. rows.Select(Rows.Start)]);
        var before = await database.Database.ScalarAsync<long>("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()");
        await using var other = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();

        // PostgreSQL aborts the transaction that detects the deadlock. With a long deadlock_timeout here, that is the commit.
        await ExecuteAsync("SET LOCAL deadlock_timeout = '10s'");
        await LockAsync(rows[1]);
        var results = CommitAsync(store, [.. rows.Select(row => Rows.Transition(row, Rows.Next(row)))]);
        await Eventually.Async(
            async () => await database.Database.ScalarAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 1,
            TimeSpan.FromMinutes(1),
            () => "the commit does not wait for the second row");
        await LockAsync(rows[0]);
        await transaction.CommitAsync();

        Assert.All(await results, result => Assert.Equal(CommitResult.Committed.Instance, result));
        await Eventually.Async(
            async () => await database.Database.ScalarAsync<long>(
                "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()") > before,
            TimeSpan.FromMinutes(1),
            () => "there was no deadlock");

        Task LockAsync(SagaRow row) => ExecuteAsync($"SELECT FROM onex.sagas WHERE id = '{row.Id}' FOR UPDATE");

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, other);
            await command.ExecuteNonQueryAsync();
        }
    }

    [Theory]
    [InlineData("BeforeTheServer")]
    [InlineData("BeforeTheAnswer")]
    public async Task A_commit_with_a_lost_connection_is_written_exactly_once(string cut)
    {
        await using var proxied = await ConnectThroughProxyAsync();
        var row = Rows.New();
        var started = Rows.New() with { BusinessKey = Rows.Key() };
        var message = Rows.Message("m");
        await CommitAsync(proxied.Store, Rows.Start(row));
        var next = Rows.Next(row);
        proxied.Proxy.NextRequest = Enum.Parse<Cut>(cut);

        var results = await CommitAsync(
            proxied.Store,
            new CommitEntry.Transition(next, 1, [Rows.Happened(next)], [message], []),
            new CommitEntry.Start(started, [Rows.Happened(started)], [], [Rows.Payload(started, "input")]),
            new CommitEntry.Check(Rows.Id(), 0));

        Assert.All(results, result => Assert.Equal(CommitResult.Committed.Instance, result));
        Assert.Equal((2L, 2L), (await VersionAsync(row.Id), await HistoryAsync(row.Id)));
        Assert.Equal((1L, 1L), (await VersionAsync(started.Id), await HistoryAsync(started.Id)));
        Assert.Equal(message.MessageId, Assert.Single((await proxied.Store.LoadAsync([row.Id], null, _none))[row.Id].Unsent).MessageId);
    }

    [Fact]
    public async Task The_outcome_of_a_lost_commit_is_looked_up_once_the_database_can_be_reached()
    {
        await using var proxied = await ConnectThroughProxyAsync();
        var row = Rows.New();
        await CommitAsync(proxied.Store, Rows.Start(row));
        proxied.Proxy.NextRequest = Cut.BeforeTheAnswer;
        proxied.Proxy.IsRejecting = true;

        var results = CommitAsync(proxied.Store, Rows.Transition(row, Rows.Next(row)));
        await Eventually.Async(
            () => proxied.Proxy.RejectedCount >= 3, TimeSpan.FromMinutes(1), () => $"{proxied.Proxy.RejectedCount} tries to connect");
        Assert.False(results.IsCompleted);
        proxied.Proxy.IsRejecting = false;

        Assert.Equal([CommitResult.Committed.Instance], await results);
        Assert.Equal((2L, 2L), (await VersionAsync(row.Id), await HistoryAsync(row.Id)));
    }

    [Fact]
    public async Task A_lost_commit_that_another_orchestrator_overtook_is_stale()
    {
        await using var proxied = await ConnectThroughProxyAsync();
        var row = Rows.New();
        await CommitAsync(proxied.Store, Rows.Start(row));
        proxied.Proxy.NextRequest = Cut.BeforeTheServer;
        proxied.Proxy.IsRejecting = true;

        var results = CommitAsync(proxied.Store, Rows.Transition(row, Rows.Next(row)));
        await Eventually.Async(() => proxied.Proxy.RejectedCount >= 1, TimeSpan.FromMinutes(1), () => "no try to connect");
        await CommitAsync(Store(database.DataSource), Rows.Transition(row, Rows.Next(row)));
        proxied.Proxy.IsRejecting = false;

        Assert.Equal([CommitResult.Stale.Instance], await results);
        Assert.Equal((2L, 2L), (await VersionAsync(row.Id), await HistoryAsync(row.Id)));
    }

    [Fact]
    public async Task A_commit_that_is_repeated_while_it_still_executes_on_the_server_is_written_once()
    {
        await using var proxied = await ConnectThroughProxyAsync();
        var row = Rows.New();
        await CommitAsync(proxied.Store, Rows.Start(row));
        await using var other = await database.DataSource.OpenConnectionAsync();
        await using var transaction = await other.BeginTransactionAsync();
        await using (var locking = new NpgsqlCommand($"SELECT FROM onex.sagas WHERE id = '{row.Id}' FOR UPDATE", other))
        {
            await locking.ExecuteNonQueryAsync();
        }

        proxied.Proxy.NextRequest = Cut.WhileTheServerWorks;
        var results = CommitAsync(proxied.Store, Rows.Transition(row, Rows.Next(row)));
        await Eventually.Async(
            async () => await database.Database.ScalarAsync<long>(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") == 2,
            TimeSpan.FromMinutes(1),
            () => "the cut-off commit and its repetition do not both wait for the row");
        await transaction.CommitAsync();

        Assert.Equal([CommitResult.Committed.Instance], await results);
        Assert.Equal((2L, 2L), (await VersionAsync(row.Id), await HistoryAsync(row.Id)));
    }

    [Fact]
    public async Task A_killed_backend_loses_nothing()
    {
        await using var pool = PostgresDataSource.Create(database.Settings with { ApplicationName = "victim" });
        var store = Store(pool);
        var row = Rows.New();
        await CommitAsync(store, Rows.Start(row));

        await KillAsync();
        Assert.Equal([CommitResult.Committed.Instance], await CommitAsync(store, Rows.Transition(row, Rows.Next(row))));
        await KillAsync();
        Assert.Equal(2, (await store.LoadAsync([row.Id], null, _none))[row.Id].Row.Version);

        async Task KillAsync() => await database.Database.ExecuteAsync(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'victim'");
    }

    [Fact]
    public async Task An_unreachable_database_is_reported_as_unavailable_and_nothing_is_committed()
    {
        await using var proxied = await ConnectThroughProxyAsync();
        var row = Rows.New();
        proxied.Proxy.IsRejecting = true;
        proxied.DataSource.Clear();

        await Assert.ThrowsAsync<StoreUnavailableException>(() => CommitAsync(proxied.Store, Rows.Start(row)));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => proxied.Store.LoadAsync([row.Id], null, _none));
        await Assert.ThrowsAsync<StoreUnavailableException>(() => proxied.Store.NowAsync(_none));

        proxied.Proxy.IsRejecting = false;
        Assert.Equal([CommitResult.Committed.Instance], await CommitAsync(proxied.Store, Rows.Start(row)));
    }

    [Fact]
    public async Task Updates_of_a_saga_are_heap_only()
    {
        var row = Rows.New() with { BusinessKey = Rows.Key() };
        var store = Store(database.DataSource);
        await CommitAsync(store, Rows.Start(row));
        var before = await HotAsync();

        for (var i = 0; i < 5; i++)
        {
            var next = Rows.Next(row) with { NextWakeupAt = Rows.Now.AddSeconds(i), Status = SagaStatus.Waiting };
            await CommitAsync(store, Rows.Transition(row, next));
            row = next;
        }

        await Eventually.Async(async () => await HotAsync() >= before + 5, TimeSpan.FromMinutes(1), () => "updates were not HOT");

        // The counter is per table, and other tests of this class update sagas, too. So the test expects a minimum.
        Task<long> HotAsync() => database.Database.ScalarAsync<long>(
            "SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE schemaname = 'onex' AND relname = 'sagas'");
    }

    [Fact]
    public async Task A_transition_does_not_write_the_headers_of_the_request_again()
    {
        // Too large for the row, so that the database stores them in chunks of their own.
        var headers = string.Concat(Enumerable.Range(0, 400).Select(_ => Guid.CreateVersion7(Rows.Now).ToString("N")));
        var row = Rows.New() with { Headers = RawJson.FromText($$"""{"headers":"{{headers}}"}""") };
        await CommitAsync(Store(database.DataSource), Rows.Start(row));
        var table = await database.Database.ScalarAsync<string>(
            "SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = 'onex.sagas'::regclass");
        var chunks = await ChunksAsync();
        Assert.NotEmpty(chunks);

        await CommitAsync(Store(database.DataSource), Rows.Transition(row, Rows.Next(row)));

        Assert.Equal(chunks, await ChunksAsync());
        Task<IReadOnlyList<string>> ChunksAsync() =>
            database.Database.QueryAsync($"SELECT DISTINCT chunk_id::text FROM {table} ORDER BY 1");
    }

    [Fact]
    public async Task The_wakeup_sweep_reads_no_parked_saga()
    {
        // Many rows, because on a small table the planner may use any index.
        var parked = Enumerable.Range(0, 500).Select(_ => Rows.New() with { Parked = true }).ToList();
        await CommitAsync(Store(database.DataSource), [.. parked.Select(row => (CommitEntry)new CommitEntry.Start(row, [], [], []))]);
        await using (var analyze = database.DataSource.CreateCommand("ANALYZE onex.sagas"))
        {
            await analyze.ExecuteNonQueryAsync();
        }

        var plan = await database.Database.QueryAsync(
            "EXPLAIN " + PostgresSagaReader.Wakeups
                .Replace("$1", "ARRAY[0, 1]", StringComparison.Ordinal)
                .Replace("$2", "now()", StringComparison.Ordinal));

        Assert.Contains(plan, line => line.Contains("ix_sagas_live_home_partition", StringComparison.Ordinal));
        Assert.Contains(plan, line => line.Contains("ix_timers_home_partition_due_at", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Live_sagas_are_listed_without_reading_ended_ones()
    {
        // Many rows, because on a small table the planner may use any index.
        var ended = Enumerable.Range(0, 5_000).Select(_ => Rows.Start(Rows.Ended(Rows.New()) with { Version = 1 }));
        await CommitAsync(Store(database.DataSource), [.. ended]);
        await database.Database.ExecuteAsync("ANALYZE onex.sagas");

        var plan = await database.Database.QueryAsync("EXPLAIN " + PostgresSagaReader.Live);

        Assert.Contains(plan, line => line.Contains("ix_sagas_live_contract_hash", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Large_batches_are_committed_in_full()
    {
        var store = Store(database.DataSource);
        SagaRow[] rows = [
            .. Enumerable.Range(0, 2000).Select(_ => Rows.New() with { Data = RawJson.FromText($"\"{new string('x', 500)}\"") })];

        Assert.All(
            await CommitAsync(
                store, [.. rows.Select(row => (CommitEntry)new CommitEntry.Start(row, [Rows.Happened(row)], [Rows.Message("m")], []))]),
            result => Assert.Equal(CommitResult.Committed.Instance, result));
        Assert.All(
            await CommitAsync(store, [.. rows.Select(row => Rows.Transition(row, Rows.Next(row)))]),
            result => Assert.Equal(CommitResult.Committed.Instance, result));
    }

    private static PostgresSagaStore Store(NpgsqlDataSource dataSource) =>
        new(dataSource, TimeProvider.System, NullLogger<PostgresSagaStore>.Instance);

    private static Task<IReadOnlyList<CommitResult>> CommitAsync(PostgresSagaStore store, params CommitEntry[] entries) =>
        store.CommitAsync(new CommitBatch(entries, []), _none);

    private Task<long> VersionAsync(SagaId id) => database.Database.ScalarAsync<long>($"SELECT version FROM onex.sagas WHERE id = '{id}'");

    private Task<long> HistoryAsync(SagaId id) =>
        database.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.saga_history WHERE saga_id = '{id}'");

    private async Task<ProxiedStore> ConnectThroughProxyAsync()
    {
        var settings = database.Settings;
        var proxy = new CuttingProxy(settings.Host, settings.Port);
        var pool = PostgresDataSource.Create(settings with { Host = "127.0.0.1", Port = proxy.Port, SslMode = "disable" });
        var proxied = new ProxiedStore(proxy, pool, Store(pool));
        await proxied.Store.NowAsync(_none);
        return proxied;
    }

    private sealed record ProxiedStore(CuttingProxy Proxy, NpgsqlDataSource DataSource, PostgresSagaStore Store) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await DataSource.DisposeAsync();
            await Proxy.DisposeAsync();
        }
    }
}
