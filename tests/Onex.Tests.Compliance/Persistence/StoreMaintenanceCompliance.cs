using Onex.Engine;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Maintenance;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;
using Onex.Persistence.Secrets;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of maintenance, with a subclass per implementation on its own storage.</summary>
public abstract class StoreMaintenanceCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;
    private static readonly TimeSpan _kept = TimeSpan.FromDays(15);
    private static readonly TimeSpan _historyKept = TimeSpan.FromDays(30);

    protected abstract ISagaStore Store { get; }

    protected virtual IEarlyEvents EarlyEvents => (IEarlyEvents)Store;

    protected virtual IPayloads Payloads => (IPayloads)Store;

    protected abstract ISagaQueries Queries { get; }

    protected abstract IEffectLedger Ledger { get; }

    protected abstract IDeadLetterIndex DeadLetters { get; }

    protected abstract IStoreMaintenance Maintenance { get; }

    protected abstract ISecretHandles Handles { get; }

    [Fact]
    public async Task Expired_sagas_are_deleted_with_all_their_rows_and_others_remain()
    {
        var old = await EndedAsync(_kept + TimeSpan.FromDays(1));
        var young = await EndedAsync(_kept - TimeSpan.FromDays(1));
        var live = Rows.New() with { StartedAt = Rows.Now.AddDays(-100) };
        await CommitAsync(Rows.Start(live));
        var handles = new[] { old, young }.ToDictionary(
            row => row.Id, row => new SecretHandle(Rows.Id().Value, row.Id, "vault", "apps/reports", 1, "password"));
        await Handles.AddAsync(handles.Values, _none);
        var unsent = await EndedAsync(_kept + TimeSpan.FromDays(1), Rows.Message("response"));

        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);
        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);

        Assert.Equal(
            new HashSet<SagaId> { young.Id, live.Id, unsent.Id }, (
                await Store.LoadAsync([old.Id, young.Id, live.Id, unsent.Id], _none)).Keys.ToHashSet());
        Assert.Equal(
            [Rows.Payload(young, "output").Id],
            (await Payloads.LoadPayloadsAsync([Rows.Payload(old, "output").Id, Rows.Payload(young, "output").Id], _none)).Keys);
        Assert.Equal(
            [null, young.Id],
            (await Store.FindEventTargetsAsync(
                [Rows.Address(old) with { MessageId = SeenBy(old) }, Rows.Address(young) with { MessageId = SeenBy(young) }], _none))
                .Select(target => target.SeenBy));
        Assert.Equal([0, 1], (await Store.LoadItemsAsync([Items(old), Items(young)], _none)).Select(items => items.Count));
        Assert.Empty(await Handles.FindAsync(old.Id, [handles[old.Id].Id], _none));
        Assert.Single(await Handles.FindAsync(young.Id, [handles[young.Id].Id], _none));
    }

    [Fact]
    public async Task Expired_sagas_are_deleted_in_several_steps()
    {
        // More than twice the rows that one step deletes.
        SagaRow[] rows = [
            .. Enumerable.Range(0, 1_203).Select(_ => Rows.Ended(Rows.New()) with { Version = 1, EndedAt = Rows.Now.AddDays(-20) })];
        await CommitAsync([.. rows.Select(Rows.Start)]);

        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);

        Assert.Empty(await Store.LoadAsync([.. rows.Select(row => row.Id)], _none));
    }

    [Fact]
    public async Task History_expires_by_its_own_age()
    {
        var row = Rows.New() with { StartedAt = Rows.Now.AddDays(-40), EndedAt = Rows.Now.AddDays(-31), Status = SagaStatus.Completed };
        await CommitAsync(new CommitEntry.Start(row, [Entry(row, 0, 40), Entry(row, 1, 31), Entry(row, 2, 29), Entry(row, 3, 0)], [], []));

        await Maintenance.RemoveExpiredAsync(TimeSpan.FromDays(100), _historyKept, _none);

        Assert.Equal([2, 3], await OrdinalsAsync(row));
    }

    [Fact]
    public async Task History_of_a_live_saga_is_kept()
    {
        var row = Rows.New() with { StartedAt = Rows.Now.AddDays(-40) };
        var expired = Rows.New() with { StartedAt = Rows.Now.AddDays(-40), EndedAt = Rows.Now.AddDays(-39), Status = SagaStatus.Completed };
        await CommitAsync(
            new CommitEntry.Start(row, [Entry(row, 0, 40), Entry(row, 1, 0)], [], []), new CommitEntry.Start(
                expired, [Entry(expired, 0, 40), Entry(expired, 1, 39)], [], []));

        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);

        Assert.Equal([0, 1], await OrdinalsAsync(row));
        Assert.Empty(await OrdinalsAsync(expired));

        // History is also kept for some time after the end of the saga.
        await CommitAsync(Rows.Transition(row, Rows.Ended(row)) with { History = [] });
        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);
        Assert.Equal([0, 1], await OrdinalsAsync(row));
    }

    [Fact]
    public async Task A_child_is_retained_while_its_parent_lives()
    {
        var parent = Rows.New() with { StartedAt = Rows.Now.AddDays(-100) };
        await CommitAsync(Rows.Start(parent));
        var child = Rows.Ended(Rows.New()) with { Version = 1, ParentId = parent.Id, EndedAt = Rows.Now - _kept - TimeSpan.FromDays(1) };
        await CommitAsync(Rows.Start(child));

        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);

        // A repeated command of its parent is then a duplicate and not a new request.
        Assert.IsType<CommitResult.DuplicateRequest>(
            Assert.Single(
                await Store.CommitAsync(new CommitBatch([Rows.Start(Rows.New() with { RequestId = child.RequestId })], []), _none)));

        await CommitAsync(Rows.Transition(parent, Rows.Ended(parent)));
        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);
        Assert.Empty(await Store.LoadAsync([child.Id], _none));
    }

    [Fact]
    public async Task Ledger_outcomes_are_deleted_when_no_command_can_need_them()
    {
        var (old, young) = (Rows.Id(), Rows.Id());
        await Ledger.CancelAsync([old, young], _none);
        await AgeAsync(old, LedgerTimes.OutcomesKept + TimeSpan.FromDays(1));
        await AgeAsync(young, LedgerTimes.OutcomesKept - TimeSpan.FromDays(1));

        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);

        Assert.Equal([young], (await Ledger.LookUpAsync([old, young], _none)).Keys);
    }

    [Fact]
    public async Task Closed_dead_letters_expire_and_open_ones_remain()
    {
        var (discarded, young, open, unsent) = (Rows.Id(), Rows.Id(), Rows.Id(), Rows.Id());
        foreach (var id in (Guid[])[discarded, young, open, unsent])
        {
            await DeadLetters.AddAsync(
                new DeadLetterRow(id, "requests", 3, 41, "ONEX3001", "not JSON", null, [1], Rows.Now.AddDays(-100)), _none);
        }

        foreach (var id in (Guid[])[discarded, young])
        {
            await DecideAsync(id, DeadLetterStatus.Discarded, null);
        }

        await DecideAsync(unsent, DeadLetterStatus.Redriven, Rows.Message("again"));
        await AgeDeadLetterAsync(discarded, _kept + TimeSpan.FromDays(1));
        await AgeDeadLetterAsync(unsent, _kept + TimeSpan.FromDays(1));
        await AgeDeadLetterAsync(young, _kept - TimeSpan.FromDays(1));

        await Maintenance.RemoveExpiredAsync(_kept, _historyKept, _none);

        var deadLetters = (await DeadLetters.ListAsync(new DeadLetterFilter(), _none)).DeadLetters;
        Assert.Equal(((Guid[])[young, open, unsent]).Order(), deadLetters.Select(deadLetter => deadLetter.Id).Order());
    }

    /// <summary>Sets the age of a ledger entry.</summary>
    protected abstract Task AgeAsync(CommandId commandId, TimeSpan age);

    private static SagaItemsQuery Items(SagaRow row) => new(row.Id, "pack", 1, [SagaItemStatus.Completed], null, Descending: false, 10);

    /// <summary>Sets the age of the decision about a dead letter.</summary>
    protected abstract Task AgeDeadLetterAsync(Guid id, TimeSpan age);

    private async Task DecideAsync(Guid id, DeadLetterStatus status, OutgoingMessage? message) => await DeadLetters.DecideAsync(
        new DeadLetterDecision(message?.MessageId.Value ?? Rows.Id().Value, id, status, "ops", "seen", Force: false, message), _none);

    private static HistoryEntry Entry(SagaRow row, int ordinal, int days) =>
        Rows.Happened(row) with { Ordinal = ordinal, At = Rows.Now.AddDays(-days) };

    private async Task<IEnumerable<int>> OrdinalsAsync(SagaRow row) =>
        (await Queries.HistoryAsync(row.Id, 0, -1, 100, _none)).Select(entry => entry.Ordinal);

    private static MessageId SeenBy(SagaRow row) => new(Rows.Payload(row, "a message").Id);

    private async Task<SagaRow> EndedAsync(TimeSpan ago, params OutgoingMessage[] unsent)
    {
        var row = Rows.New();
        await CommitAsync(new CommitEntry.Start(row, [], [], [Rows.Payload(row, "output")]));
        var ended = Rows.Ended(row) with { EndedAt = Rows.Now - ago };
        await CommitAsync(new CommitEntry.Transition(ended, 1, [], unsent, [])
        {
            SeenMessages = [new(SeenBy(row))],
            Items = [new SagaItem("pack", 1, 0, SagaItemStatus.Completed, Rows.Id())],
        });
        return ended;
    }

    private async Task CommitAsync(params CommitEntry[] entries) => Assert.All(
        await Store.CommitAsync(new CommitBatch(entries, []), _none), result => Assert.Equal(CommitResult.Committed.Instance, result));
}
