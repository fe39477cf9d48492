using System.Text;
using System.Text.Json.Nodes;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Outbox;
using Onex.Persistence.Registry;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of contract registries and indexes of dead letters, with a subclass per implementation.</summary>
public abstract class RegistryAndDeadLettersCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    protected abstract IContractRegistry Registry { get; }

    protected abstract IDeadLetterIndex DeadLetters { get; }

    protected abstract ISagaStore Store { get; }

    protected virtual IEarlyEvents EarlyEvents => (IEarlyEvents)Store;

    protected virtual IOutbox Outbox => (IOutbox)Store;

    [Fact]
    public async Task A_registered_contract_is_found_by_its_hash()
    {
        var contract = Contract("1");

        Assert.Empty(await Registry.RegisterAsync([contract, Contract("1"), Contract("2")], mutable: false, _none));
        Assert.Empty(await Registry.RegisterAsync([contract], mutable: false, _none));

        var found = await Registry.FindAsync(contract.Hash, _none);
        Assert.Equal((contract.Name, contract.Version), (found?.Name, found?.Version));
        Assert.Equal("contract: x", (string?)JsonNode.Parse(found!.Source.ToString())!["file"]);
        Assert.Null(await Registry.FindAsync("unknown", _none));
    }

    [Fact]
    public async Task Different_content_of_a_registered_version_is_returned_and_not_stored()
    {
        var first = Contract("1");
        var changed = first with { Hash = Rows.Key() };
        await Registry.RegisterAsync([first], mutable: false, _none);

        var conflict = Assert.Single(await Registry.RegisterAsync([changed, Contract("1")], mutable: false, _none));

        Assert.Equal((first.Name, "1", first.Hash), (conflict.Name, conflict.Version, conflict.Hash));
        Assert.Null(await Registry.FindAsync(changed.Hash, _none));
    }

    [Fact]
    public async Task Different_content_of_a_registered_version_is_stored_if_contracts_are_mutable()
    {
        var first = Contract("1");
        var changed = first with { Hash = Rows.Key() };
        await Registry.RegisterAsync([first], mutable: false, _none);

        Assert.Empty(await Registry.RegisterAsync([changed], mutable: true, _none));

        Assert.NotNull(await Registry.FindAsync(first.Hash, _none));
        Assert.NotNull(await Registry.FindAsync(changed.Hash, _none));
        Assert.Empty(await Registry.RegisterAsync([first], mutable: false, _none));
    }

    [Fact]
    public async Task Content_stored_while_contracts_were_mutable_is_rejected_when_they_are_not()
    {
        var first = Contract("1");
        var changed = first with { Hash = Rows.Key() };
        await Registry.RegisterAsync([first], mutable: false, _none);
        await Registry.RegisterAsync([changed], mutable: true, _none);

        Assert.Equal(first.Hash, Assert.Single(await Registry.RegisterAsync([changed], mutable: false, _none)).Hash);
    }

    [Fact]
    public async Task Live_sagas_are_counted_by_contract()
    {
        var running = Rows.New() with { Contract = Rows.Key(), ContractHash = Rows.Key() };
        var ended = Rows.New() with { Contract = running.Contract, ContractHash = running.ContractHash };
        var other = Rows.New() with { Contract = running.Contract, ContractVersion = "2", ContractHash = Rows.Key() };
        await Store.CommitAsync(
            new CommitBatch(
                [
                    Rows.Start(running),
                    Rows.Start(Rows.New() with { Contract = running.Contract, ContractHash = running.ContractHash }),
                    Rows.Start(ended),
                    Rows.Start(other)],
                []),
            _none);
        await Store.CommitAsync(new CommitBatch([Rows.Transition(ended, Rows.Ended(ended))], []), _none);

        async Task<IEnumerable<ContractInUse>> UsedAsync(params string[] except) =>
            (await Registry.InUseAsync(except, _none)).Where(contract => contract.Name == running.Contract);

        Assert.Equal(
            [
                new ContractInUse(running.ContractHash, running.Contract, "1", 2),
                new ContractInUse(other.ContractHash, running.Contract, "2", 1)],
            await UsedAsync());
        Assert.Equal([new ContractInUse(other.ContractHash, running.Contract, "2", 1)], await UsedAsync(running.ContractHash));
    }

    [Fact]
    public async Task Of_concurrent_registrations_of_one_version_with_different_content_one_is_stored()
    {
        var first = Contract("1");

        var conflicts = await Task.WhenAll(
            Enumerable.Range(0, 8).Select(i => Registry.RegisterAsync([first with { Hash = $"{first.Hash}-{i}" }], mutable: false, _none)));

        Assert.Equal(1, conflicts.Count(found => found.Count == 0));
        Assert.Equal(["1"], await QueryAsync($"SELECT count(*) FROM {Schema}contracts WHERE name = '{first.Name}'"));
    }

    [Fact]
    public async Task A_dead_letter_is_added_once()
    {
        var deadLetter = new DeadLetterRow(Rows.Id(), "requests", 3, 41, "ONEX3001", "not JSON: \0", null, [0, 1, 2], Rows.Now);

        await DeadLetters.AddAsync(deadLetter, _none);
        await DeadLetters.AddAsync(deadLetter with { CorrelationId = Rows.Id() }, _none);

        Assert.Equal(
            ["requests|3|41|ONEX3001||3"],
            await QueryAsync(
                $"SELECT topic, partition, record_offset, code, correlation_id, length(value) FROM {Schema}dead_letters WHERE id = "
                    + $"'{deadLetter.Id}'"));
    }

    [Fact]
    public async Task A_dead_letter_is_loaded_with_everything_a_redrive_needs()
    {
        var deadLetter = NewDeadLetter() with
        {
            Headers = MessageHeaders.Empty.With("traceparent", "00-1"),
            RetryCount = 2,
            CorrelationId = Rows.Id(),
        };
        await DeadLetters.AddAsync(deadLetter, _none);

        var found = await DeadLetters.FindAsync(deadLetter.Id, _none);

        Assert.Equal(
            (deadLetter.Topic, 3, 41L, deadLetter.Key, "MalformedMessage"),
            (found!.Topic, found.Partition, found.Offset, found.Key, found.ErrorType));
        Assert.Equal(
            (2, deadLetter.CorrelationId, deadLetter.At, DeadLetterStatus.Open, 0),
            (found.RetryCount, found.CorrelationId, found.At, found.Status, found.Redrives));
        Assert.Equal(deadLetter.Value, found.Value);
        Assert.Equal(deadLetter.Headers, found.Headers);
        Assert.Null(found.DecisionId);
        Assert.Null(await DeadLetters.FindAsync(Rows.Id(), _none));
    }

    [Fact]
    public async Task Dead_letters_are_listed_newest_first_page_by_page()
    {
        var topic = Rows.Key();
        var deadLetters = Enumerable.Range(0, 5)
            .Select(i => NewDeadLetter() with { Topic = topic, At = Rows.Now.AddSeconds(i / 2) })
            .ToList();
        foreach (var deadLetter in deadLetters)
        {
            await DeadLetters.AddAsync(deadLetter, _none);
        }

        var pages = new List<DeadLetterPage>();
        do
        {
            pages.Add(
                await DeadLetters.ListAsync(new DeadLetterFilter { Topic = topic, Limit = 2, After = pages.LastOrDefault()?.Next }, _none));
        }
        while (pages[^1].Next is not null);

        Assert.Equal([2, 2, 1], pages.Select(page => page.DeadLetters.Count));
        var listed = pages.SelectMany(page => page.DeadLetters).ToList();
        Assert.Equal(deadLetters.Select(deadLetter => deadLetter.Id).Order(), listed.Select(deadLetter => deadLetter.Id).Order());
        Assert.Equal(listed.Select(deadLetter => deadLetter.At).OrderDescending(), listed.Select(deadLetter => deadLetter.At));
        Assert.All(listed, deadLetter => Assert.Null(deadLetter.Value));
        await Assert.ThrowsAsync<FormatException>(() => DeadLetters.ListAsync(new DeadLetterFilter { After = "nonsense" }, _none));
    }

    [Fact]
    public async Task Dead_letters_are_found_by_topic_code_status_id_correlation_id_and_key()
    {
        var deadLetter = NewDeadLetter() with { Topic = Rows.Key(), Code = Rows.Key(), CorrelationId = Rows.Id(), Key = $"{Rows.Key()}_%" };
        await DeadLetters.AddAsync(deadLetter, _none);
        await DeadLetters.AddAsync(NewDeadLetter(), _none);
        var discarded = NewDeadLetter() with { Topic = deadLetter.Topic };
        await DeadLetters.AddAsync(discarded, _none);
        await DeadLetters.DecideAsync(Discard(discarded), _none);

        foreach (var filter in (DeadLetterFilter[])
            [
                new() { Topic = deadLetter.Topic, Statuses = [DeadLetterStatus.Open] }, new() { Code = deadLetter.Code },
                new() { Text = deadLetter.Id.ToString() },
                new() { Text = deadLetter.CorrelationId.ToString() }, new() { Text = deadLetter.Key[..^2] },
                new() { Text = deadLetter.Key },
            ])
        {
            Assert.Equal(deadLetter.Id, Assert.Single((await DeadLetters.ListAsync(filter, _none)).DeadLetters).Id);
        }

        Assert.Equal(
            discarded.Id,
            Assert.Single(
                (await DeadLetters.ListAsync(
                    new() { Topic = deadLetter.Topic, Statuses = [DeadLetterStatus.Discarded] }, _none)).DeadLetters).Id);
        Assert.Equal(
            2,
            (await DeadLetters.ListAsync(
                new() { Topic = deadLetter.Topic, Statuses = [DeadLetterStatus.Discarded, DeadLetterStatus.Open] },
                _none)).DeadLetters.Count);
        Assert.Empty((await DeadLetters.ListAsync(new() { Text = $"{deadLetter.Key}%" }, _none)).DeadLetters);
        Assert.Empty((await DeadLetters.ListAsync(new() { Topic = "no\0ne" }, _none)).DeadLetters);
    }

    [Fact]
    public async Task A_redrive_and_its_message_are_committed_together_and_once()
    {
        var deadLetter = NewDeadLetter();
        await DeadLetters.AddAsync(deadLetter, _none);
        var first = Redrive(deadLetter);

        var decided = await DeadLetters.DecideAsync(first, _none);
        var repeated = await DeadLetters.DecideAsync(first, _none);
        var second = await DeadLetters.DecideAsync(Redrive(deadLetter), _none);

        Assert.All([decided, repeated, second], row => Assert.Equal(
            (first.Id, DeadLetterStatus.Redriven, 1, "ops", "fixed"), (
                row!.DecisionId, row.Status, row.Redrives, row.DecidedBy, row.DecisionReason)));
        Assert.NotNull(decided!.DecidedAt);
        Assert.Equal(
            [$"{first.Id}|requests|3|k|5"],
            await QueryAsync(
                $"SELECT message_id, topic, partition, key, length(value) FROM {Schema}outbox WHERE saga_id = '{deadLetter.Id}'"));
    }

    [Fact]
    public async Task Of_concurrent_redrives_of_a_dead_letter_one_is_sent()
    {
        var deadLetter = NewDeadLetter();
        await DeadLetters.AddAsync(deadLetter, _none);
        var decisions = Enumerable.Range(0, 8).Select(_ => Redrive(deadLetter)).ToList();

        var rows = await Task.WhenAll(decisions.Select(decision => DeadLetters.DecideAsync(decision, _none)));

        Assert.Equal(1, rows.Zip(decisions).Count(pair => pair.First!.DecisionId == pair.Second.Id));
        Assert.Equal(["1"], await QueryAsync($"SELECT count(*) FROM {Schema}outbox WHERE saga_id = '{deadLetter.Id}'"));
    }

    [Fact]
    public async Task A_forced_redrive_is_sent_again()
    {
        var deadLetter = NewDeadLetter();
        await DeadLetters.AddAsync(deadLetter, _none);
        await DeadLetters.DecideAsync(Redrive(deadLetter), _none);
        var forced = Redrive(deadLetter) with { Force = true };

        var row = await DeadLetters.DecideAsync(forced, _none);

        Assert.Equal((forced.Id, 2), (row!.DecisionId, row.Redrives));
        Assert.Equal(["2"], await QueryAsync($"SELECT count(*) FROM {Schema}outbox WHERE saga_id = '{deadLetter.Id}'"));
    }

    [Fact]
    public async Task A_dead_letter_of_a_redriven_record_reopens_the_original()
    {
        var deadLetter = NewDeadLetter();
        await DeadLetters.AddAsync(deadLetter, _none);
        var decision = Redrive(deadLetter);
        await DeadLetters.DecideAsync(decision, _none);
        var secondFailure = deadLetter with
        {
            Code = "ONEX3999",
            Reason = "still not JSON",
            Value = "other"u8.ToArray(),
            Headers = MessageHeaders.Empty.With("onex-origin", "another"),
            Reopens = true,
        };

        await DeadLetters.AddAsync(deadLetter, _none);
        Assert.Equal(DeadLetterStatus.Redriven, (await DeadLetters.FindAsync(deadLetter.Id, _none))!.Status);
        await DeadLetters.AddAsync(secondFailure, _none);
        await DeadLetters.AddAsync(secondFailure, _none);

        var open = (await DeadLetters.FindAsync(deadLetter.Id, _none))!;
        Assert.Equal(
            (DeadLetterStatus.Open, "ONEX3999", "still not JSON", 1, decision.Id), (
                open.Status, open.Code, open.Reason, open.Redrives, open.DecisionId));

        // What a redrive sends is that of the last failure: a declined event gets a new identity.
        Assert.Equal((secondFailure.Headers, "other"), (open.Headers, Encoding.UTF8.GetString(open.Value!)));
        Assert.Equal(DeadLetterStatus.Redriven, (await DeadLetters.DecideAsync(Redrive(deadLetter), _none))!.Status);

        // Reopened again and then discarded, it is not reopened again.
        await DeadLetters.AddAsync(secondFailure, _none);
        await DeadLetters.DecideAsync(Discard(deadLetter), _none);
        await DeadLetters.AddAsync(secondFailure, _none);
        Assert.Equal(DeadLetterStatus.Discarded, (await DeadLetters.FindAsync(deadLetter.Id, _none))!.Status);
    }

    [Fact]
    public async Task A_discarded_dead_letter_is_kept_and_sends_nothing()
    {
        var deadLetter = NewDeadLetter();
        await DeadLetters.AddAsync(deadLetter, _none);

        await DeadLetters.DecideAsync(Discard(deadLetter), _none);
        var row = await DeadLetters.DecideAsync(Redrive(deadLetter), _none);

        Assert.Equal((DeadLetterStatus.Discarded, 0, "sent twice"), (row!.Status, row.Redrives, row.DecisionReason));
        Assert.Equal(deadLetter.Value, row.Value);
        Assert.Equal(["0"], await QueryAsync($"SELECT count(*) FROM {Schema}outbox WHERE saga_id = '{deadLetter.Id}'"));
        Assert.Null(await DeadLetters.DecideAsync(Discard(NewDeadLetter()), _none));
    }

    [Fact]
    public async Task Dead_letters_of_a_transition_are_indexed_atomically_with_it()
    {
        var row = Rows.New();
        var (first, second, stale) = (NewDeadLetter(), NewDeadLetter(), NewDeadLetter());
        await CommitAsync(new CommitEntry.Start(row, [Rows.Happened(row)], [], []) { DeadLetters = [first] });
        var next = Rows.Next(row);
        await CommitAsync(Rows.Transition(row, next) with { DeadLetters = [second] });

        var third = Rows.Next(next);
        await DeadLetters.DecideAsync(Redrive(first), _none);
        await CommitAsync(Rows.Transition(next, third) with { DeadLetters = [first with { Reopens = true }] });
        Assert.Equal(DeadLetterStatus.Open, (await DeadLetters.FindAsync(first.Id, _none))!.Status);

        var result = await CommitAsync(Rows.Transition(row, Rows.Next(row)) with { DeadLetters = [stale] });

        Assert.IsType<CommitResult.Stale>(result);
        Assert.NotNull(await DeadLetters.FindAsync(first.Id, _none));
        Assert.NotNull(await DeadLetters.FindAsync(second.Id, _none));
        Assert.Null(await DeadLetters.FindAsync(stale.Id, _none));
    }

    [Fact]
    public async Task An_early_event_is_replaced_by_its_dead_letter_once_unless_its_saga_has_buffered_it()
    {
        var row = Rows.New();
        var (early, buffered) = (Rows.Early(row), Rows.Early(row));
        var redriven = early with { ReceivedAt = early.ReceivedAt.AddMinutes(1) };
        var (first, second, third) = (NewDeadLetter(), NewDeadLetter(), NewDeadLetter());
        await EarlyEvents.StoreEarlyAsync([early, buffered], 10, _none);
        await CommitAsync(new CommitEntry.Start(row, [Rows.Happened(row)], [], []));
        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with { BufferedEvents = [buffered with { SagaId = row.Id }] });

        await DeadLetters.ReplaceEarlyAsync(early.MessageId, early.ReceivedAt, first, _none);
        await EarlyEvents.StoreEarlyAsync([redriven], 10, _none);
        await DeadLetters.ReplaceEarlyAsync(early.MessageId, early.ReceivedAt, second, _none);
        await DeadLetters.ReplaceEarlyAsync(buffered.MessageId, buffered.ReceivedAt, third, _none);

        Assert.Equal(DeadLetterStatus.Open, (await DeadLetters.FindAsync(first.Id, _none))!.Status);
        Assert.Null(await DeadLetters.FindAsync(second.Id, _none));
        Assert.Null(await DeadLetters.FindAsync(third.Id, _none));
        var stored = Assert.Single(
            await EarlyEvents.DueEarlyAsync([], 10_000, _none), due => due.Event.CorrelationId == row.CorrelationId);
        Assert.Equal(redriven.ReceivedAt, stored.Event.ReceivedAt);
    }

    [Fact]
    public async Task The_sweep_finds_a_redriven_message_until_it_is_sent()
    {
        var deadLetter = NewDeadLetter();
        await DeadLetters.AddAsync(deadLetter, _none);
        var decision = Redrive(deadLetter);
        await DeadLetters.DecideAsync(decision, _none);

        var found = await Outbox.UnsentForAsync(TimeSpan.Zero, 1_000, _none);
        var unsent = Assert.Single(found, unsent => unsent.SagaId.Value == deadLetter.Id).Message;
        Assert.Equal((decision.Id, deadLetter.Topic, 3, "k"), (unsent.MessageId.Value, unsent.Topic, unsent.Partition, unsent.Key));
        Assert.Equal(deadLetter.Value, unsent.Value.ToArray());
        await Outbox.DeleteAsync([unsent.MessageId], _none);

        Assert.DoesNotContain(await Outbox.UnsentForAsync(TimeSpan.Zero, 1_000, _none), unsent => unsent.SagaId.Value == deadLetter.Id);
        Assert.Equal(DeadLetterStatus.Redriven, (await DeadLetters.FindAsync(deadLetter.Id, _none))!.Status);
    }

    [Fact]
    public async Task An_open_dead_letter_is_closed_when_its_record_is_handled_later()
    {
        var topic = Rows.Key();
        DeadLetterRow[] deadLetters = [
            NewDeadLetter() with { Topic = topic },
            NewDeadLetter() with { Topic = topic },
            NewDeadLetter() with { Topic = topic, Partition = 1 },
            NewDeadLetter() with { Topic = topic },
        ];
        foreach (var deadLetter in deadLetters)
        {
            await DeadLetters.AddAsync(deadLetter, _none);
        }

        await DeadLetters.DecideAsync(Redrive(deadLetters[3]), _none);
        var open = await DeadLetters.FindOpenAsync(topic, [0, 3], _none);
        Assert.Equal(new[] { deadLetters[0].Id, deadLetters[1].Id }.Order(), open.Order());

        Assert.True(await DeadLetters.CloseAsync(deadLetters[0].Id, "origin", "handled", _none));
        Assert.False(await DeadLetters.CloseAsync(deadLetters[3].Id, "origin", "handled", _none));
        Assert.False(await DeadLetters.CloseAsync(Rows.Id(), "origin", "handled", _none));

        var closed = await DeadLetters.FindAsync(deadLetters[0].Id, _none);
        Assert.Equal(
            (DeadLetterStatus.Discarded, "onex", "handled", 0), (closed!.Status, closed.DecidedBy, closed.DecisionReason, closed.Redrives));
        Assert.NotNull(closed.DecidedAt);
        Assert.Equal(DeadLetterStatus.Redriven, (await DeadLetters.FindAsync(deadLetters[3].Id, _none))!.Status);
        Assert.Equal([deadLetters[1].Id], await DeadLetters.FindOpenAsync(topic, [3], _none));
    }

    [Fact]
    public async Task A_dead_letter_that_was_reopened_with_another_origin_is_not_closed_for_its_earlier_record()
    {
        var deadLetter = NewDeadLetter() with { Headers = MessageHeaders.Empty.With("onex-origin", "first") };
        await DeadLetters.AddAsync(deadLetter, _none);
        await DeadLetters.DecideAsync(Redrive(deadLetter), _none);
        await DeadLetters.AddAsync(
            deadLetter with { Headers = MessageHeaders.Empty.With("onex-origin", "second"), Reopens = true }, _none);

        Assert.False(await DeadLetters.CloseAsync(deadLetter.Id, "first", "handled", _none));
        Assert.Equal(DeadLetterStatus.Open, (await DeadLetters.FindAsync(deadLetter.Id, _none))!.Status);
        Assert.True(await DeadLetters.CloseAsync(deadLetter.Id, "second", "handled", _none));
    }

    [Fact]
    public async Task A_message_that_is_sent_closes_no_dead_letter_that_was_reopened_because_a_copy_was_read_and_failed()
    {
        var deadLetter = NewDeadLetter() with { Code = ErrorCodes.DeliveryRefused };
        var other = NewDeadLetter() with { Code = ErrorCodes.DeliveryRefused };
        await DeadLetters.AddAsync(deadLetter, _none);
        await DeadLetters.AddAsync(other, _none);
        await DeadLetters.DecideAsync(Redrive(deadLetter), _none);
        await DeadLetters.AddAsync(deadLetter with { Code = "ONEX3001", Reopens = true }, _none);

        await DeadLetters.CloseUndeliveredAsync(deadLetter.Id, "sent", _none);
        await DeadLetters.CloseUndeliveredAsync(other.Id, "sent", _none);

        Assert.Equal(DeadLetterStatus.Open, (await DeadLetters.FindAsync(deadLetter.Id, _none))!.Status);
        var closed = (await DeadLetters.FindAsync(other.Id, _none))!;
        Assert.Equal((DeadLetterStatus.Discarded, "onex", "sent"), (closed.Status, closed.DecidedBy, closed.DecisionReason));
    }

    [Fact]
    public async Task The_saga_of_a_request_or_event_is_found_by_its_identity()
    {
        var row = Rows.New();
        await CommitAsync(new CommitEntry.Start(row, [Rows.Happened(row)], [], []));
        var seen = Rows.Id();
        await CommitAsync(Rows.Transition(row, Rows.Next(row)) with { SeenMessages = [new(seen)] });

        Assert.Equal(row.Id, await DeadLetters.HandledByAsync(row.RequestId, _none));
        Assert.Equal(row.Id, await DeadLetters.HandledByAsync(seen, _none));
        Assert.Null(await DeadLetters.HandledByAsync(Rows.Id(), _none));
    }

    /// <summary>The prefix of table names: the schema and a dot, or nothing.</summary>
    protected abstract string Schema { get; }

    /// <summary>Runs a query and returns each row as text.</summary>
    protected abstract Task<IReadOnlyList<string>> QueryAsync(string sql);

    private async Task<CommitResult> CommitAsync(CommitEntry entry) => (await Store.CommitAsync(new CommitBatch([entry], []), _none))[0];

    private static DeadLetterRow NewDeadLetter() => new(
        Rows.Id(), "requests", 3, 41, "ONEX3001", "not JSON", null, [0xff, 0, 1, 2, 3], Rows.Now)
    {
        Key = "k",
        ErrorType = "MalformedMessage",
    };

    private static DeadLetterDecision Redrive(DeadLetterRow deadLetter)
    {
        var id = Rows.Id();
        return new DeadLetterDecision(id, deadLetter.Id, DeadLetterStatus.Redriven, "ops", "fixed", Force: false, new OutgoingMessage
        {
            MessageId = id,
            Topic = deadLetter.Topic,
            Partition = deadLetter.Partition,
            Key = deadLetter.Key!,
            Value = deadLetter.Value!,
            Headers = MessageHeaders.Empty.With("onex-redrive", "x"),
        });
    }

    private static DeadLetterDecision Discard(DeadLetterRow deadLetter) =>
        new(Rows.Id(), deadLetter.Id, DeadLetterStatus.Discarded, "ops", "sent twice", Force: false, Message: null);

    private static RegisteredContract Contract(string version)
    {
        var name = Rows.Key();
        return new RegisteredContract($"hash-of-{name}", name, version, RawJson.FromText("""{"file":"contract: x"}"""));
    }
}
