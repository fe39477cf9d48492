using System.Text.Json.Nodes;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>Waits of sagas: distant times and events.</summary>
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

        Assert.Empty(await Wakeups.WakeupsAsync([partition], Rows.Now.AddMinutes(59), _none));
        Assert.Equal(
            [new Wakeup(row.Id, partition, Rows.Now.AddHours(1))], await Wakeups.WakeupsAsync([partition], Rows.Now.AddHours(2), _none));
    }

    [Fact]
    public async Task A_continued_wait_keeps_one_timer_with_the_latest_time()
    {
        var partition = NewPartition();
        var row = await StartAsync(Parked(partition, Rows.Now.AddHours(1)));
        var later = Rows.Next(row) with { NextWakeupAt = Rows.Now.AddHours(3) };
        await CommitAsync(Rows.Transition(row, later) with { WasParked = true });

        Assert.Equal(
            [new Wakeup(row.Id, partition, Rows.Now.AddHours(3))], await Wakeups.WakeupsAsync([partition], Rows.Now.AddHours(4), _none));

        await CommitAsync(Rows.Transition(later, Rows.Next(later) with { NextWakeupAt = null }) with { WasParked = true });
        Assert.Empty(await Wakeups.WakeupsAsync([partition], Rows.Now.AddDays(1), _none));
    }

    [Fact]
    public async Task A_timer_is_written_and_deleted_with_its_wait()
    {
        var partition = NewPartition();
        var row = await StartAsync(Rows.New() with { HomePartition = partition, NextWakeupAt = Rows.Now });
        var waiting = Rows.Next(row) with { Parked = true, NextWakeupAt = Rows.Now.AddHours(1) };
        await CommitAsync(Rows.Transition(row, waiting));
        Assert.Equal([Rows.Now.AddHours(1)], await WakeupTimesAsync(partition));

        var running = Rows.Next(waiting) with { Parked = false, NextWakeupAt = Rows.Now.AddSeconds(30) };
        await CommitAsync(Rows.Transition(waiting, running) with { WasParked = true });

        Assert.Equal([Rows.Now.AddSeconds(30)], await WakeupTimesAsync(partition));
    }

    [Fact]
    public async Task An_ended_saga_has_no_timer()
    {
        var partition = NewPartition();
        var row = await StartAsync(Parked(partition, Rows.Now.AddHours(1)));

        await CommitAsync(Rows.Transition(row, Rows.Ended(row)));

        Assert.Empty(await WakeupTimesAsync(partition));
    }

    [Fact]
    public async Task A_stale_transition_changes_no_timer_and_no_event()
    {
        var partition = NewPartition();
        var row = await StartAsync(Parked(partition, Rows.Now.AddHours(1)));
        var buffered = Rows.Early(row);
        var next = Rows.Next(row);
        await CommitAsync(Rows.Transition(row, next) with { BufferedEvents = [buffered], WasParked = true });
        var seen = Rows.Id();

        var late = Rows.Transition(row, Rows.Ended(row)) with
        {
            WasParked = true,
            SeenMessages = [new(seen)],
            BufferedEvents = [Rows.Early(row)],
            ReleasedEvents = [buffered.MessageId],
        };
        Assert.Equal([CommitResult.Stale.Instance], await CommitAsync(late));

        Assert.Equal([Rows.Now.AddHours(1)], await WakeupTimesAsync(partition));
        Assert.Equal([buffered.MessageId], await BufferedAsync(row));
        Assert.Null(Assert.Single(await Store.FindEventTargetsAsync([Rows.Address(row) with { MessageId = seen }], _none)).SeenBy);
    }

    [Fact]
    public async Task A_transition_for_a_processed_message_writes_nothing_and_names_the_message()
    {
        var row = await StartAsync(Parked(NewPartition(), Rows.Now.AddHours(1)));
        var other = await StartAsync();
        var (first, second) = (Rows.Id(), Rows.Id());
        var next = Rows.Next(row);
        Assert.Equal(
            [CommitResult.Committed.Instance],
            await CommitAsync(Rows.Transition(row, next) with { SeenMessages = [new(first)], WasParked = true }));

        var again = Rows.Ended(next);
        var results = await CommitAsync(
            new CommitEntry.Transition(
                again, next.Version, [Rows.Happened(again)], [Rows.Message("again")], [Rows.Payload(again, "result:again")])
            {
                WasParked = true,
                SeenMessages = [new(second), new(first)],
                BufferedEvents = [Rows.Early(row)],
                JoinedRequests = [new(Rows.Id())],
            },
            Rows.Transition(other, Rows.Next(other)));

        Assert.Equal([first], Assert.IsType<CommitResult.DuplicateMessages>(results[0]).MessageIds);
        Assert.Equal(CommitResult.Committed.Instance, results[1]);
        var loaded = await LoadAsync(row.Id);
        Assert.Equal(Comparable(next), Comparable(loaded.Row));
        Assert.Empty(loaded.Unsent);
        Assert.Empty(loaded.BufferedEvents);
        Assert.Equal([Rows.Now.AddHours(1)], await WakeupTimesAsync(row.HomePartition));
        Assert.Empty(await Payloads.LoadPayloadsAsync([Rows.Payload(again, "result:again").Id], _none));
        Assert.Null(Assert.Single(await Store.FindEventTargetsAsync([Rows.Address(row) with { MessageId = second }], _none)).SeenBy);
        Assert.Equal(
            [CommitResult.Committed.Instance], await CommitAsync(Rows.Transition(next, again) with { SeenMessages = [new(second)] }));
    }

    [Fact]
    public async Task Processed_messages_are_recognized_after_the_end_and_for_stale_versions()
    {
        var row = await StartAsync();
        var message = Rows.Id();
        var ended = Rows.Ended(row);
        await CommitAsync(Rows.Transition(row, ended) with { SeenMessages = [new(message)] });

        foreach (var from in new[] { row, ended })
        {
            var result = Assert.Single(await CommitAsync(Rows.Transition(from, Rows.Next(from)) with { SeenMessages = [new(message)] }));
            Assert.Equal([message], Assert.IsType<CommitResult.DuplicateMessages>(result).MessageIds);
        }
    }

    [Fact]
    public async Task Two_sagas_may_process_one_message()
    {
        var (one, two) = (await StartAsync(), await StartAsync());
        var message = Rows.Id();

        Assert.Equal(
            [CommitResult.Committed.Instance, CommitResult.Committed.Instance],
            await CommitAsync(
                Rows.Transition(one, Rows.Next(one)) with { SeenMessages = [new(message)] },
                Rows.Transition(two, Rows.Next(two)) with { SeenMessages = [new(message)] }));
    }

    [Fact]
    public async Task A_request_may_join_again()
    {
        var row = await StartAsync();
        var request = Rows.Id();
        var next = Rows.Next(row);
        await CommitAsync(Rows.Transition(row, next) with { JoinedRequests = [new(request)] });

        Assert.Equal(
            [CommitResult.Committed.Instance],
            await CommitAsync(Rows.Transition(next, Rows.Next(next)) with { JoinedRequests = [new(request)] }));
    }

    [Fact]
    public async Task Buffered_events_are_loaded_in_order_of_arrival_until_they_are_released()
    {
        var row = await StartAsync();
        var other = await StartAsync();
        EarlyEvent[] events = [.. Enumerable.Range(0, 4).Select(_ => Rows.Early(row) with { BusinessKey = "key" })];
        var foreign = Rows.Early(other);
        var second = Rows.Next(row);
        await CommitAsync(
            Rows.Transition(row, second) with { BufferedEvents = [events[3], events[1], events[2]] },
            Rows.Transition(other, Rows.Next(other)) with { BufferedEvents = [foreign] });
        var third = Rows.Next(second);
        await CommitAsync(Rows.Transition(second, third) with { BufferedEvents = [events[0]] });

        var early = (await LoadAsync(row.Id)).BufferedEvents;
        Assert.Equal(
            [events[3].MessageId, events[1].MessageId, events[2].MessageId, events[0].MessageId],
            early.Select(buffered => buffered.MessageId));
        Assert.Equal(events[3] with { SagaId = row.Id, Content = early[0].Content }, early[0]);
        Assert.Equal(12.50m, (decimal)JsonNode.Parse(early[0].Content.ToString())!["amount"]!);

        // Events of other sagas remain.
        var fourth = Rows.Next(third);
        await CommitAsync(Rows.Transition(third, fourth) with
        {
            ReleasedEvents = [events[1].MessageId, events[3].MessageId, foreign.MessageId],
        });

        Assert.Equal([events[2].MessageId, events[0].MessageId], await BufferedAsync(row));
        Assert.Equal([foreign.MessageId], await BufferedAsync(other));
    }

    [Fact]
    public async Task An_ended_saga_buffers_no_event()
    {
        var row = await StartAsync();
        var next = Rows.Next(row);
        await CommitAsync(Rows.Transition(row, next) with { BufferedEvents = [Rows.Early(row)] });

        await CommitAsync(Rows.Transition(next, Rows.Ended(next)) with { BufferedEvents = [Rows.Early(row)] });

        Assert.Empty(await BufferedAsync(row));
    }

    [Fact]
    public async Task A_saga_may_buffer_an_early_event()
    {
        var row = Rows.New();
        var (buffered, taken) = (Rows.Early(row), Rows.Early(row));
        await EarlyEvents.StoreEarlyAsync([buffered, taken], 10, _none);
        await StartAsync(row);

        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with
        {
            SeenMessages = [new(buffered.MessageId), new(taken.MessageId)],
            BufferedEvents = [buffered with { SagaId = row.Id }],
            ReleasedEvents = [taken.MessageId],
        });

        Assert.Equal([buffered.MessageId], await BufferedAsync(row));
        Assert.DoesNotContain(await DueAsync(), due => due.Event.MessageId == buffered.MessageId || due.Event.MessageId == taken.MessageId);
    }

    [Fact]
    public async Task An_event_is_matched_by_id_then_by_key_then_by_correlation_id()
    {
        var row = await StartAsync(Rows.New() with { BusinessKey = Rows.Key() });
        var address = Rows.Address(row);
        var (unknown, otherKey) = (Rows.Id(), Rows.Key());

        Assert.Equal(
            [[row.Id], [row.Id], [row.Id], [], [], [], [], [], []],
            await TargetsAsync(
                address,
                address with { CorrelationId = unknown, BusinessKey = row.BusinessKey },
                address with { CorrelationId = unknown, SagaId = row.Id, BusinessKey = otherKey },
                address with { CorrelationId = unknown },
                address with { BusinessKey = otherKey },
                address with { SagaId = unknown, BusinessKey = row.BusinessKey },
                address with { Contract = "another" },
                address with { Contract = "another", BusinessKey = row.BusinessKey },
                address with { Contract = "another", SagaId = row.Id }));
        Assert.Empty(await Store.FindEventTargetsAsync([], _none));
    }

    [Fact]
    public async Task A_correlation_id_can_match_several_sagas()
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
    public async Task An_ended_saga_is_no_target_but_its_processed_messages_are_recognized()
    {
        var row = await StartAsync(Rows.New() with { BusinessKey = Rows.Key() });
        var seen = Rows.Address(row);
        await CommitAsync(Rows.Transition(row, Rows.Ended(row)) with { SeenMessages = [new(seen.MessageId)] });

        var targets = await Store.FindEventTargetsAsync(
            [seen, seen with { SagaId = row.Id }, seen with { BusinessKey = row.BusinessKey, MessageId = Rows.Id() }], _none);

        Assert.All(targets, target => Assert.Empty(target.Live));
        Assert.Equal([row.Id, row.Id, null], targets.Select(target => target.SeenBy));
    }

    [Fact]
    public async Task Early_events_are_stored_once_and_at_most_up_to_the_limit()
    {
        var row = Rows.New();
        EarlyEvent[] events = [.. Enumerable.Range(0, 5).Select(_ => Rows.Early(row))];
        var otherCorrelation = Rows.Early(Rows.New());
        var otherContract = Rows.Early(row) with { Contract = "another" };

        Assert.Equal([events[0].MessageId], (await EarlyEvents.StoreEarlyAsync([events[0], events[0]], 3, _none)).Keys);
        var stored = await EarlyEvents.StoreEarlyAsync([.. events, otherCorrelation, otherContract], 3, _none);

        MessageId[] expected =
            [events[0].MessageId, events[1].MessageId, events[2].MessageId, otherCorrelation.MessageId, otherContract.MessageId];
        Assert.Equal(expected.ToHashSet(), stored.Keys.ToHashSet());
        Assert.Empty(await EarlyEvents.StoreEarlyAsync([], 3, _none));
    }

    [Fact]
    public async Task The_limit_of_early_events_is_that_of_a_business_key_or_else_of_a_correlation_id()
    {
        var (row, key) = (Rows.New(), Rows.Key());
        EarlyEvent[] ofKey = [.. Enumerable.Range(0, 3).Select(_ => Rows.Early(Rows.New()) with { BusinessKey = key })];
        EarlyEvent[] ofCorrelation =
            [.. Enumerable.Range(0, 5).Select(i => Rows.Early(row) with { BusinessKey = i is 1 or 2 ? Rows.Key() : null })];
        await EarlyEvents.StoreEarlyAsync([ofKey[0], ofCorrelation[0]], 2, _none);

        var stored = await EarlyEvents.StoreEarlyAsync([.. ofKey, .. ofCorrelation], 2, _none);

        MessageId[] expected = [.. ofKey[..2].Concat(ofCorrelation[..4]).Select(early => early.MessageId)];
        Assert.Equal(expected.ToHashSet(), stored.Keys.ToHashSet());
    }

    [Fact]
    public async Task The_limit_of_early_events_applies_to_a_business_key_of_any_length()
    {
        var key = string.Concat(Enumerable.Range(0, 400).Select(_ => Guid.CreateVersion7().ToString("N")));
        EarlyEvent[] ofKey = [.. Enumerable.Range(0, 3).Select(_ => Rows.Early(Rows.New()) with { BusinessKey = key })];
        var similar = Rows.Early(Rows.New()) with { BusinessKey = key + "x" };
        await EarlyEvents.StoreEarlyAsync([ofKey[0]], 2, _none);

        var stored = await EarlyEvents.StoreEarlyAsync([.. ofKey, similar], 2, _none);

        MessageId[] expected = [ofKey[0].MessageId, ofKey[1].MessageId, similar.MessageId];
        Assert.Equal(expected.ToHashSet(), stored.Keys.ToHashSet());
    }

    [Fact]
    public async Task Concurrent_writes_of_early_events_respect_the_limit()
    {
        var row = Rows.New();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => EarlyEvents.StoreEarlyAsync([Rows.Early(row), Rows.Early(row)], 5, _none)));

        await StartAsync(row);
        Assert.Equal(5, (await DueAsync()).Count(due => due.SagaId == row.Id));
    }

    [Fact]
    public async Task An_early_event_becomes_due_when_its_saga_starts()
    {
        var byCorrelation = Rows.New();
        var byKey = Rows.New() with { BusinessKey = Rows.Key() };
        EarlyEvent[] events =
            [Rows.Early(byCorrelation), Rows.Early(Rows.New()) with { BusinessKey = byKey.BusinessKey }, Rows.Early(byCorrelation)];
        var otherKey = Rows.Early(byCorrelation) with { BusinessKey = Rows.Key() };
        await EarlyEvents.StoreEarlyAsync([.. events, otherKey], 10, _none);
        Assert.DoesNotContain(await DueAsync(), due => due.Event.CorrelationId == byCorrelation.CorrelationId);

        await StartAsync(byCorrelation);
        await StartAsync(byKey);

        var mine = (await DueAsync()).Where(due => due.SagaId == byCorrelation.Id || due.SagaId == byKey.Id).ToList();
        Assert.Equal(events.Select(early => early.MessageId), mine.Select(due => due.Event.MessageId));
        Assert.Equal([byCorrelation.Id, byKey.Id, byCorrelation.Id], mine.Select(due => due.SagaId));
        Assert.Equal(events[1] with { Content = mine[1].Event.Content }, mine[1].Event);
        Assert.Single(await EarlyEvents.DueEarlyAsync([], 1, _none));
        var others = await EarlyEvents.DueEarlyAsync([mine[0].Event.MessageId, Rows.Id()], 10_000, _none);
        Assert.Equal(mine[1..], others.Where(due => due.SagaId == byCorrelation.Id || due.SagaId == byKey.Id));

        await EarlyEvents.RemoveEarlyAsync([.. events.Select(early => early.MessageId)], _none);
        Assert.DoesNotContain(await DueAsync(), due => due.SagaId == byCorrelation.Id || due.SagaId == byKey.Id);
    }

    [Fact]
    public async Task An_expired_event_becomes_due_without_a_saga()
    {
        var row = Rows.New();
        var expired = Rows.Early(row) with { ExpiresAt = Rows.Now.AddMinutes(-5) };
        await EarlyEvents.StoreEarlyAsync([expired, Rows.Early(row)], 10, _none);

        var due = Assert.Single(await DueAsync(), due => due.Event.CorrelationId == row.CorrelationId);

        Assert.Equal((expired.MessageId, null), (due.Event.MessageId, due.SagaId));
        await EarlyEvents.RemoveEarlyAsync([expired.MessageId], _none);
        await EarlyEvents.RemoveEarlyAsync([], _none);
        Assert.DoesNotContain(await DueAsync(), remaining => remaining.Event.MessageId == expired.MessageId);
    }

    [Fact]
    public async Task A_buffered_event_never_becomes_due_even_when_expired()
    {
        var row = await StartAsync();
        var buffered = Rows.Early(row) with { ExpiresAt = Rows.Now.AddMinutes(-5) };
        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with { BufferedEvents = [buffered] });

        Assert.DoesNotContain(await DueAsync(), due => due.Event.MessageId == buffered.MessageId);
    }

    [Fact]
    public async Task Deleting_early_events_keeps_buffered_ones()
    {
        var row = Rows.New();
        var early = Rows.Early(row) with { SagaId = null };
        await EarlyEvents.StoreEarlyAsync([early], 10, _none);
        await StartAsync(row);
        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with { BufferedEvents = [early with { SagaId = row.Id }] });

        await EarlyEvents.RemoveEarlyAsync([early.MessageId], _none);

        Assert.Equal([early.MessageId], await BufferedAsync(row));
    }

    [Fact]
    public async Task Known_identities_are_returned_with_their_hashes()
    {
        Guid[] hashes = [.. Enumerable.Range(0, 4).Select(_ => Rows.Id())];
        var (joined, seen) = (Rows.Id(), Rows.Id());
        var row = await StartAsync(Rows.New() with { BusinessKey = Rows.Key(), RequestHash = hashes[0] });
        await CommitAsync(
            Rows.Transition(row, Rows.Next(row)) with { JoinedRequests = [new(joined, hashes[1])], SeenMessages = [new(seen, hashes[2])] });
        var early = Rows.Early(Rows.New()) with { RequestHash = hashes[3] };
        await EarlyEvents.StoreEarlyAsync([early], 10, _none);

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
        var targets = await Store.FindEventTargetsAsync(
            [Rows.Address(row) with { MessageId = seen }, Rows.Address(row) with { MessageId = row.RequestId }, Rows.Address(row)], _none);
        Assert.Equal(
            [(row.Id, hashes[2]), (row.Id, Guid.Empty), (null, (Guid?)null)], targets.Select(target => (target.SeenBy, target.SeenHash)));
        Assert.Equal(hashes[3], (await EarlyEvents.StoreEarlyAsync([early with { RequestHash = Rows.Id() }], 10, _none))[early.MessageId]);
    }

    [Fact]
    public async Task Without_a_live_saga_the_last_ended_one_is_returned()
    {
        var first = Rows.New() with { BusinessKey = Rows.Key() };
        var address = Rows.Address(first) with { BusinessKey = first.BusinessKey, CorrelationId = Rows.Id() };
        Assert.Null(Assert.Single(await Store.FindEventTargetsAsync([address], _none)).Ended);
        await StartAsync(first);
        await CommitAsync(Rows.Transition(first, Rows.Ended(first)));
        var second = await StartAsync(Rows.New() with { BusinessKey = first.BusinessKey });
        Assert.Null(Assert.Single(await Store.FindEventTargetsAsync([address], _none)).Ended);
        await CommitAsync(Rows.Transition(second, Rows.Ended(second) with { EndedAt = Rows.Now.AddMinutes(1) }));

        var ended = await Store.FindEventTargetsAsync(
            [address, Rows.Address(first), address with { SagaId = first.Id }, address with { Contract = "other" }], _none);

        Assert.Equal([second.Id, first.Id, null, null], ended.Select(target => target.Ended));
    }

    [Fact]
    public async Task An_early_event_becomes_due_for_a_saga_that_has_ended_but_not_for_one_that_started_after_its_expiry()
    {
        var (quick, late) = (Rows.New(), Rows.New() with { BusinessKey = Rows.Key() });
        var forQuick = Rows.Early(quick);
        var forLate = Rows.Early(Rows.New()) with { BusinessKey = late.BusinessKey, ExpiresAt = Rows.Now.AddMinutes(-10) };
        await EarlyEvents.StoreEarlyAsync([forQuick, forLate], 10, _none);

        await StartAsync(quick);
        await CommitAsync(Rows.Transition(quick, Rows.Ended(quick)));
        await StartAsync(late);

        var due = (await DueAsync()).Where(due => due.Event.MessageId == forQuick.MessageId || due.Event.MessageId == forLate.MessageId);
        Assert.Equal([(forQuick.MessageId, quick.Id), (forLate.MessageId, null)], due.Select(due => (due.Event.MessageId, due.SagaId)));
    }

    [Fact]
    public async Task Expired_events_do_not_count_against_the_limit()
    {
        var row = Rows.New();
        await EarlyEvents.StoreEarlyAsync([Rows.Early(row) with { ExpiresAt = Rows.Now.AddMinutes(-5) }], 1, _none);
        var next = Rows.Early(row);

        Assert.Equal([next.MessageId], (await EarlyEvents.StoreEarlyAsync([next], 1, _none)).Keys);
    }

    private static int NewPartition() => Interlocked.Increment(ref _partition);

    private static SagaRow Parked(int partition, DateTimeOffset? wakeup) =>
        Rows.New() with { HomePartition = partition, Status = SagaStatus.Waiting, Parked = true, NextWakeupAt = wakeup };

    private async Task<IEnumerable<DateTimeOffset>> WakeupTimesAsync(int partition) =>
        (await Wakeups.WakeupsAsync([partition], Rows.Now.AddDays(365), _none)).Select(wakeup => wakeup.At);

    private async Task<IEnumerable<MessageId>> BufferedAsync(SagaRow row) =>
        (await LoadAsync(row.Id)).BufferedEvents.Select(buffered => buffered.MessageId);

    private async Task<IEnumerable<IReadOnlyList<SagaId>>> TargetsAsync(params EventAddress[] addresses) =>
        (await Store.FindEventTargetsAsync(addresses, _none)).Select(target => target.Live);

    private Task<IReadOnlyList<DueEvent>> DueAsync() => EarlyEvents.DueEarlyAsync([], 10_000, _none);
}
