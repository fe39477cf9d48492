using System.Text.Json.Nodes;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>What sagas wait for: times that are far, and events.</summary>
public abstract partial class SagaStoreCompliance
{
    private static int _partition = 100_000;

    [Fact]
    public async Task A_parked_saga_is_woken_by_its_timer()
    {
        var partition = NewPartition();
        var row = await StartAsync(Parked(partition, Rows.Now.AddHours(1)));
        await StartAsync(Parked(partition, wakeup: null));
        await StartAsync(Parked(NewPartition(), Rows.Now.AddHours(1)));

        Assert.Empty(await Store.WakeupsAsync([partition], Rows.Now.AddMinutes(59), _none));
        Assert.Equal(
            [new Wakeup(row.Id, partition, Rows.Now.AddHours(1))], await Store.WakeupsAsync([partition], Rows.Now.AddHours(2), _none));
    }

    [Fact]
    public async Task A_wait_that_goes_on_has_one_timer_with_the_latest_time()
    {
        var partition = NewPartition();
        var row = await StartAsync(Parked(partition, Rows.Now.AddHours(1)));
        var later = Rows.Next(row) with { NextWakeupAt = Rows.Now.AddHours(3) };
        await CommitAsync(Rows.Move(row, later) with { WasParked = true });

        Assert.Equal(
            [new Wakeup(row.Id, partition, Rows.Now.AddHours(3))], await Store.WakeupsAsync([partition], Rows.Now.AddHours(4), _none));

        await CommitAsync(Rows.Move(later, Rows.Next(later) with { NextWakeupAt = null }) with { WasParked = true });
        Assert.Empty(await Store.WakeupsAsync([partition], Rows.Now.AddDays(1), _none));
    }

    [Fact]
    public async Task A_timer_comes_and_goes_with_its_wait()
    {
        var partition = NewPartition();
        var row = await StartAsync(Rows.New() with { HomePartition = partition, NextWakeupAt = Rows.Now });
        var waiting = Rows.Next(row) with { Parked = true, NextWakeupAt = Rows.Now.AddHours(1) };
        await CommitAsync(Rows.Move(row, waiting));
        Assert.Equal([Rows.Now.AddHours(1)], await WakeupTimesAsync(partition));

        var running = Rows.Next(waiting) with { Parked = false, NextWakeupAt = Rows.Now.AddSeconds(30) };
        await CommitAsync(Rows.Move(waiting, running) with { WasParked = true });

        Assert.Equal([Rows.Now.AddSeconds(30)], await WakeupTimesAsync(partition));
    }

    [Fact]
    public async Task A_saga_that_ends_leaves_no_timer()
    {
        var partition = NewPartition();
        var row = await StartAsync(Parked(partition, Rows.Now.AddHours(1)));

        await CommitAsync(Rows.Move(row, Rows.Ended(row)));

        Assert.Empty(await WakeupTimesAsync(partition));
    }

    [Fact]
    public async Task A_stale_move_leaves_timer_and_events_alone()
    {
        var partition = NewPartition();
        var row = await StartAsync(Parked(partition, Rows.Now.AddHours(1)));
        var kept = Rows.Early(row);
        var next = Rows.Next(row);
        await CommitAsync(Rows.Move(row, next) with { BufferedEvents = [kept], WasParked = true });
        var seen = Rows.Id();

        var late = Rows.Move(row, Rows.Ended(row)) with
        {
            WasParked = true,
            SeenMessages = [new(seen)],
            BufferedEvents = [Rows.Early(row)],
            ReleasedEvents = [kept.MessageId],
        };
        Assert.Equal([CommitResult.Stale.Instance], await CommitAsync(late));

        Assert.Equal([Rows.Now.AddHours(1)], await WakeupTimesAsync(partition));
        Assert.Equal([kept.MessageId], await KeptAsync(row));
        Assert.Null(Assert.Single(await Store.FindTargetsAsync([Rows.Address(row) with { MessageId = seen }], _none)).SeenBy);
    }

    [Fact]
    public async Task A_message_that_the_saga_has_seen_writes_nothing_of_it_and_is_named()
    {
        var row = await StartAsync(Parked(NewPartition(), Rows.Now.AddHours(1)));
        var other = await StartAsync();
        var (first, second) = (Rows.Id(), Rows.Id());
        var next = Rows.Next(row);
        Assert.Equal(
            [CommitResult.Committed.Instance],
            await CommitAsync(Rows.Move(row, next) with { SeenMessages = [new(first)], WasParked = true }));

        var again = Rows.Ended(next);
        var results = await CommitAsync(
            new CommitEntry.Move(
                again, next.Version, [Rows.Happened(again)], [Rows.Message("again")], [Rows.Payload(again, "result:again")])
            {
                WasParked = true,
                SeenMessages = [new(second), new(first)],
                BufferedEvents = [Rows.Early(row)],
                JoinedRequests = [new(Rows.Id())],
            },
            Rows.Move(other, Rows.Next(other)));

        Assert.Equal([first], Assert.IsType<CommitResult.DuplicateMessages>(results[0]).MessageIds);
        Assert.Equal(CommitResult.Committed.Instance, results[1]);
        var loaded = await LoadAsync(row.Id);
        Assert.Equal(Comparable(next), Comparable(loaded.Row));
        Assert.Empty(loaded.Unsent);
        Assert.Empty(loaded.Early);
        Assert.Equal([Rows.Now.AddHours(1)], await WakeupTimesAsync(row.HomePartition));
        Assert.Empty(await Store.LoadPayloadsAsync([Rows.Payload(again, "result:again").Id], _none));
        Assert.Null(Assert.Single(await Store.FindTargetsAsync([Rows.Address(row) with { MessageId = second }], _none)).SeenBy);
        Assert.Equal([CommitResult.Committed.Instance], await CommitAsync(Rows.Move(next, again) with { SeenMessages = [new(second)] }));
    }

    [Fact]
    public async Task What_a_saga_has_seen_stays_known_after_its_end_and_on_an_old_version()
    {
        var row = await StartAsync();
        var message = Rows.Id();
        var ended = Rows.Ended(row);
        await CommitAsync(Rows.Move(row, ended) with { SeenMessages = [new(message)] });

        foreach (var from in new[] { row, ended })
        {
            var result = Assert.Single(await CommitAsync(Rows.Move(from, Rows.Next(from)) with { SeenMessages = [new(message)] }));
            Assert.Equal([message], Assert.IsType<CommitResult.DuplicateMessages>(result).MessageIds);
        }
    }

    [Fact]
    public async Task Two_sagas_may_see_one_message()
    {
        var (one, two) = (await StartAsync(), await StartAsync());
        var message = Rows.Id();

        Assert.Equal(
            [CommitResult.Committed.Instance, CommitResult.Committed.Instance],
            await CommitAsync(
                Rows.Move(one, Rows.Next(one)) with { SeenMessages = [new(message)] },
                Rows.Move(two, Rows.Next(two)) with { SeenMessages = [new(message)] }));
    }

    [Fact]
    public async Task A_request_that_joined_already_may_join_again()
    {
        var row = await StartAsync();
        var request = Rows.Id();
        var next = Rows.Next(row);
        await CommitAsync(Rows.Move(row, next) with { JoinedRequests = [new(request)] });

        Assert.Equal(
            [CommitResult.Committed.Instance],
            await CommitAsync(Rows.Move(next, Rows.Next(next)) with { JoinedRequests = [new(request)] }));
    }

    [Fact]
    public async Task Events_that_a_saga_keeps_are_loaded_with_it_in_order_of_arrival_until_they_are_released()
    {
        var row = await StartAsync();
        var other = await StartAsync();
        EarlyEvent[] events = [.. Enumerable.Range(0, 4).Select(_ => Rows.Early(row) with { BusinessKey = "key" })];
        var foreign = Rows.Early(other);
        var second = Rows.Next(row);
        await CommitAsync(
            Rows.Move(row, second) with { BufferedEvents = [events[3], events[1], events[2]] },
            Rows.Move(other, Rows.Next(other)) with { BufferedEvents = [foreign] });
        var third = Rows.Next(second);
        await CommitAsync(Rows.Move(second, third) with { BufferedEvents = [events[0]] });

        var early = (await LoadAsync(row.Id)).Early;
        Assert.Equal(
            [events[3].MessageId, events[1].MessageId, events[2].MessageId, events[0].MessageId], early.Select(kept => kept.MessageId));
        Assert.Equal(events[3] with { SagaId = row.Id, Content = early[0].Content }, early[0]);
        Assert.Equal(12.50m, (decimal)JsonNode.Parse(early[0].Content.ToString())!["amount"]!);

        // What is another saga's stays.
        var fourth = Rows.Next(third);
        await CommitAsync(Rows.Move(third, fourth) with { ReleasedEvents = [events[1].MessageId, events[3].MessageId, foreign.MessageId] });

        Assert.Equal([events[2].MessageId, events[0].MessageId], await KeptAsync(row));
        Assert.Equal([foreign.MessageId], await KeptAsync(other));
    }

    [Fact]
    public async Task A_saga_that_ends_keeps_no_event()
    {
        var row = await StartAsync();
        var next = Rows.Next(row);
        await CommitAsync(Rows.Move(row, next) with { BufferedEvents = [Rows.Early(row)] });

        await CommitAsync(Rows.Move(next, Rows.Ended(next)) with { BufferedEvents = [Rows.Early(row)] });

        Assert.Empty(await KeptAsync(row));
    }

    [Fact]
    public async Task A_saga_may_take_over_what_came_before_it()
    {
        var row = Rows.New();
        var (kept, taken) = (Rows.Early(row), Rows.Early(row));
        await Store.StoreEarlyAsync([kept, taken], 10, _none);
        await StartAsync(row);

        await CommitAsync(Rows.Move(row, Rows.Next(row)) with
        {
            SeenMessages = [new(kept.MessageId), new(taken.MessageId)],
            BufferedEvents = [kept with { SagaId = row.Id }],
            ReleasedEvents = [taken.MessageId],
        });

        Assert.Equal([kept.MessageId], await KeptAsync(row));
        Assert.DoesNotContain(await DueAsync(), due => due.Event.MessageId == kept.MessageId || due.Event.MessageId == taken.MessageId);
    }

    [Fact]
    public async Task An_event_finds_its_saga_by_id_else_by_key_else_by_correlation_id()
    {
        var row = await StartAsync(Rows.New() with { BusinessKey = Rows.Key() });
        var address = Rows.Address(row);
        var (nobody, otherKey) = (Rows.Id(), Rows.Key());

        Assert.Equal(
            [[row.Id], [row.Id], [row.Id], [], [], [], [], [], []],
            await TargetsAsync(
                address,
                address with { CorrelationId = nobody, BusinessKey = row.BusinessKey },
                address with { CorrelationId = nobody, SagaId = row.Id, BusinessKey = otherKey },
                address with { CorrelationId = nobody },
                address with { BusinessKey = otherKey },
                address with { SagaId = nobody, BusinessKey = row.BusinessKey },
                address with { Contract = "another" },
                address with { Contract = "another", BusinessKey = row.BusinessKey },
                address with { Contract = "another", SagaId = row.Id }));
        Assert.Empty(await Store.FindTargetsAsync([], _none));
    }

    [Fact]
    public async Task Of_several_sagas_of_one_correlation_id_an_event_finds_two()
    {
        var first = await StartAsync();
        SagaRow[] rows = [
            first,
            .. await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => StartAsync(Rows.New() with { CorrelationId = first.CorrelationId }))),
        ];

        var found = Assert.Single(await TargetsAsync(Rows.Address(first)));

        Assert.Equal(2, found.Distinct().Count());
        Assert.All(found, id => Assert.Contains(id, rows.Select(row => row.Id)));
    }

    [Fact]
    public async Task An_ended_saga_is_no_target_but_tells_what_it_has_seen()
    {
        var row = await StartAsync(Rows.New() with { BusinessKey = Rows.Key() });
        var seen = Rows.Address(row);
        await CommitAsync(Rows.Move(row, Rows.Ended(row)) with { SeenMessages = [new(seen.MessageId)] });

        var targets = await Store.FindTargetsAsync(
            [seen, seen with { SagaId = row.Id }, seen with { BusinessKey = row.BusinessKey, MessageId = Rows.Id() }], _none);

        Assert.All(targets, target => Assert.Empty(target.Live));
        Assert.Equal([row.Id, row.Id, null], targets.Select(target => target.SeenBy));
    }

    [Fact]
    public async Task Events_that_come_before_their_saga_are_kept_once_and_up_to_a_limit()
    {
        var row = Rows.New();
        EarlyEvent[] events = [.. Enumerable.Range(0, 5).Select(_ => Rows.Early(row))];
        var otherFlow = Rows.Early(Rows.New());
        var otherContract = Rows.Early(row) with { Contract = "another" };

        Assert.Equal([events[0].MessageId], (await Store.StoreEarlyAsync([events[0], events[0]], 3, _none)).Keys);
        var kept = await Store.StoreEarlyAsync([.. events, otherFlow, otherContract], 3, _none);

        MessageId[] expected = [
            events[0].MessageId,
            events[1].MessageId,
            events[2].MessageId,
            otherFlow.MessageId,
            otherContract.MessageId,
        ];
        Assert.Equal(expected.ToHashSet(), kept.Keys.ToHashSet());
        Assert.Empty(await Store.StoreEarlyAsync([], 3, _none));
    }

    [Fact]
    public async Task Orchestrators_that_buffer_events_at_once_keep_the_limit()
    {
        var row = Rows.New();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Store.StoreEarlyAsync([Rows.Early(row), Rows.Early(row)], 5, _none)));

        await StartAsync(row);
        Assert.Equal(5, (await DueAsync()).Count(due => due.SagaId == row.Id));
    }

    [Fact]
    public async Task An_event_that_came_early_is_due_when_its_saga_starts()
    {
        var byFlow = Rows.New();
        var byKey = Rows.New() with { BusinessKey = Rows.Key() };
        EarlyEvent[] events = [Rows.Early(byFlow), Rows.Early(Rows.New()) with { BusinessKey = byKey.BusinessKey }, Rows.Early(byFlow)];
        var otherKey = Rows.Early(byFlow) with { BusinessKey = Rows.Key() };
        await Store.StoreEarlyAsync([.. events, otherKey], 10, _none);
        Assert.DoesNotContain(await DueAsync(), due => due.Event.CorrelationId == byFlow.CorrelationId);

        await StartAsync(byFlow);
        await StartAsync(byKey);

        var mine = (await DueAsync()).Where(due => due.SagaId == byFlow.Id || due.SagaId == byKey.Id).ToList();
        Assert.Equal(events.Select(early => early.MessageId), mine.Select(due => due.Event.MessageId));
        Assert.Equal([byFlow.Id, byKey.Id, byFlow.Id], mine.Select(due => due.SagaId));
        Assert.Equal(events[1] with { Content = mine[1].Event.Content }, mine[1].Event);
        Assert.Single(await Store.DueEarlyAsync(1, _none));

        await Store.RemoveEarlyAsync([.. events.Select(early => early.MessageId)], _none);
        Assert.DoesNotContain(await DueAsync(), due => due.SagaId == byFlow.Id || due.SagaId == byKey.Id);
    }

    [Fact]
    public async Task An_event_whose_time_is_over_is_due_without_a_saga()
    {
        var row = Rows.New();
        var over = Rows.Early(row) with { ExpiresAt = Rows.Now.AddMinutes(-5) };
        await Store.StoreEarlyAsync([over, Rows.Early(row)], 10, _none);

        var due = Assert.Single(await DueAsync(), due => due.Event.CorrelationId == row.CorrelationId);

        Assert.Equal((over.MessageId, null), (due.Event.MessageId, due.SagaId));
        await Store.RemoveEarlyAsync([over.MessageId], _none);
        await Store.RemoveEarlyAsync([], _none);
        Assert.DoesNotContain(await DueAsync(), again => again.Event.MessageId == over.MessageId);
    }

    [Fact]
    public async Task What_a_saga_keeps_is_its_own_affair_also_when_its_time_is_over()
    {
        var row = await StartAsync();
        var kept = Rows.Early(row) with { ExpiresAt = Rows.Now.AddMinutes(-5) };
        await CommitAsync(Rows.Move(row, Rows.Next(row)) with { BufferedEvents = [kept] });

        Assert.DoesNotContain(await DueAsync(), due => due.Event.MessageId == kept.MessageId);
    }

    [Fact]
    public async Task What_a_saga_keeps_is_not_forgotten_by_one_who_gave_it_the_event_too()
    {
        var row = Rows.New();
        var early = Rows.Early(row) with { SagaId = null };
        await Store.StoreEarlyAsync([early], 10, _none);
        await StartAsync(row);
        await CommitAsync(Rows.Move(row, Rows.Next(row)) with { BufferedEvents = [early with { SagaId = row.Id }] });

        await Store.RemoveEarlyAsync([early.MessageId], _none);

        Assert.Equal([early.MessageId], await KeptAsync(row));
    }

    [Fact]
    public async Task A_request_with_an_identity_carries_the_hash_of_its_content()
    {
        Guid[] hashes = [.. Enumerable.Range(0, 4).Select(_ => Rows.Id())];
        var (joined, seen) = (Rows.Id(), Rows.Id());
        var row = await StartAsync(Rows.New() with { BusinessKey = Rows.Key(), RequestHash = hashes[0] });
        await CommitAsync(
            Rows.Move(row, Rows.Next(row)) with { JoinedRequests = [new(joined, hashes[1])], SeenMessages = [new(seen, hashes[2])] });
        var early = Rows.Early(Rows.New()) with { RequestHash = hashes[3] };
        await Store.StoreEarlyAsync([early], 10, _none);

        Assert.Equal(hashes[0], (await LoadAsync(row.Id)).Row.RequestHash);
        Assert.Equal(
            [
                new CommitResult.DuplicateRequest(row.Id, row.Source) { Hash = hashes[0] },
                new CommitResult.DuplicateRequest(row.Id, "") { Hash = hashes[1] },
                new CommitResult.KeyTaken(row.Id) { Hash = hashes[0] },
            ],
            await CommitAsync(
                Rows.Start(Rows.New() with { RequestId = row.RequestId }),
                Rows.Start(Rows.New() with { RequestId = joined }),
                Rows.Start(Rows.New() with { BusinessKey = row.BusinessKey })));
        Assert.Equal(
            new CommitResult.DuplicateRequest(row.Id, row.Source) { Hash = hashes[0] }, await Store.FindRequestAsync(row.RequestId, _none));
        Assert.Equal(new CommitResult.DuplicateRequest(row.Id, "") { Hash = hashes[1] }, await Store.FindRequestAsync(joined, _none));
        Assert.Null(await Store.FindRequestAsync(Rows.Id(), _none));
        var targets = await Store.FindTargetsAsync(
            [Rows.Address(row) with { MessageId = seen }, Rows.Address(row) with { MessageId = row.RequestId }, Rows.Address(row)], _none);
        Assert.Equal(
            [(row.Id, hashes[2]), (row.Id, Guid.Empty), (null, (Guid?)null)], targets.Select(target => (target.SeenBy, target.SeenHash)));
        Assert.Equal(hashes[3], (await Store.StoreEarlyAsync([early with { RequestHash = Rows.Id() }], 10, _none))[early.MessageId]);
    }

    [Fact]
    public async Task Where_no_saga_lives_the_one_that_ended_last_is_reported()
    {
        var first = Rows.New() with { BusinessKey = Rows.Key() };
        var address = Rows.Address(first) with { BusinessKey = first.BusinessKey, CorrelationId = Rows.Id() };
        Assert.Null(Assert.Single(await Store.FindTargetsAsync([address], _none)).Ended);
        await StartAsync(first);
        await CommitAsync(Rows.Move(first, Rows.Ended(first)));
        var second = await StartAsync(Rows.New() with { BusinessKey = first.BusinessKey });
        Assert.Null(Assert.Single(await Store.FindTargetsAsync([address], _none)).Ended);
        await CommitAsync(Rows.Move(second, Rows.Ended(second) with { EndedAt = Rows.Now.AddMinutes(1) }));

        var ended = await Store.FindTargetsAsync(
            [address, Rows.Address(first), address with { SagaId = first.Id }, address with { Contract = "other" }], _none);

        Assert.Equal([second.Id, first.Id, null, null], ended.Select(target => target.Ended));
    }

    [Fact]
    public async Task An_event_that_came_early_is_due_with_its_saga_also_when_that_has_ended_but_not_with_one_that_began_too_late()
    {
        var (quick, late) = (Rows.New(), Rows.New() with { BusinessKey = Rows.Key() });
        var forQuick = Rows.Early(quick);
        var forLate = Rows.Early(Rows.New()) with { BusinessKey = late.BusinessKey, ExpiresAt = Rows.Now.AddMinutes(-10) };
        await Store.StoreEarlyAsync([forQuick, forLate], 10, _none);

        await StartAsync(quick);
        await CommitAsync(Rows.Move(quick, Rows.Ended(quick)));
        await StartAsync(late);

        var due = (await DueAsync()).Where(due => due.Event.MessageId == forQuick.MessageId || due.Event.MessageId == forLate.MessageId);
        Assert.Equal([(forQuick.MessageId, quick.Id), (forLate.MessageId, null)], due.Select(due => (due.Event.MessageId, due.SagaId)));
    }

    [Fact]
    public async Task Events_whose_time_is_over_leave_room_for_others()
    {
        var row = Rows.New();
        await Store.StoreEarlyAsync([Rows.Early(row) with { ExpiresAt = Rows.Now.AddMinutes(-5) }], 1, _none);
        var next = Rows.Early(row);

        Assert.Equal([next.MessageId], (await Store.StoreEarlyAsync([next], 1, _none)).Keys);
    }

    private static int NewPartition() => Interlocked.Increment(ref _partition);

    private static SagaRow Parked(int partition, DateTimeOffset? wakeup) =>
        Rows.New() with { HomePartition = partition, Status = SagaStatus.Waiting, Parked = true, NextWakeupAt = wakeup };

    private async Task<IEnumerable<DateTimeOffset>> WakeupTimesAsync(int partition) =>
        (await Store.WakeupsAsync([partition], Rows.Now.AddDays(365), _none)).Select(wakeup => wakeup.At);

    private async Task<IEnumerable<MessageId>> KeptAsync(SagaRow row) => (await LoadAsync(row.Id)).Early.Select(kept => kept.MessageId);

    private async Task<IEnumerable<IReadOnlyList<SagaId>>> TargetsAsync(params EventAddress[] addresses) =>
        (await Store.FindTargetsAsync(addresses, _none)).Select(target => target.Live);

    private Task<IReadOnlyList<DueEvent>> DueAsync() => Store.DueEarlyAsync(10_000, _none);
}
