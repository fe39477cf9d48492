using System.Text.Json.Nodes;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>Items of an <c>each</c>.</summary>
public abstract partial class SagaStoreCompliance
{
    private static readonly SagaItemStatus[] _allStatuses = Enum.GetValues<SagaItemStatus>();

    [Fact]
    public async Task Items_are_written_with_their_saga_and_loaded_unchanged()
    {
        var row = Rows.New();
        var kept = Item(0) with
        {
            Result = RawJson.FromText("""{"parcel":"Zoë"}"""),
            CompensationArguments = RawJson.FromText("""{"path": "/parcels/1",  "a":1.50, "\ud800":null}"""),
        };
        await CommitAsync(new CommitEntry.Start(row, [], [], []) { Items = [kept] });
        var failed = Item(1, SagaItemStatus.Failed) with { Code = "http_404", Message = "There is no such sku." };
        var empty = Item(2) with { Result = RawJson.Null };
        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with { Items = [failed, empty] });

        var loaded = Assert.Single(await Store.LoadItemsAsync([All(row)], _none));

        Assert.Equal([0, 1, 2], loaded.Select(item => item.Index));
        Assert.Equal("Zoë", (string?)JsonNode.Parse(loaded[0].Result.ToString()!)!["parcel"]);
        Assert.Equal(kept.CompensationArguments.ToString(), loaded[0].CompensationArguments.ToString());
        Assert.Equal(kept.CommandId, loaded[0].CommandId);
        Assert.Equal(failed, loaded[1]);
        Assert.True(loaded[2].Result?.IsNull);
        Assert.Null(loaded[2].CompensationArguments);
    }

    [Fact]
    public async Task Items_of_an_entry_that_is_not_committed_are_not_written()
    {
        var row = await StartAsync();
        await CommitAsync(Rows.Transition(row, Rows.Next(row)));
        var again = Rows.New() with { RequestId = row.RequestId };
        var current = await StartAsync();

        await CommitAsync(
            Rows.Transition(row, Rows.Next(row)) with { Items = [Item(0)] },
            new CommitEntry.Start(again, [], [], []) { Items = [Item(0)] },
            Rows.Transition(current, Rows.Next(current)) with { Items = [Item(0)] });

        var loaded = await Store.LoadItemsAsync([All(row), All(again), All(current)], _none);
        Assert.Equal([0, 0, 1], loaded.Select(items => items.Count));
    }

    [Fact]
    public async Task A_compensated_item_keeps_its_result_and_its_compensation()
    {
        var row = await StartAsync();
        var second = Rows.Next(row);
        var done = Item(7, SagaItemStatus.Unknown) with
        {
            Result = RawJson.FromText("1"),
            CompensationArguments = RawJson.FromText("2"),
            Code = "step_timed_out",
            Message = "late",
        };
        await CommitAsync(Rows.Transition(row, second) with { Items = [done] });

        await CommitAsync(
            Rows.Transition(second, Rows.Next(second)) with
            {
                Items = [Item(7, SagaItemStatus.Compensated) with { CommandId = done.CommandId }],
            });

        var loaded = Assert.Single((await Store.LoadItemsAsync([All(row)], _none))[0]);
        Assert.Equal(
            (SagaItemStatus.Compensated, "1", "2"),
            (loaded.Status, loaded.Result.ToString(), loaded.CompensationArguments.ToString()));
        Assert.Equal((null, null), (loaded.Code, loaded.Message));
    }

    [Fact]
    public async Task The_last_version_of_an_item_in_a_commit_wins_and_keeps_earlier_values()
    {
        var row = await StartAsync();

        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with
        {
            Items = [Item(3) with { CompensationArguments = RawJson.FromText("[1]") }, Item(4), Item(3, SagaItemStatus.Compensated)],
        });

        var loaded = (await Store.LoadItemsAsync([All(row)], _none))[0];
        Assert.Equal([(3, SagaItemStatus.Compensated), (4, SagaItemStatus.Completed)], loaded.Select(item => (item.Index, item.Status)));
        Assert.Equal("[1]", loaded[0].CompensationArguments.ToString());
    }

    [Fact]
    public async Task Each_visit_and_step_has_its_own_items()
    {
        var row = await StartAsync();
        await CommitAsync(
            Rows.Transition(row, Rows.Next(row)) with { Items = [Item(0), Item(0) with { Visit = 2 }, Item(0) with { Step = "other" }] });

        var loaded = await Store.LoadItemsAsync(
            [
                All(row) with { Visit = 2 }, All(row) with { Visit = 3 }, All(row) with { Step = "other" },
                All(row) with { SagaId = Rows.Id() }, All(row) with { Visit = null }, All(row) with { Visit = null, Step = "none" },
            ],
            _none);

        Assert.Equal([1, 0, 1, 0, 1, 0], loaded.Select(items => items.Count));
        Assert.Equal(2, loaded[4][0].Visit);
        Assert.Empty(await Store.LoadItemsAsync([], _none));
    }

    [Fact]
    public async Task A_thousand_items_fit_into_one_commit_and_are_paged_in_both_directions()
    {
        var row = await StartAsync();
        SagaItem[] items = [
            .. Enumerable.Range(0, 1_000).Select(index => Item(index, index % 3 == 0 ? SagaItemStatus.Failed : SagaItemStatus.Completed))];
        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with { Items = items });
        var completed = All(row) with { Statuses = [SagaItemStatus.Completed], Descending = true, Limit = 4 };

        var pages = await Store.LoadItemsAsync(
            [completed, completed with { Below = 995 }, completed with { Below = 2 }, completed with { Descending = false }, All(row),
                completed with { Descending = false, AtLeast = 6 }],
            _none);

        Assert.Equal([998, 997, 995, 994], pages[0].Select(item => item.Index));
        Assert.Equal([994, 992, 991, 989], pages[1].Select(item => item.Index));
        Assert.Equal([1], pages[2].Select(item => item.Index));
        Assert.Equal([1, 2, 4, 5], pages[3].Select(item => item.Index));
        Assert.Equal(items, pages[4]);
        Assert.Equal([7, 8, 10, 11], pages[5].Select(item => item.Index));
    }

    [Fact]
    public async Task A_saga_with_an_invalid_item_fails_alone()
    {
        var (bad, good) = (await StartAsync(), await StartAsync());

        var results = await CommitAsync(
            Rows.Transition(bad, Rows.Next(bad)) with { Items = [Item(0), Item(1) with { Message = "nul\0byte" }] },
            Rows.Transition(good, Rows.Next(good)) with { Items = [Item(0)] });

        Assert.IsType<CommitResult.Invalid>(results[0]);
        Assert.Equal(CommitResult.Committed.Instance, results[1]);
        Assert.Equal([0, 1], (await Store.LoadItemsAsync([All(bad), All(good)], _none)).Select(items => items.Count));
    }

    [Fact]
    public async Task Items_are_found_by_status()
    {
        var row = await StartAsync();
        SagaItem[] items = [.. _allStatuses.Select((status, index) => Item(index, status))];
        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with { Items = items });

        var loaded = await Store.LoadItemsAsync([.. _allStatuses.Select(status => All(row) with { Statuses = [status] })], _none);

        Assert.Equal(_allStatuses, loaded.Select(items => Assert.Single(items).Status));
    }

    private static SagaItem Item(int index, SagaItemStatus status = SagaItemStatus.Completed) => new("pack", 1, index, status, Rows.Id());

    private static SagaItemsQuery All(SagaRow row) => new(row.Id, "pack", 1, _allStatuses, null, Descending: false, 10_000);
}
