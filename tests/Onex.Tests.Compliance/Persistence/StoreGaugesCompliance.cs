using Onex.Engine;
using Onex.Persistence.DeadLetters;
using Onex.Persistence.Ledger;
using Onex.Persistence.Monitoring;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of the store's gauges, with a subclass per implementation on its own storage.</summary>
public abstract class StoreGaugesCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    protected abstract ISagaStore Store { get; }

    protected abstract IDeadLetterIndex DeadLetters { get; }

    protected abstract IParkedCommands Parked { get; }

    protected abstract IStoreGauges Gauges { get; }

    [Theory]
    [InlineData(SagaStatus.Blocked, "blocked")]
    [InlineData(SagaStatus.Paused, "paused")]
    public async Task A_halted_saga_is_counted_until_it_continues(SagaStatus status, string text)
    {
        var row = NewRunning();
        await CommitAsync(Rows.Start(row));
        Assert.Equal(0, await HaltedAsync(row.Contract, text));

        var halted = Rows.Next(row) with { Status = status, NextWakeupAt = null };
        await CommitAsync(Rows.Transition(row, halted));
        Assert.Equal(1, await HaltedAsync(row.Contract, text));

        var stillHalted = Rows.Next(halted) with { State = "other" };
        await CommitAsync(Rows.Transition(halted, stillHalted));
        Assert.Equal(1, await HaltedAsync(row.Contract, text));

        var running = Rows.Next(stillHalted) with { Status = SagaStatus.Running, NextWakeupAt = Rows.Now.AddMinutes(1) };
        await CommitAsync(Rows.Transition(stillHalted, running));
        Assert.Equal(0, await HaltedAsync(row.Contract, text));
    }

    [Fact]
    public async Task A_saga_that_is_blocked_at_its_start_is_counted_and_one_that_ends_is_not()
    {
        var row = NewRunning() with { Status = SagaStatus.Blocked, NextWakeupAt = null };
        await CommitAsync(Rows.Start(row));
        Assert.Equal(1, await HaltedAsync(row.Contract, "blocked"));

        await CommitAsync(Rows.Transition(row, Rows.Ended(row)));
        Assert.Equal(0, await HaltedAsync(row.Contract, "blocked"));
    }

    [Fact]
    public async Task A_saga_that_waits_for_nothing_is_stuck_unless_it_has_messages_to_send()
    {
        var before = (await ReadAsync()).WithoutWakeup;
        var row = NewRunning();
        var sending = NewRunning();
        var waiting = NewRunning() with { NextWakeupAt = null, Progress = RawJson.FromText("""{"waiting_for":["paid"]}""") };
        await CommitAsync(Rows.Start(row), Rows.Start(waiting), new CommitEntry.Start(sending, [], [Rows.Message("unsent")], []));
        Assert.Equal(before, (await ReadAsync()).WithoutWakeup);

        var stuck = Rows.Next(row) with { NextWakeupAt = null };
        await CommitAsync(Rows.Transition(row, stuck), Rows.Transition(sending, Rows.Next(sending) with { NextWakeupAt = null }));
        Assert.Equal(before + 1, (await ReadAsync()).WithoutWakeup);

        await CommitAsync(Rows.Transition(stuck, Rows.Next(stuck) with { NextWakeupAt = Rows.Now.AddMinutes(1) }));
        Assert.Equal(before, (await ReadAsync()).WithoutWakeup);
    }

    [Fact]
    public async Task The_outbox_has_an_age_while_a_message_is_unsent_and_the_database_has_a_size()
    {
        await CommitAsync(new CommitEntry.Start(NewRunning(), [], [Rows.Message("old")], []));

        Assert.True((await ReadAsync()).OutboxAge > TimeSpan.Zero);
        Assert.True((await ReadAsync()).DatabaseBytes > 0);
    }

    [Fact]
    public async Task Dead_letters_are_counted_by_topic_while_they_are_open()
    {
        var topic = Rows.Key();
        var row = new DeadLetterRow(Rows.Id().Value, topic, 0, 1, "ONEX3001", "malformed", null, null, Rows.Now);
        await DeadLetters.AddAsync(row, _none);
        Assert.Equal(1, (await ReadAsync()).DeadLetters[topic]);

        await DeadLetters.CloseAsync(row.Id, "origin", "handled", _none);
        Assert.False((await ReadAsync()).DeadLetters.ContainsKey(topic));
    }

    [Fact]
    public async Task Parked_commands_are_counted_by_connection()
    {
        var connection = Rows.Key();
        var command = new StepCommand
        {
            CommandId = new CommandId(Rows.Id().Value),
            SagaId = Rows.Id(),
            Contract = "order",
            Step = "charge",
            Operation = "http.post",
            Attempt = 1,
            Direction = StepDirections.Do,
            CorrelationId = Rows.Id().Value,
            TimeoutMs = 1000,
            NotAfter = Rows.Now.AddHours(1),
            HomePartition = 0,
        };
        await Parked.ParkAsync(new CommandToPark(command, connection, TimeSpan.FromMinutes(1)), _none);

        var reading = await Gauges.ReadAsync([connection, "none"], _none);
        Assert.Equal(1, reading.Parked[connection].Count);
        Assert.True(reading.Parked[connection].Age >= TimeSpan.FromMinutes(1) - TimeSpan.FromSeconds(5));
        Assert.False(reading.Parked.ContainsKey("none"));
    }

    // A contract of its own, because the tests of a class share the storage.
    private static SagaRow NewRunning() => Rows.New() with { Contract = Rows.Key(), NextWakeupAt = Rows.Now.AddMinutes(1) };

    private Task<StoreReading> ReadAsync() => Gauges.ReadAsync([], _none);

    private async Task<long> HaltedAsync(string contract, string status) => (await ReadAsync()).Halted
        .Where(halted => halted.Contract == contract && halted.Status == status).Sum(halted => halted.Count);

    private async Task CommitAsync(params CommitEntry[] entries) => Assert.All(
        await Store.CommitAsync(new CommitBatch(entries, []), _none), result => Assert.IsType<CommitResult.Committed>(result));
}
