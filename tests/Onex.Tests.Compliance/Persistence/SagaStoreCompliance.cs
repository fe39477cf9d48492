using System.Text.Json.Nodes;
using Onex.Engine;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of saga stores, with a subclass per implementation.</summary>
public abstract partial class SagaStoreCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    /// <summary>A store with its own storage.</summary>
    protected abstract ISagaStore Store { get; }

    protected virtual IEarlyEvents EarlyEvents => (IEarlyEvents)Store;

    protected virtual IOutbox Outbox => (IOutbox)Store;

    protected virtual IPayloads Payloads => (IPayloads)Store;

    protected virtual IWakeups Wakeups => (IWakeups)Store;

    [Fact]
    public async Task A_started_saga_is_loaded_unchanged()
    {
        var row = Rows.New() with
        {
            BusinessKey = "order-1 ä€😀",
            ParentId = Rows.Id(),
            Data = RawJson.FromText("""{"name":"Zoë","lines":[1,2],"total":12.50}"""),
            Fault = RawJson.FromText("""{"code":"x"}"""),
            ReplyTo = "answers",
            Headers = RawJson.FromText("""{"tenant":"t1"}"""),
            Waiters = RawJson.FromText("[]"),
            NextWakeupAt = Rows.Now.AddSeconds(30),
            Parked = true,
        };
        var message = Rows.Message("m") with { Partition = 3 };
        var input = new SagaPayload(Rows.Id(), row.Id, "input", RawJson.FromText("""{"sku":"A"}"""));

        Assert.Equal(
            [CommitResult.Committed.Instance], await CommitAsync(new CommitEntry.Start(row, [Rows.Happened(row)], [message], [input])));

        var loaded = await LoadAsync(row.Id);
        Assert.Equal(Comparable(row), Comparable(loaded.Row));
        Assert.Equal("A", (string?)JsonNode.Parse(loaded.Input.ToString())!["sku"]);
        var unsent = Assert.Single(loaded.Unsent);
        Assert.Equal(
            (message.MessageId, message.Topic, message.Partition, message.Key),
            (unsent.MessageId, unsent.Topic, unsent.Partition, unsent.Key));
        Assert.Equal(message.Value.ToArray(), unsent.Value.ToArray());
    }

    [Fact]
    public async Task Ids_without_a_row_are_absent_from_the_result()
    {
        var row = await StartAsync();

        Assert.Equal([row.Id], (await Store.LoadAsync([row.Id, Rows.Id()], _none)).Keys);
        Assert.Empty(await Store.LoadAsync([], _none));
    }

    [Fact]
    public async Task A_transition_replaces_the_row()
    {
        var row = await StartAsync();
        var next = Rows.Next(row) with { State = "charging", Status = SagaStatus.Waiting, NextWakeupAt = Rows.Now.AddHours(1) };

        Assert.Equal([CommitResult.Committed.Instance], await CommitAsync(Rows.Transition(row, next)));

        Assert.Equal(Comparable(next), Comparable((await LoadAsync(row.Id)).Row));
    }

    [Fact]
    public async Task A_transition_from_an_old_version_is_stale_and_writes_nothing()
    {
        var first = await StartAsync();
        var second = Rows.Next(first);
        await CommitAsync(Rows.Transition(first, second));
        var late = Rows.Next(first) with { State = "late" };

        Assert.Equal(
            [CommitResult.Stale.Instance],
            await CommitAsync(
                new CommitEntry.Transition(
                    late, first.Version, [Rows.Happened(late)], [Rows.Message("late")], [Rows.Payload(late, "result:late")])));

        var loaded = await LoadAsync(first.Id);
        Assert.Equal(Comparable(second), Comparable(loaded.Row));
        Assert.Empty(loaded.Unsent);
        Assert.Empty(await Payloads.LoadPayloadsAsync([Rows.Payload(late, "result:late").Id], _none));
    }

    [Fact]
    public async Task A_transition_of_an_unknown_saga_is_stale()
    {
        var row = Rows.New();

        Assert.Equal([CommitResult.Stale.Instance], await CommitAsync(Rows.Transition(row, Rows.Next(row))));
    }

    [Fact]
    public async Task A_check_succeeds_only_for_the_version_that_was_read()
    {
        var row = await StartAsync();
        await CommitAsync(Rows.Transition(row, Rows.Next(row)));

        Assert.Equal(
            [
                CommitResult.Committed.Instance,
                CommitResult.Committed.Instance,
            ],
            await CommitAsync(new CommitEntry.Check(row.Id, 2), new CommitEntry.Check(Rows.Id(), 0)));
        Assert.Equal([CommitResult.Stale.Instance], await CommitAsync(new CommitEntry.Check(row.Id, 1)));
        Assert.Equal([CommitResult.Stale.Instance], await CommitAsync(new CommitEntry.Check(row.Id, 0)));
        Assert.Equal([CommitResult.Stale.Instance], await CommitAsync(new CommitEntry.Check(Rows.Id(), 1)));
    }

    [Fact]
    public async Task Results_are_in_the_order_of_the_batch()
    {
        var current = await StartAsync();
        var stale = await StartAsync();
        await CommitAsync(Rows.Transition(stale, Rows.Next(stale)));
        var existing = await StartAsync();
        var started = Rows.New();

        var results = await CommitAsync(
            Rows.Start(started),
            Rows.Transition(stale, Rows.Next(stale)),
            Rows.Start(Rows.New() with { RequestId = existing.RequestId }),
            new CommitEntry.Check(stale.Id, 2),
            Rows.Transition(current, Rows.Next(current)));

        Assert.Equal(
            [
                CommitResult.Committed.Instance,
                CommitResult.Stale.Instance,
                new CommitResult.DuplicateRequest(existing.Id, existing.Source),
                CommitResult.Committed.Instance,
                CommitResult.Committed.Instance,
            ],
            results);
    }

    [Fact]
    public async Task A_start_with_a_known_request_names_its_saga_and_source()
    {
        var first = await StartAsync(Rows.New() with { Source = "requests/3/41" });
        var again = Rows.New() with { RequestId = first.RequestId, Source = "requests/3/99" };

        Assert.Equal([new CommitResult.DuplicateRequest(first.Id, "requests/3/41")], await CommitAsync(Rows.Start(again)));
        Assert.Empty(await Store.LoadAsync([again.Id], _none));
    }

    [Fact]
    public async Task A_request_is_still_a_duplicate_after_its_saga_ended()
    {
        var first = await StartAsync();
        await CommitAsync(Rows.Transition(first, Rows.Ended(first)));

        Assert.Equal(
            [new CommitResult.DuplicateRequest(first.Id, first.Source)],
            await CommitAsync(Rows.Start(Rows.New() with { RequestId = first.RequestId })));
    }

    [Fact]
    public async Task A_joined_request_is_still_a_duplicate_after_the_saga_ended()
    {
        var owner = await StartAsync(Rows.New() with { BusinessKey = Rows.Key() });
        var request = Rows.New().RequestId;
        await CommitAsync(Rows.Transition(owner, Rows.Ended(owner)) with { JoinedRequests = [new(request)] });

        Assert.Equal(
            [new CommitResult.DuplicateRequest(owner.Id, "")],
            await CommitAsync(Rows.Start(Rows.New() with { RequestId = request, BusinessKey = owner.BusinessKey })));
    }

    [Fact]
    public async Task A_live_saga_holds_its_business_key_within_its_contract()
    {
        var key = Rows.Key();
        var owner = await StartAsync(Rows.New() with { BusinessKey = key });
        var other = Rows.New() with { BusinessKey = key, Contract = "another" };

        Assert.Equal(
            [new CommitResult.KeyTaken(owner.Id), CommitResult.Committed.Instance],
            await CommitAsync(Rows.Start(Rows.New() with { BusinessKey = key }), Rows.Start(other)));
    }

    [Fact]
    public async Task A_duplicate_request_is_reported_before_a_taken_key()
    {
        var key = Rows.Key();
        await StartAsync(Rows.New() with { BusinessKey = key });
        var existing = await StartAsync();

        Assert.Equal(
            [new CommitResult.DuplicateRequest(existing.Id, existing.Source)],
            await CommitAsync(Rows.Start(Rows.New() with { BusinessKey = key, RequestId = existing.RequestId })));
    }

    [Fact]
    public async Task An_ended_saga_releases_its_business_key_even_within_one_batch()
    {
        var key = Rows.Key();
        var owner = await StartAsync(Rows.New() with { BusinessKey = key });
        var next = Rows.New() with { BusinessKey = key };

        Assert.Equal(
            [CommitResult.Committed.Instance, CommitResult.Committed.Instance],
            await CommitAsync(Rows.Start(next), Rows.Transition(owner, Rows.Ended(owner))));
        Assert.Equal([CommitResult.Committed.Instance], await CommitAsync(Rows.Transition(next, Rows.Ended(next))));
        Assert.Equal([CommitResult.Committed.Instance], await CommitAsync(Rows.Start(Rows.New() with { BusinessKey = key })));
    }

    [Fact]
    public async Task The_second_start_for_one_request_in_a_batch_is_a_duplicate()
    {
        var first = Rows.New();
        var second = Rows.New() with { RequestId = first.RequestId };

        var results = await CommitAsync(Rows.Start(first), Rows.Start(second));

        var winner = results[0] is CommitResult.Committed ? first : second;
        Assert.Single(results, CommitResult.Committed.Instance);
        Assert.Single(results, new CommitResult.DuplicateRequest(winner.Id, winner.Source));
    }

    [Fact]
    public async Task A_saga_with_invalid_values_fails_alone()
    {
        var current = await StartAsync();
        var good = Enumerable.Range(0, 6).Select(_ => Rows.New()).ToArray();
        var bad = Rows.New() with { State = "nul\0byte" };

        var results = await CommitAsync(
            [
                .. good[..3].Select(Rows.Start),
                Rows.Start(bad),
                .. good[3..].Select(Rows.Start),
                Rows.Transition(current, Rows.Next(current)),
            ]);

        Assert.IsType<CommitResult.Invalid>(results[3]);
        Assert.Equal(7, results.Count(result => result is CommitResult.Committed));
        Assert.Equal(good.Length, (await Store.LoadAsync([.. good.Select(row => row.Id), bad.Id], _none)).Count);
    }

    [Fact]
    public async Task A_business_key_that_is_too_long_for_the_index_is_invalid()
    {
        // Hardly compressible text, so that compression does not make it fit.
        var key = string.Concat(Enumerable.Range(0, 400).Select(_ => Guid.CreateVersion7().ToString("N")));

        Assert.IsType<CommitResult.Invalid>(Assert.Single(await CommitAsync(Rows.Start(Rows.New() with { BusinessKey = key }))));
    }

    [Fact]
    public async Task Unsent_messages_are_returned_in_commit_order_until_they_are_marked_sent()
    {
        const int Partition = 4711;
        var row = Rows.New() with { HomePartition = Partition };
        OutgoingMessage[] messages = [.. Enumerable.Range(0, 5).Select(i => Rows.Message($"m{i}"))];
        await CommitAsync(new CommitEntry.Start(row, [], messages[..3], []));
        var ended = Rows.Ended(row);
        await CommitAsync(new CommitEntry.Transition(ended, 1, [], messages[3..], []));
        MessageId[] ids = [.. messages.Select(message => message.MessageId)];

        Assert.Equal(ids, (await LoadAsync(row.Id)).Unsent.Select(message => message.MessageId));
        Assert.Equal(ids, (await Outbox.UnsentOfPartitionsAsync([Partition], 100, _none)).Select(unsent => unsent.Message.MessageId));
        Assert.Equal(ids[..2], (await Outbox.UnsentOfPartitionsAsync([Partition], 2, _none)).Select(unsent => unsent.Message.MessageId));
        Assert.Empty(await Outbox.UnsentOfPartitionsAsync([Partition + 1], 100, _none));

        await Outbox.DeleteAsync(ids[..2], _none);
        await Store.CommitAsync(new CommitBatch([], ids[2..4]), _none);

        Assert.Equal(ids[4..], (await LoadAsync(row.Id)).Unsent.Select(message => message.MessageId));
    }

    [Fact]
    public async Task The_sweep_finds_only_messages_unsent_for_long_enough()
    {
        var row = Rows.New();
        var message = Rows.Message("m");
        await CommitAsync(new CommitEntry.Start(row, [], [message], []));

        Assert.DoesNotContain(await Outbox.UnsentForAsync(TimeSpan.FromHours(1), 10_000, _none), unsent => unsent.SagaId == row.Id);
        Assert.Contains(await Outbox.UnsentForAsync(TimeSpan.Zero, 10_000, _none), unsent => unsent.Message.MessageId == message.MessageId);
    }

    [Fact]
    public async Task The_sweep_continues_after_any_message()
    {
        OutgoingMessage[] messages = [.. Enumerable.Range(0, 3).Select(i => Rows.Message($"m{i}"))];
        await CommitAsync(new CommitEntry.Start(Rows.New(), [], messages[..2], []));
        await CommitAsync(new CommitEntry.Start(Rows.New(), [], messages[2..], []));
        var first = (await Outbox.UnsentForAsync(TimeSpan.Zero, 10_000, _none))
            .Single(unsent => unsent.Message.MessageId == messages[0].MessageId);

        var later = await Outbox.UnsentForAsync(TimeSpan.Zero, first.Seq, 2, long.MaxValue, _none);

        Assert.Equal(messages[1..].Select(message => message.MessageId), later.Select(unsent => unsent.Message.MessageId));
        Assert.Empty(await Outbox.UnsentForAsync(TimeSpan.Zero, later[^1].Seq, 1, long.MaxValue, _none));
    }

    [Fact]
    public async Task Wakeups_are_filtered_by_partition_and_time_and_end_with_their_saga()
    {
        const int Partition = 4712;
        var due = await StartAsync(Rows.New() with { HomePartition = Partition, NextWakeupAt = Rows.Now });
        await StartAsync(Rows.New() with { HomePartition = Partition, NextWakeupAt = Rows.Now.AddDays(1) });
        await StartAsync(Rows.New() with { HomePartition = Partition + 1, NextWakeupAt = Rows.Now });
        var ended = await StartAsync(Rows.New() with { HomePartition = Partition, NextWakeupAt = Rows.Now });
        await CommitAsync(Rows.Transition(ended, Rows.Ended(ended)));

        Assert.Equal(
            [new Wakeup(due.Id, Partition, Rows.Now)],
            await Wakeups.WakeupsAsync([Partition], Rows.Now.AddHours(1), _none));
    }

    [Fact]
    public async Task Payloads_are_written_once()
    {
        var row = await StartAsync();
        var payload = Rows.Payload(row, "result:a") with { Content = RawJson.FromText("""{"v":1}""") };

        await Payloads.SavePayloadsAsync([payload], _none);
        await Payloads.SavePayloadsAsync([payload with { Content = RawJson.FromText("""{"v":2}""") }], _none);

        var (_, found) = Assert.Single(await Payloads.LoadPayloadsAsync([payload.Id, Rows.Id()], _none));
        Assert.Equal((row.Id, "result:a", 1), (found.SagaId, found.Name, (int)JsonNode.Parse(found.Content.ToString())!["v"]!));
    }

    [Fact]
    public async Task All_live_sagas_are_listed()
    {
        SagaRow[] live = [await StartAsync(), await StartAsync(), await StartAsync()];
        var ended = await StartAsync();
        await CommitAsync(Rows.Transition(ended, Rows.Ended(ended)));

        var listed = await Store.LiveAsync(_none);

        Assert.All(live, row => Assert.Contains(row.Id, listed));
        Assert.DoesNotContain(ended.Id, listed);
    }

    [Fact]
    public async Task An_empty_batch_does_nothing()
    {
        Assert.Empty(await CommitAsync());
        await Outbox.DeleteAsync([], _none);
    }

    [Fact]
    public async Task The_store_clock_agrees_with_the_system_clock()
    {
        Assert.InRange(await Store.NowAsync(_none) - TimeProvider.System.GetUtcNow(), TimeSpan.FromMinutes(-5), TimeSpan.FromMinutes(5));
    }

    protected async Task<IReadOnlyList<CommitResult>> CommitAsync(params CommitEntry[] entries) =>
        await Store.CommitAsync(new CommitBatch(entries, []), _none);

    [Fact]
    public async Task A_read_stays_within_its_memory_limit_but_returns_at_least_one_row()
    {
        var rows = Enumerable.Range(0, 5)
            .Select(_ => Rows.New() with { Data = RawJson.FromText($"\"{new string('x', 10_000)}\"") })
            .ToList();
        foreach (var row in rows)
        {
            await Store.CommitAsync(
                new CommitBatch([new CommitEntry.Start(row, [], [Rows.Message("k")], [Rows.Payload(row, "output")])], []), _none);
        }

        SagaId[] ids = [.. rows.Select(row => row.Id)];
        var weight = JsonWeight.Handled(rows[0].Data.Utf8.Span);
        foreach (var (limit, least, most) in new[] { (new ReadLimit(1), 1, 1), (new ReadLimit(3 * weight), 2, 3) })
        {
            var some = await Store.LoadAsync(ids, limit, _none);
            Assert.True(limit.IsReached);
            Assert.InRange(some.Count, least, most);
            Assert.All(some.Values, saga => Assert.Single(saga.Unsent));
        }

        var enough = new ReadLimit(100 * weight);
        Assert.Equal(5, (await Store.LoadAsync(ids, enough, _none)).Count);
        Assert.False(enough.IsReached);

        var payloads = new ReadLimit(1);
        Assert.Single(await Payloads.LoadPayloadsAsync([.. rows.Select(row => Rows.Payload(row, "output").Id)], payloads, _none));
        Assert.True(payloads.IsReached);

        // Unsent messages are limited by bytes, oldest first.
        var unsent = await Outbox.UnsentForAsync(TimeSpan.Zero, 0, 10_000, 1, _none);
        Assert.Single(unsent);
    }

    protected async Task<LoadedSaga> LoadAsync(SagaId id) => (await Store.LoadAsync([id], _none))[id];

    protected async Task<SagaRow> StartAsync(SagaRow? row = null)
    {
        row ??= Rows.New();
        Assert.Equal([CommitResult.Committed.Instance], await CommitAsync(Rows.Start(row)));
        return row;
    }

    // A database may store the same JSON value with other spaces and escapes. It may also order members by length, then by name, as all
    // values in these tests are.
    private static SagaRow Comparable(SagaRow row) => row with
    {
        Data = Canonical(row.Data)!.Value,
        Progress = Canonical(row.Progress)!.Value,
        Fault = Canonical(row.Fault),
        Headers = Canonical(row.Headers),
        Waiters = Canonical(row.Waiters),
    };

    private static RawJson? Canonical(RawJson? json) =>
        json is { } value ? RawJson.FromText(JsonNode.Parse(value.ToString())!.ToJsonString()) : null;
}
