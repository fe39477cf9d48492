using Onex.Persistence.Ledger;

namespace Onex.Tests.Compliance.Persistence;

/// <summary>The compliance suite of parked commands, with a subclass per implementation.</summary>
public abstract class ParkedCommandsCompliance
{
    private static readonly CancellationToken _none = CancellationToken.None;

    // Each test has a connection of its own, because the tests of a class share a database.
    private readonly string _connection = $"c{Rows.Id()}";

    /// <summary>Parked commands with their own storage.</summary>
    protected abstract IParkedCommands Parked { get; }

    /// <summary>Parked commands of another process on the same storage, if several processes can share it.</summary>
    protected virtual IParkedCommands Other => Parked;

    /// <summary>The ledger on the same storage.</summary>
    protected abstract IEffectLedger Ledger { get; }

    [Fact]
    public async Task Parked_commands_are_taken_in_the_order_of_their_arrival_and_completely()
    {
        var commands = Enumerable.Range(0, 10).Select(i => Command() with { Arguments = RawJson.FromText($$"""{"i":{{i}}}""") }).ToArray();
        for (var i = 0; i < commands.Length; i++)
        {
            // Later commands have waited for less time.
            var age = TimeSpan.FromMinutes(10 - i);
            Assert.IsType<ClaimResult.Parked>(await Parked.ParkAsync(
                new CommandToPark(commands[i], _connection, age) { TraceParent = $"trace-{i}", TraceState = "vendor=1" }, _none));
        }

        var first = await TakeAsync(4);
        var rest = await Other.TakeAsync([new TakeLimit(_connection, 100)], _none);

        Assert.Equal(commands, first.Concat(rest).Select(taken => taken.Command));
        Assert.Equal(("trace-0", "vendor=1", _connection), (first[0].TraceParent, first[0].TraceState, first[0].Connection));
        Assert.All(first, taken => Assert.False(taken.Lease.FollowsUnrecordedLease));
        Assert.Empty(await TakeAsync(100));
    }

    [Fact]
    public async Task A_taken_command_is_leased_and_its_outcome_is_recorded()
    {
        var command = Command();
        await ParkAsync(command);

        var taken = Assert.Single(await TakeAsync(1));

        Assert.Equal(ClaimResult.Leased.Instance, await Ledger.ClaimAsync(command, _none));
        var state = await StateAsync(command);
        Assert.True(state.Leased);
        Assert.Null(state.ParkedAt);
        Assert.InRange(
            state.LeasedUntil - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(1),
            TimeSpan.FromMilliseconds(command.TimeoutMs) + LedgerTimes.LeaseMargin);
        Assert.True(await Ledger.RecordAsync(taken.Lease.LeaseToken, Result(command), _none));
        Assert.IsType<ClaimResult.Recorded>(await Parked.ParkAsync(new CommandToPark(command, _connection, default), _none));
    }

    [Fact]
    public async Task Commands_of_the_named_connections_are_taken_up_to_the_limit_of_each()
    {
        var other = _connection + "b";
        foreach (var name in new[] { _connection, other, _connection + "c" })
        {
            for (var i = 0; i < 3; i++)
            {
                await Parked.ParkAsync(new CommandToPark(Command(), name, default), _none);
            }
        }

        var taken = await Parked.TakeAsync([new TakeLimit(_connection, 1), new TakeLimit(other, 2)], _none);

        Assert.Equal([_connection, other, other], taken.Select(command => command.Connection).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_parked_command_is_neither_claimed_nor_parked_twice()
    {
        var command = Command();
        await ParkAsync(command);

        Assert.Equal(ClaimResult.Parked.Instance, await Ledger.ClaimAsync(command, _none));
        Assert.Equal(ClaimResult.Parked.Instance, await Parked.ParkAsync(new CommandToPark(command, _connection, default), _none));

        var state = await StateAsync(command);
        Assert.Equal((1, false, false, null, _connection), (state.Attempt, state.Leased, state.Cancelled, state.Outcome, state.ParkedFor));
        Assert.NotNull(state.ParkedAt);
        Assert.Equal(1, (await DescribeAsync())!.Parked);
        Assert.Single(await TakeAsync(10));
        Assert.Null(await DescribeAsync());
    }

    [Fact]
    public async Task A_parked_command_is_ended_neither_by_its_time_limit_nor_by_the_closing_of_expired_leases()
    {
        var command = Command() with { NotAfter = TimeProvider.System.GetUtcNow().AddSeconds(5), TimeoutMs = 1 };
        await ParkAsync(command);
        await ExpireAsync(command);

        await Ledger.CloseExpiredAsync([command.CommandId], _none);

        Assert.Single(await TakeAsync(1));
    }

    [Fact]
    public async Task A_later_attempt_replaces_a_parked_one_in_its_place()
    {
        var (first, second) = (Command(), Command());
        await ParkAsync(first, TimeSpan.FromMinutes(2));
        await ParkAsync(second, TimeSpan.FromMinutes(1));
        await ParkAsync(first with { Attempt = 2 });

        Assert.Equal(
            [(first.CommandId, 2), (second.CommandId, 1)],
            (await TakeAsync(10)).Select(taken => (taken.Command.CommandId, taken.Command.Attempt)));
    }

    [Fact]
    public async Task A_failed_command_is_parked_for_its_next_attempt_only()
    {
        var command = Command();
        var lease = Assert.IsType<ClaimResult.Granted>(await Ledger.ClaimAsync(command, _none)).LeaseToken;
        Assert.Equal(ClaimResult.Leased.Instance, await Parked.ParkAsync(new CommandToPark(command, _connection, default), _none));
        await Ledger.RecordAsync(lease, Result(command) with { Outcome = StepOutcomes.Failed }, _none);

        Assert.IsType<ClaimResult.Recorded>(await Parked.ParkAsync(new CommandToPark(command, _connection, default), _none));
        await ParkAsync(command with { Attempt = 2 });

        Assert.False(Assert.Single(await TakeAsync(1)).Lease.FollowsUnrecordedLease);
    }

    [Fact]
    public async Task A_command_whose_lease_expired_may_have_been_sent_when_it_is_taken()
    {
        var command = Command();
        await Ledger.ClaimAsync(command, _none);
        await ExpireAsync(command);
        await ParkAsync(command);

        Assert.True(Assert.Single(await TakeAsync(1)).Lease.FollowsUnrecordedLease);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_command_that_is_parked_again_goes_behind_the_others_and_remembers_whether_it_was_sent(bool maySent)
    {
        var (first, second) = (Command(), Command());
        await ParkAsync(first, TimeSpan.FromMinutes(2));
        await ParkAsync(second, TimeSpan.FromMinutes(1));
        var trial = Assert.Single(await TakeAsync(1));

        Assert.True(await Parked.ParkAgainAsync(trial.Lease.LeaseToken, new CommandToPark(first, _connection, default), maySent, _none));

        Assert.False(await Ledger.RecordAsync(trial.Lease.LeaseToken, Result(first), _none));
        Assert.True(await Parked.ParkAgainAsync(trial.Lease.LeaseToken, new CommandToPark(first, _connection, default), false, _none));
        var taken = await TakeAsync(10);
        Assert.Equal([second, first], taken.Select(command => command.Command));
        Assert.Equal([false, maySent], taken.Select(command => command.Lease.FollowsUnrecordedLease));
        Assert.False(await Parked.ParkAgainAsync(trial.Lease.LeaseToken, new CommandToPark(first, _connection, default), maySent, _none));
    }

    [Fact]
    public async Task A_cancelled_parked_command_is_never_taken()
    {
        var command = Command();
        await ParkAsync(command);

        var state = (await Ledger.CancelAsync([command.CommandId], _none))[command.CommandId];

        Assert.Equal((true, 1, null), (state.Cancelled, state.Attempt, state.ParkedAt));
        Assert.Empty(await TakeAsync(1));
        Assert.IsType<ClaimResult.Expired>(await Ledger.ClaimAsync(command, _none));
        Assert.IsType<ClaimResult.Expired>(await Parked.ParkAsync(new CommandToPark(command, _connection, default), _none));
        Assert.IsType<ClaimResult.Granted>(await Ledger.ClaimAsync(command with { Attempt = 2 }, _none));
    }

    [Fact]
    public async Task The_cancellation_of_parked_commands_changes_no_other_command()
    {
        var (parked, leased, unknown) = (Command(), Command(), Command());
        await ParkAsync(parked);
        await Ledger.ClaimAsync(leased, _none);

        await Parked.CancelParkedAsync([parked.CommandId, leased.CommandId, unknown.CommandId], _none);

        Assert.True((await StateAsync(parked)).Cancelled);
        Assert.True((await StateAsync(leased)).Leased);
        Assert.IsType<ClaimResult.Granted>(await Ledger.ClaimAsync(unknown, _none));
    }

    [Fact]
    public async Task A_cancelled_parked_command_that_may_have_been_sent_is_closed_and_not_marked_as_cancelled()
    {
        var command = Command();
        await ParkAsync(command);
        var trial = Assert.Single(await TakeAsync(1));
        await Parked.ParkAgainAsync(trial.Lease.LeaseToken, new CommandToPark(command, _connection, default), maySent: true, _none);

        var state = (await Ledger.CancelAsync([command.CommandId], _none))[command.CommandId];

        Assert.Equal((false, false, null), (state.Cancelled, state.Leased, state.ParkedAt));
        Assert.IsType<ClaimResult.Expired>(await Ledger.ClaimAsync(command, _none));
        Assert.IsType<ClaimResult.Granted>(await Ledger.ClaimAsync(command with { Attempt = 2 }, _none));
    }

    [Fact]
    public async Task Each_parked_command_is_either_taken_by_one_process_or_cancelled()
    {
        StepCommand[] commands = [.. Enumerable.Range(0, 200).Select(_ => Command())];
        await Task.WhenAll(commands.Select(command => ParkAsync(command)));

        var takes = Enumerable.Range(0, 40).Select(i => (i % 2 == 0 ? Parked : Other).TakeAsync([new TakeLimit(_connection, 5)], _none));
        var cancels = commands.Chunk(10).Select(chunk => Ledger.CancelAsync([.. chunk.Select(command => command.CommandId)], _none));
        var (taken, cancelled) = (Task.WhenAll(takes), Task.WhenAll(cancels));

        var takenIds = (await taken).SelectMany(batch => batch).Select(command => command.Command.CommandId).ToList();
        var cancelledIds = (await cancelled).SelectMany(batch => batch)
            .Where(state => state.Value.Cancelled).Select(state => state.Key).ToList();
        var remainingIds = (await TakeAsync(1000)).Select(command => command.Command.CommandId);
        Assert.Equal(
            commands.Select(command => command.CommandId.Value).Order(),
            [.. takenIds.Concat(cancelledIds).Concat(remainingIds).Select(id => id.Value).Order()]);
    }

    [Fact]
    public async Task A_connection_is_described_by_its_parked_commands_and_by_the_reports_of_processes()
    {
        var process = (Guid)Rows.Id();
        await ParkAsync(Command());
        await ParkAsync(Command());
        Assert.Equal((2, null), ((await DescribeAsync())!.Parked, (await DescribeAsync())!.UnavailableSince));

        await Parked.ReportAsync(
            process, [new UnavailableConnection(_connection, TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(20), "refused")], _none);
        var described = (await DescribeAsync())!;
        Assert.Equal((2, "refused"), (described.Parked, described.Reason));
        Assert.InRange(
            TimeProvider.System.GetUtcNow() - described.UnavailableSince!.Value, TimeSpan.FromSeconds(110), TimeSpan.FromSeconds(130));
        Assert.InRange(
            described.NextTrialAt!.Value - TimeProvider.System.GetUtcNow(), TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));

        // While a trial runs there is no next one yet.
        await Parked.ReportAsync(process, [new UnavailableConnection(_connection, TimeSpan.FromMinutes(2), null, "refused")], _none);
        described = (await DescribeAsync())!;
        Assert.Null(described.NextTrialAt);
        Assert.NotNull(described.UnavailableSince);

        await Parked.ReportAsync(process, [], _none);
        Assert.Null((await DescribeAsync())!.UnavailableSince);
    }

    /// <summary>Makes the command's lease expire.</summary>
    protected abstract Task ExpireAsync(StepCommand command);

    protected static StepCommand Command() => new()
    {
        CommandId = Rows.Id(),
        Attempt = 1,
        SagaId = Rows.Id(),
        CorrelationId = Rows.Id(),
        Contract = "order",
        Step = "charge",
        Direction = StepDirections.Do,
        Operation = "http.post",
        HomePartition = 0,
        TimeoutMs = 30_000,
        NotAfter = TimeProvider.System.GetUtcNow().AddDays(1),
    };

    protected static StepResult Result(StepCommand command) => new()
    {
        CommandId = command.CommandId,
        Attempt = command.Attempt,
        SagaId = command.SagaId,
        CorrelationId = command.CorrelationId,
        Outcome = StepOutcomes.Completed,
    };

    private async Task ParkAsync(StepCommand command, TimeSpan age = default) =>
        Assert.IsType<ClaimResult.Parked>(await Parked.ParkAsync(new CommandToPark(command, _connection, age), _none));

    private Task<IReadOnlyList<TakenCommand>> TakeAsync(int commands) =>
        Parked.TakeAsync([new TakeLimit(_connection, commands)], _none);

    private async Task<LedgerState> StateAsync(StepCommand command) =>
        (await Ledger.LookUpAsync([command.CommandId], _none))[command.CommandId];

    private async Task<ParkedConnection?> DescribeAsync() =>
        (await Parked.DescribeAsync([_connection], _none)).GetValueOrDefault(_connection);
}
