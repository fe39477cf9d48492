using System.Text.Json.Nodes;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of saga queries, with a subclass per implementation.</summary>
public abstract class SagaQueriesCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    protected abstract ISagaStore Store { get; }

    protected abstract ISagaQueries Queries { get; }

    [Fact]
    public async Task Sagas_are_listed_newest_first_page_by_page()
    {
        var contract = Rows.Key();

        // Ids sort by the time at which a saga starts.
        SagaRow[] rows = [
            .. Enumerable.Range(0, 7)
                .Select(i => Rows.New() with { Contract = contract, Id = SagaId.Create(Rows.Now.AddMilliseconds(i / 3)) }),
        ];
        await StartAsync(rows);

        var listed = new List<SagaId>();
        string? after = null;
        do
        {
            var page = await Queries.ListAsync(new SagaFilter { Contract = contract, Limit = 3, After = after }, _none);
            listed.AddRange(page.Sagas.Select(row => row.Id));
            after = page.Next;
        }
        while (after is not null);

        Assert.Equal(
            rows.OrderByDescending(row => row.Id.ToString(), StringComparer.Ordinal).Select(row => row.Id), listed);
    }

    [Fact]
    public async Task The_last_page_has_no_next_cursor()
    {
        var contract = Rows.Key();
        await StartAsync(Rows.New() with { Contract = contract }, Rows.New() with { Contract = contract });

        Assert.Null((await Queries.ListAsync(new SagaFilter { Contract = contract, Limit = 2 }, _none)).Next);
        Assert.NotNull((await Queries.ListAsync(new SagaFilter { Contract = contract, Limit = 1 }, _none)).Next);
    }

    [Fact]
    public async Task Every_filter_narrows_the_list()
    {
        var contract = Rows.Key();
        var key = Rows.Key();
        var one = Rows.New() with { Contract = contract, State = "packing", Status = SagaStatus.Waiting, BusinessKey = key };
        var two = Rows.New() with { Contract = contract, BusinessKey = $"other-{key}", ParentId = one.Id };
        await StartAsync(one, two);

        Assert.Equal(2, (await ListAsync(new SagaFilter { Contract = contract })).Count);
        Assert.Equal([one.Id], await ListAsync(new SagaFilter { Contract = contract, State = "packing" }));
        Assert.Equal([two.Id], await ListAsync(new SagaFilter { Contract = contract, Statuses = [SagaStatus.Running] }));
        Assert.Equal(
            2, (await ListAsync(new SagaFilter { Contract = contract, Statuses = [SagaStatus.Running, SagaStatus.Waiting] })).Count);
        Assert.Empty(await ListAsync(new SagaFilter { Contract = contract, Statuses = [SagaStatus.Completed, SagaStatus.Failed] }));
        Assert.Equal([one.Id], await ListAsync(new SagaFilter { Key = key }));
        Assert.Equal([two.Id], await ListAsync(new SagaFilter { Parent = one.Id }));
        Assert.Empty(await ListAsync(new SagaFilter { Contract = contract, Key = key, State = "reserving" }));
        Assert.Empty(await ListAsync(new SagaFilter { Contract = "unknown" }));
    }

    [Fact]
    public async Task A_search_text_matches_ids_correlation_ids_and_key_prefixes()
    {
        var key = $"50%_off\\{Rows.Key()}";
        var row = Rows.New() with { BusinessKey = key };
        await StartAsync(row, Rows.New() with { BusinessKey = Rows.Key() });

        Assert.Equal([row.Id], await ListAsync(new SagaFilter { Text = row.Id.ToString() }));
        Assert.Equal([row.Id], await ListAsync(new SagaFilter { Text = row.CorrelationId.ToString() }));
        Assert.Equal([row.Id], await ListAsync(new SagaFilter { Text = key[..20] }));
        Assert.Equal([row.Id], await ListAsync(new SagaFilter { Text = "50%_off\\" }));
        Assert.Empty(await ListAsync(new SagaFilter { Text = key[1..] }));
        Assert.Empty(await ListAsync(new SagaFilter { Text = "50%%" }));
        Assert.Empty(await ListAsync(new SagaFilter { Text = "nul\0byte" }));
        Assert.Empty(await ListAsync(new SagaFilter { Key = "'; DROP TABLE sagas; --" }));
    }

    [Theory]
    [InlineData("")]
    [InlineData("garbage")]
    [InlineData("-1")]
    [InlineData("123-not-an-id")]
    [InlineData("99999999999999999999-00000000000000000000000000000000")]
    public async Task An_invalid_cursor_is_an_error(string after) =>
        await Assert.ThrowsAsync<FormatException>(() => Queries.ListAsync(new SagaFilter { After = after }, _none));

    [Fact]
    public async Task A_saga_is_loaded_with_input_output_and_buffered_events()
    {
        var row = Rows.New() with { Data = RawJson.FromText("""{"a":1}""") };
        var buffered = Rows.Early(row);
        await Store.CommitAsync(
            new CommitBatch(
                [
                    new CommitEntry.Start(
                        row,
                        [],
                        [],
                        [
                            Rows.Payload(row, "input") with { Content = RawJson.FromText("""{"sku":"A"}""") },
                            Rows.Payload(row, "output") with { Content = RawJson.FromText("""{"paid":true}""") },
                        ]),
                ],
                []),
            _none);
        await Store.CommitAsync(new CommitBatch([Rows.Transition(row, Rows.Next(row)) with { BufferedEvents = [buffered] }], []), _none);

        var found = await Queries.FindAsync(row.Id, _none);

        Assert.NotNull(found);
        Assert.Equal((row.Id, 2), (found.Row.Id, found.Row.Version));
        Assert.Equal("A", (string?)JsonNode.Parse(found.Input.ToString())!["sku"]);
        Assert.True((bool)JsonNode.Parse(found.Output!.Value.ToString())!["paid"]!);
        Assert.Equal(buffered.MessageId, Assert.Single(found.BufferedEvents).MessageId);
        Assert.Null(await Queries.FindAsync(Rows.Id(), _none));
    }

    [Fact]
    public async Task The_history_of_a_saga_is_read_in_order_and_in_pages()
    {
        var row = Rows.New();
        HistoryEntry Entry(long version, int ordinal) => new(
            version, ordinal, Rows.Now.AddSeconds(version), "step_started", "charging", "charge", RawJson.FromText("""{"attempt":1}"""));
        await Store.CommitAsync(new CommitBatch([new CommitEntry.Start(row, [Entry(1, 1), Entry(1, 0)], [], [])], []), _none);
        var next = Rows.Next(row);
        await Store.CommitAsync(new CommitBatch([new CommitEntry.Transition(next, 1, [Entry(2, 0)], [], [])], []), _none);

        var all = await Queries.HistoryAsync(row.Id, 0, 0, 100, _none);

        Assert.Equal([(1, 0), (1, 1), (2, 0)], all.Select(entry => ((int)entry.Version, entry.Ordinal)));
        Assert.Equal(("step_started", "charging", "charge", Rows.Now.AddSeconds(1)), (all[0].Kind, all[0].State, all[0].Step, all[0].At));
        Assert.Equal(1, (int)JsonNode.Parse(all[0].Detail!.Value.ToString())!["attempt"]!);
        Assert.Equal([(1, 1)], (await Queries.HistoryAsync(row.Id, 1, 0, 1, _none)).Select(entry => ((int)entry.Version, entry.Ordinal)));
        Assert.Empty(await Queries.HistoryAsync(row.Id, 2, 0, 100, _none));
    }

    [Fact]
    public async Task A_live_saga_that_nothing_wakes_is_stuck_and_has_a_reason()
    {
        var waitsFor = RawJson.FromText("""{"waiting_for":["paid"]}""");
        var nothing = Rows.New() with { State = "nothing", Progress = RawJson.FromText("""{"waiting_for":[]}""") };
        var overdue = Rows.New() with { State = "overdue", NextWakeupAt = Rows.Now.AddMinutes(-10) };
        var lost = Rows.New() with { State = "lost", NextWakeupAt = Rows.Now.AddHours(1), Status = SagaStatus.Waiting };
        SagaRow[] healthy =
        [
            Rows.New() with { Progress = waitsFor, Status = SagaStatus.Waiting, Parked = true },
            Rows.New() with { NextWakeupAt = Rows.Now.AddMinutes(1) },
            Rows.New() with { NextWakeupAt = Rows.Now.AddHours(1), Parked = true },
            Rows.New() with { Status = SagaStatus.Blocked },
            Rows.New() with { Status = SagaStatus.Paused },
            Rows.New() with { Status = SagaStatus.Completed, EndedAt = Rows.Now },
        ];
        var unsent = Rows.New();
        await StartAsync([nothing, overdue, lost, .. healthy]);
        await Store.CommitAsync(new CommitBatch([new CommitEntry.Start(unsent, [], [Rows.Message("m")], [])], []), _none);
        await LoseTimerAsync(lost);

        var stuck = (await Queries.StuckAsync(1_000, _none)).ToDictionary(saga => saga.Id);

        Assert.Contains("no next wake-up", stuck[nothing.Id].Reason);
        Assert.Contains("should have been woken", stuck[overdue.Id].Reason);
        Assert.Contains("no timer", stuck[lost.Id].Reason);
        Assert.Equal(("order", "lost", "waiting"), (stuck[lost.Id].Contract, stuck[lost.Id].State, stuck[lost.Id].Status));
        Assert.All([.. healthy, unsent], row => Assert.DoesNotContain(row.Id, stuck.Keys));
    }

    [Fact]
    public async Task Sagas_are_counted_by_contract_state_and_status()
    {
        var contract = Rows.Key();
        await StartAsync(
            Rows.New() with { Contract = contract },
            Rows.New() with { Contract = contract },
            Rows.New() with { Contract = contract, State = "packing" });

        Assert.Equal(
            [new SagaCount(contract, "packing", "running", 1), new SagaCount(contract, "reserving", "running", 2)],
            (await Queries.CountAsync(_none)).Where(count => count.Contract == contract));
    }

    /// <summary>Marks the saga as parked directly in the table, so that it has no timer.</summary>
    protected abstract Task LoseTimerAsync(SagaRow row);

    private async Task StartAsync(params SagaRow[] rows) =>
        Assert.All(
            await Store.CommitAsync(new CommitBatch([.. rows.Select(Rows.Start)], []), _none),
            result => Assert.Equal(CommitResult.Committed.Instance, result));

    private async Task<IReadOnlyList<SagaId>> ListAsync(SagaFilter filter) =>
        [.. (await Queries.ListAsync(filter, _none)).Sagas.Select(row => row.Id)];
}
