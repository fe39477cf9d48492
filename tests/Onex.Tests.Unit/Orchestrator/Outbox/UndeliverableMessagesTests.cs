using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Orchestrator;
using Onex.Orchestrator.Background;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.Ledger;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sqlite;
using Onex.Tests.Unit.Effects;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Outbox;

/// <summary>The reaction of a saga when the broker rejects one of its messages for good.</summary>
public sealed class UndeliverableMessagesTests
{
    private const string Effect =
        "effect: http.post\n        connection: outside\n        with: { path: /x }\n        compensate: { none: a test }";
    private const string Child = "saga: audit\n        with: {}\n        compensate: { none: a test }";
    private static readonly MessageId _id = new(Guid.Parse("018f2f6e-7a64-8cc4-9d3b-2c8f4e2b8a11"));
    private readonly MemoryLedger _ledger = new();
    private readonly CollectedDeadLetters _deadLetters = new();
    private DatabaseClock? _clock;

    [Theory]
    [InlineData(Effect)]
    [InlineData("compute: hash.sha256\n        with: { text: x }")]
    public async Task A_command_that_cannot_be_sent_fails_its_step_with_a_code(string call)
    {
        var scenario = Starts(call);
        await RejectAsync(scenario, scenario.Last.Commands[0]);

        scenario.IsIn("failed", SagaStatus.Failed);
        Assert.Equal(
            (StepCodes.Undeliverable, "Step 'one' cannot be sent: too large"), (scenario.Saga.Fault!.Code, scenario.Saga.Fault.Message));
    }

    [Fact]
    public async Task No_copy_of_an_undeliverable_command_runs_after_its_step_failed()
    {
        var scenario = Starts();
        var sent = scenario.Last.Commands[0];
        await RejectAsync(scenario, sent);

        Assert.IsType<ClaimResult.Expired>(await _ledger.ClaimAsync(Command(scenario, sent), CancellationToken.None));
    }

    [Fact]
    public async Task An_undeliverable_command_whose_earlier_copy_may_have_run_blocks_its_saga()
    {
        var scenario = Starts();
        var sent = scenario.Last.Commands[0];
        await _ledger.ClaimAsync(Command(scenario, sent), CancellationToken.None);
        await RejectAsync(scenario, sent);

        scenario.IsIn("working", SagaStatus.Blocked);
        Assert.Equal("Step 'one' cannot be sent: too large", scenario.Saga.BlockedBecause);
    }

    [Fact]
    public async Task A_command_that_has_not_expired_by_the_clock_of_the_database_fails_its_step()
    {
        var scenario = Starts();
        var directory = Directory.CreateTempSubdirectory("onex-clock-");
        using (var database = new SqliteDatabase(new SqliteStoreSettings(Path.Combine(directory.FullName, "onex.db"))))
        {
            await database.OpenAsync(CancellationToken.None);
            _clock = new DatabaseClock(new FakeTimeProvider(scenario.Now.AddDays(30)));
            await _clock.MeasureAsync(new SqliteSagaStore(database, new FakeTimeProvider(scenario.Now)), CancellationToken.None);
        }

        directory.Delete(recursive: true);
        await RejectAsync(scenario, scenario.Last.Commands[0]);

        scenario.IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public async Task An_undeliverable_compensation_blocks_its_saga_and_can_be_sent_again()
    {
        var compensated = Effect.Replace(
            "{ none: a test }", "{ effect: http.delete, connection: outside, with: { path: /x } }", StringComparison.Ordinal);
        var scenario = Starts($"{compensated}\n      - id: two\n        {Effect}")
            .Answered("one", 200)
            .Answered("two", 404).Sends("-one");
        var compensation = scenario.Last.Commands[0];
        await RejectAsync(scenario, compensation);

        Assert.Equal((BlockedBy.Compensation, compensation.CommandId), (scenario.Saga.Blockage?.Kind, scenario.Saga.Blockage?.CommandId));
        Assert.IsType<ClaimResult.Granted>(await _ledger.ClaimAsync(Command(scenario, compensation), CancellationToken.None));
    }

    [Fact]
    public async Task A_rejected_child_outcome_is_delivered_to_the_parent_in_process()
    {
        var scenario = Starts(Child);
        var outcome = new StepResult
        {
            CommandId = scenario.Last.Commands[0].CommandId,
            Attempt = 1,
            SagaId = scenario.Saga.Facts.SagaId,
            CorrelationId = _id.Value,
            Outcome = StepOutcomes.Rejected,
            Code = "no_carrier",
        };
        var message = new OutgoingMessage
        {
            MessageId = _id,
            Topic = Topics.Default.SagaEvents,
            Key = _id.ToString(),
            Value = JsonSerializer.SerializeToUtf8Bytes(new SagaMessage { Result = outcome }, MessageJson.Default.SagaMessage),
            Headers = MessageHeaders.Empty,
        };

        var undeliverable = new UndeliverableMessage(message, "too large");
        scenario.Handles((await Converter(scenario).ConvertAsync(undeliverable, CancellationToken.None))!.Message);

        Assert.Equal("no_carrier", scenario.Saga.Fault?.Code);
    }

    [Fact]
    public async Task A_child_with_an_undeliverable_start_is_cancelled_and_fails_its_step()
    {
        var scenario = Starts(Child);
        await RejectAsync(scenario, scenario.Last.Commands[0]);
        scenario.Sends("one");
        Assert.True(scenario.Last.Commands[0].Cancels);

        scenario.Handles(scenario.Result("one", StepOutcome.Rejected, null, StepCodes.Cancelled)).IsIn("failed", SagaStatus.Failed);
    }

    [Fact]
    public async Task A_child_that_can_be_neither_started_nor_cancelled_blocks_its_parent()
    {
        var scenario = Starts(Child);
        await RejectAsync(scenario, scenario.Last.Commands[0]);
        await RejectAsync(scenario, scenario.Last.Commands[0]);

        scenario.IsIn("working", SagaStatus.Blocked);
        Assert.Equal("Step 'one' cannot be sent: too large", scenario.Saga.BlockedBecause);
    }

    private async Task RejectAsync(SagaScenario scenario, CommandToSend sent) => scenario.Handles(
        (await Converter(scenario).ConvertAsync(
            new UndeliverableMessage(Message(scenario, sent), "too large"), CancellationToken.None))!.Message);

    [Theory]
    [InlineData(Effect, false, true)]
    [InlineData(Effect, true, false)]
    [InlineData(Child, false, true)]
    public async Task The_dead_letter_of_a_rejected_command_is_closed_unless_its_saga_is_blocked(
        string call, bool isClaimed, bool isClosed)
    {
        var scenario = Starts(call);
        var sent = scenario.Last.Commands[0];
        if (isClaimed)
        {
            await _ledger.ClaimAsync(Command(scenario, sent), CancellationToken.None);
        }

        var message = Message(scenario, sent);
        var delivery = (await Converter(scenario).ConvertAsync(
            new UndeliverableMessage(message, "too large"), CancellationToken.None))!;
        scenario.Handles(delivery.Message);
        delivery.Sink.Caller!.SetResult(new DeliveryOutcome.Done(delivery.Message.SagaId, scenario.Saga));
        await Converter(scenario).CloseDeadLetterAsync(message, delivery, CancellationToken.None);

        Assert.Equal(isClosed ? [_id.Value] : [], _deadLetters.Closed);
    }

    [Fact]
    public async Task An_undeliverable_copy_of_a_parked_command_changes_nothing()
    {
        var scenario = Starts();
        var sent = scenario.Last.Commands.Single();
        await _ledger.ParkAsync(new CommandToPark(Command(scenario, sent), "outside", default), CancellationToken.None);

        Assert.Null(await Converter(scenario).ConvertAsync(
            new UndeliverableMessage(Message(scenario, sent), "too large"), CancellationToken.None));
        Assert.Single(_ledger.Parked);
    }

    [Theory]
    [InlineData(Effect)]
    [InlineData(Child)]
    public async Task A_redriven_command_that_is_rejected_again_fails_in_its_own_saga(string call)
    {
        var scenario = Starts(call);
        var redriven = Message(scenario, scenario.Last.Commands[0]);

        var delivery = await Converter(scenario).ConvertAsync(
            new UndeliverableMessage(redriven, "too large"), CancellationToken.None);

        Assert.Equal(scenario.Saga.Facts.SagaId, delivery!.Message.SagaId);
    }

    [Fact]
    public async Task A_message_whose_report_ends_with_a_foreign_cancellation_does_not_stop_the_report_of_the_next()
    {
        var scenario = Starts();
        var message = Message(scenario, scenario.Last.Commands[0]);
        var log = new LogLines<BackgroundLoops>();
        using var sender = new OutgoingSender(
            new OutgoingSenderTests.RejectingProducer("effect-requests"), _deadLetters, NullLogger<OutgoingSender>.Instance);
        using var loops = new BackgroundLoops(
            null!, null!, null!, sender, null!, null!, null!, Converter(scenario), null!, null!, null!, null!, null!, TimeProvider.System,
            log);
        sender.Send(scenario.Saga.Facts.SagaId, [message, message with { MessageId = new(Guid.Empty) }]);
        await Eventually.Async(
            () => Task.FromResult(_deadLetters.Rows.Count == 2), TimeSpan.FromSeconds(20), () => "Two messages are rejected.");
        await Eventually.Async(
            () =>
            {
                sender.MarkDeleted(sender.TakeAcknowledged(2));
                return Task.FromResult(!sender.HasInFlight);
            },
            TimeSpan.FromSeconds(20), () => "No message is in flight.");
        _ledger.LookUpFailure = new OperationCanceledException();

        await loops.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal((2, 0), (log.Count("Error"), log.Count("Warning")));
    }

    private UndeliverableMessages Converter(SagaScenario scenario) => new(
        _ledger, _deadLetters, _clock ?? new DatabaseClock(new FakeTimeProvider(scenario.Now)), Topics.Default);

    private static OutgoingMessage Message(SagaScenario scenario, CommandToSend sent) =>
        new MessageWriter(Topics.Default, new ResponseWriter(Topics.Default))
            .Command(scenario.Saga, sent, argumentsRef: null, _id, scenario.Now);

    private static StepCommand Command(SagaScenario scenario, CommandToSend sent) =>
        JsonSerializer.Deserialize(Message(scenario, sent).Value.Span, MessageJson.Default.StepCommand)!;

    private static SagaScenario Starts(string call = Effect) =>
        new SagaScenario($$"""
            contract: story
            version: 1.0.0
            input: {}
            initial: working
            states:
              working:
                steps:
                  - id: one
                    {{call}}
                next: done
              done: { end: completed }
              unwinding: { compensate: all, next: failed }
              failed: { end: failed }
            on_failure: unwinding
            """).Starts();
}
