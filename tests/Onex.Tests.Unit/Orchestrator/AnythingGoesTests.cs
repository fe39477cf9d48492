using CsCheck;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Orchestrator.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Tests.Unit.Orchestrator;

/// <summary>
/// Sagas of a plan with everything in it, to which anything happens in any order: results that are late, doubled, lost or refused, events, timers
/// that fire early and late, operators, resends, reloads from the row. What must hold, holds after each of it; and once the world turns kind,
/// every saga ends.
/// </summary>
public sealed class AnythingGoesTests
{
    private static readonly string[] _events = ["remark", "other_card", "card", "give_up", "enough", "cancel"];

    private static readonly Plan _plan = Made.Plan(
        [
            Made.State("reserving", "charging",
                [
                    Made.Set("count", Made.Put("rounds", "data.rounds + 1", Made.Number)),
                    Made.Effect("reserve", "data.note", undo: "result.ref", save: [Made.Put("reservation", "result.ref", Made.Text)]),
                ],
                on: [Made.On("remark", null, null, Made.Put("note", "event.text", Made.Text))]),
            Made.State("charging", "sealing",
                [
                    Made.Effect(
                        "charge", "data.note", undo: "command_id", whenUnknown: true,
                        reject: [new RejectRule(Made.Cel("result.ref == 'declined'"), "declined")],
                        catches: [new CatchRule(["declined"], "asking")]),
                    Made.Respond("reply", ("reservation", "data.reservation")),
                ],
                on:
                [
                    Made.On("remark", null, null, Made.Put("note", "event.text", Made.Text)),
                    Made.On("other_card", "asking"),
                ],
                timeout: Made.After(TimeSpan.FromMinutes(3), "asking")),
            Made.State("asking",
                on: [Made.On("card", "charging", "event.text != 'bad'"), Made.On("give_up", "refused")],
                timeout: Made.After(TimeSpan.FromHours(4), "unwinding")),
            Made.State("sealing",
                choose: [new Choice(Made.Cel("data.note == 'fraud'"), "unwinding", "fraud"), new Choice(null, "resting", null)],
                steps: [Made.Compute("seal")],
                on: [Made.On("give_up", "done_early")]),
            Made.State("resting", "packing", [Made.Wait("rest", TimeSpan.FromMinutes(10)), Made.Effect("look", undo: null)]),
            Made.State("packing", "confirming", [Made.Effect("pack", undo: "result.ref"), Made.Effect("label", undo: "result.ref")]),
            Made.State("confirming", "done", [Made.Effect("confirm")], on: [Made.On("enough", "done")], pivot: true),
            Made.State("refused", "done_early", [Made.Fail("refuse", "refused", "'No card.'", new CatchRule(["nothing"], "done_early"))]),
            Made.Unwinding("unwinding", "unwound"),
            Made.End("done", output: Made.Map(("note", "data.note"))),
            Made.End("done_early"),
            Made.End("unwound", EndKind.Failed, Made.Map(("reason", "fault.code"))),
        ],
        onFailure: "unwinding",
        data:
        [
            Made.Field("rounds", Made.Number, CelValue.Int(0)),
            Made.Field("note", Made.Text, CelValue.String("")),
            Made.Field("reservation", Made.Text),
        ],
        events: [.. _events.Select(name => Made.Event(name))],
        anyState: [Made.On("cancel", "unwinding", "event.text != ''")],
        deadline: Made.After(TimeSpan.FromHours(12), "unwinding"));

    [Fact]
    public void Whatever_happens_in_whatever_order_a_saga_keeps_its_promises() =>
        Gen.Int[0, 9_999].Array[20, 200].Sample(Run, iter: 400);

    private static void Run(int[] script)
    {
        var chaos = new Chaos(_plan, _events);
        try
        {
            chaos.Run(script);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"{failure.Message}\n{chaos.Story}", failure);
        }
    }

    /// <summary>A world that does what a script of numbers says.</summary>
    private sealed class Chaos(Plan plan, string[] events)
    {
        private static readonly string[] _texts = ["", "bad", "fraud", "a", "b"];

        private readonly Story _story = new(plan);
        private readonly List<string> _log = [];
        private readonly Dictionary<Guid, Entry> _ledger = [];
        private readonly List<CommandToSend> _copies = [];
        private readonly List<StepResultArrived> _results = [];
        private readonly Dictionary<Guid, string> _arguments = [];
        private readonly HashSet<(string, string, int, int)> _work = [];
        private readonly HashSet<Guid> _skipped = [];
        private readonly HashSet<Guid> _givenUp = [];
        private readonly HashSet<Guid> _keeps = [];
        private readonly HashSet<Guid> _seen = [];
        private int _blocked;
        private int _ids;
        private int _dice;

        /// <summary>What has happened, the last of it.</summary>
        public string Story => string.Join('\n', _log.TakeLast(60));

        private SagaState Saga => _story.Saga;

        private bool Ended => Saga.EndedAt is not null;

        public void Run(int[] script)
        {
            Take(() => _story.Starts());
            foreach (var number in script)
            {
                _dice = number / 20;
                Happens(number % 20);
            }

            // The world turns kind. Waits of the plan end by themselves within a day.
            for (var i = 0; i < 400 && !Ended; i++)
            {
                Kindly();
            }

            Assert.True(Ended, $"The saga is stuck: {Waits.Tell(plan, Saga, _story.Now).Sentence}");
            CheckEnd();
        }

        private void Happens(int what)
        {
            switch (what)
            {
                case < 7:
                    RunCopy();
                    break;
                case < 11:
                    DeliverResult();
                    break;
                case < 14:
                    Wake(early: _dice % 5 == 0);
                    break;
                case < 17:
                    Tell();
                    break;
                case 17:
                    Ask(Pick(4) == 0 ? OperatorCommand.Cancel : OperatorCommand.Retry + Pick(4));
                    break;
                case 18 when _copies.Count > 0 && Pick(4) == 0:
                    var refused = _copies[Pick(_copies.Count)];
                    Deliver(Result(refused, StepOutcome.Undeliverable, null));
                    break;
                case 18:
                    Take(() => _story.LosesMessages());
                    break;
                default:
                    _story.After(TimeSpan.FromSeconds(Pick(500)));
                    break;
            }
        }

        // Someone takes a copy of a command, maybe an old one, and does with it what the ledger allows.
        private void RunCopy()
        {
            if (_copies.Count == 0)
            {
                return;
            }

            var copy = _copies[Pick(3) == 0 ? Pick(_copies.Count) : _copies.Count - 1];
            var entry = _ledger.TryGetValue(copy.CommandId, out var known) ? known : _ledger[copy.CommandId] = new Entry();
            if (copy.Kind == StepKind.Compute)
            {
                _results.Add(Result(copy, StepOutcome.Completed, Answer(copy)));
                return;
            }

            if (entry.Cancelled || entry.LeasedUntil > _story.Now || copy.NotAfter <= _story.Now)
            {
                return;
            }

            if (entry.Outcome is { } final && (final.Outcome != StepOutcome.Failed || copy.Attempt <= entry.Attempt))
            {
                _results.Add(final);
                return;
            }

            if (copy.Attempt < entry.Attempt)
            {
                return;
            }

            entry.Attempt = copy.Attempt;
            entry.Outcome = null;
            switch (Pick(8))
            {
                case 0 or 1 or 2 or 3:
                    Record(entry, Result(copy, StepOutcome.Completed, Answer(copy)));
                    break;
                case 4:
                    Record(entry, Result(copy, StepOutcome.Rejected, null));
                    break;
                case 5 or 6:
                    Record(entry, Result(copy, StepOutcome.Failed, null));
                    break;
                default:
                    entry.LeasedUntil = _story.Now + TimeSpan.FromSeconds(12);
                    break;
            }
        }

        private void Record(Entry entry, StepResultArrived result)
        {
            entry.Outcome = result;
            Log("recorded:", result);
            if (Pick(4) != 0)
            {
                _results.Add(result);
            }
        }

        private string Answer(CommandToSend copy) =>
            copy.Step == "charge" && Pick(3) == 0 ? """{"ref":"declined"}"""
            : copy.Step == "pack" && Pick(9) == 0 ? "{}"
            : $$"""{"ref":"{{copy.Step}}"}""";

        private void Log(string what, StepResultArrived result) => _log.Add(
            $"{_story.Now:HH:mm:ss} {what} {result.Outcome} #{result.Attempt} of {_copies.First(copy => copy.CommandId == result.CommandId).Step}");

        private void DeliverResult()
        {
            if (_results.Count > 0)
            {
                Deliver(_results[Pick(2) == 0 ? _results.Count - 1 : Pick(_results.Count)]);
            }
        }

        private void Deliver(StepResultArrived result)
        {
            Log("arrives:", result);
            Take(() => _story.Takes(result));
        }

        // As main does it: the ledger is asked first, what is interrupted is cancelled in it, and an outcome that it knows comes before the timer.
        private void Wake(bool early)
        {
            if (Saga.NextWakeupAt is { } at && at > _story.Now && !early)
            {
                _story.After(at - _story.Now);
            }

            var leases = new Dictionary<Guid, Lease>();
            var cancel = Timers.ToCancel(plan, Saga, _story.Now).ToList();
            foreach (var id in cancel.Concat(Timers.InNeedOfLedger(plan, Saga, _story.Now)).ToList())
            {
                if (!_ledger.TryGetValue(id, out var entry))
                {
                    if (!cancel.Contains(id))
                    {
                        continue;
                    }

                    entry = _ledger[id] = new Entry { Cancelled = true };
                }

                var attempt = Saga.Outstanding.First(command => command.CommandId == id).Attempt;
                if (entry.Outcome is { } outcome && (outcome.Outcome != StepOutcome.Failed || outcome.Attempt >= attempt))
                {
                    Deliver(outcome);
                    return;
                }

                if (entry.Outcome is null)
                {
                    leases[id] = new Lease(entry.Attempt, entry.LeasedUntil > _story.Now ? entry.LeasedUntil : null) { Cancelled = entry.Cancelled };
                }
            }

            Take(() => _story.Fires(id => leases.GetValueOrDefault(id)));
        }

        private void Tell()
        {
            var id = Pick(6) == 0 && _ids > 0 ? Id(Pick(_ids)) : Id(_ids++);
            var name = events[Pick(events.Length)];
            var text = name == "cancel" && Pick(3) != 0 ? "" : _texts[Pick(_texts.Length)];

            // What was seen before, the store refuses.
            if (!_seen.Contains(id))
            {
                Take(() => _story.Tells(name, Pick(20) == 0 ? "{}" : $$"""{"text":"{{text}}"}""", id));
            }
        }

        private static Guid Id(int number) => Identity.OfRequest(Guid.Empty, $"message {number}");

        private void Ask(OperatorCommand command)
        {
            var blockage = Saga.Blockage;
            Take(() => _story.Asks(command, "alice", "because"));
            if (_story.Last.NotDone is not null)
            {
                Assert.False(_story.Last.Changed);
            }
            else if (command == OperatorCommand.Skip && blockage is { CommandId: { } id })
            {
                _skipped.Add(id);
            }
        }

        private void Kindly()
        {
            _dice = 4;
            if (Saga.PausedBy is not null && Saga.Blockage is null)
            {
                Ask(OperatorCommand.Resume);
            }
            else if (Saga.Blockage is { } blockage)
            {
                Ask(blockage.Kind == BlockedBy.Way || ++_blocked % 2 == 1 ? OperatorCommand.Retry : OperatorCommand.Skip);
            }
            else if (Saga.Outstanding.FirstOrDefault(command => command.Phase == AttemptPhase.InFlight) is { } command)
            {
                var entry = _ledger.TryGetValue(command.CommandId, out var known) ? known : _ledger[command.CommandId] = new Entry();
                var copy = _copies.Last(copy => copy.CommandId == command.CommandId);
                if (entry.Cancelled
                    || entry.LeasedUntil > _story.Now
                    || copy.Attempt < command.Attempt
                    || (entry.Outcome is null && command.NotAfter <= _story.Now))
                {
                    Wake(early: false);
                    return;
                }

                if (entry.Outcome is null || (entry.Outcome.Outcome == StepOutcome.Failed && entry.Attempt < copy.Attempt))
                {
                    entry.Attempt = copy.Attempt;
                    entry.Outcome = Result(copy, StepOutcome.Completed, $$"""{"ref":"{{copy.Step}}"}""");
                }

                Deliver(entry.Outcome);
            }
            else
            {
                Wake(early: false);
            }
        }

        private StepResultArrived Result(CommandToSend copy, StepOutcome outcome, string? result) => new()
        {
            SagaId = Saga.Facts.SagaId,
            CausedBy = Identity.Result(copy.CommandId, copy.Attempt, outcome.ToString()),
            CommandId = copy.CommandId,
            Attempt = copy.Attempt,
            Outcome = outcome,
            Result = result is null ? null : CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(result)),
            Code = outcome == StepOutcome.Completed ? null : "some_code",
            Message = outcome == StepOutcome.Completed ? null : "Because.",
        };

        private void Take(Action happens)
        {
            var before = _ids == 0 && _arguments.Count == 0 ? null : Saga;
            happens();
            _log.AddRange(_story.Last.History.Select(note => $"{note.At:HH:mm:ss} {note.Kind} {note.State} {note.Step} {note.Detail}"));
            if (before is not null)
            {
                CheckMove(before);
            }

            CheckCommands();
            CheckState();

            // Half of the time the row is read again before the next message.
            if (_dice % 2 == 0)
            {
                var there = Saga;
                _story.Reloads(SagaRowsTests.There_and_back(plan, there));
                Assert.Equal(Told.Of(there), Told.Of(Saga));
            }
        }

        private void CheckMove(SagaState before)
        {
            var decision = _story.Last;
            Assert.True(Saga.UpdatedAt >= before.UpdatedAt);
            if (!decision.Changed)
            {
                Assert.Same(before, Saga);
                Assert.Empty(decision.Commands);
                Assert.Empty(decision.History);
                Assert.Empty(decision.Seen);
            }

            // A step that finally failed may have happened, or happen later still; only `when_unknown` takes that back.
            _givenUp.UnionWith(
                from note in decision.History
                where note.Kind == HistoryKinds.StepFailed
                from command in before.Outstanding
                where command.Step == note.Step && command.Direction == StepDirections.Do
                where PlanFacts.Of(plan).Step(command.Step).Compensation is not { WhenUnknown: true }
                select command.CommandId);

            // What is kept was seen when it came; it leaves by being taken or by being refused, and never twice.
            Assert.All(decision.Seen, id => Assert.True(_seen.Add(id)));
            Assert.All(Saga.Early, kept => Assert.Contains(kept.MessageId, _seen));
            foreach (var kept in Saga.Early.Where(kept => _keeps.Add(kept.MessageId)))
            {
                Assert.Contains(kept.MessageId, decision.Seen);
            }

            Assert.All(decision.Refusals, refusal => Assert.DoesNotContain(Saga.Early, kept => kept.MessageId == refusal.Event.MessageId));
        }

        private void CheckCommands()
        {
            foreach (var command in _story.Last.Changed ? _story.Last.Commands : [])
            {
                Assert.Null(Saga.PausedBy);
                _copies.Add(command);
                var arguments = command.Arguments.ToString();
                if (_arguments.TryAdd(command.CommandId, arguments))
                {
                    var outstanding = Saga.Outstanding.First(other => other.CommandId == command.CommandId);
                    var visit = command.Direction == StepDirections.Do ? Saga.Visits[PlanFacts.Of(plan).StateOf(command.Step)] : Undone(command.CommandId);
                    Assert.True(_work.Add((command.Step, command.Direction, visit, outstanding.Round)), $"'{command.Step}' was commanded twice.");
                    Assert.Equal(1, command.Attempt);
                }

                Assert.Equal(_arguments[command.CommandId], arguments);
            }
        }

        // Which of the commands so far a compensation is for.
        private int Undone(Guid compensationId)
        {
            var undo = Saga.Undo.Single(undo => undo.CompensationId == compensationId);
            return _copies.FindIndex(copy => copy.CommandId == undo.CommandId);
        }

        private void CheckState()
        {
            if (Ended)
            {
                Assert.Empty(Saga.Outstanding);
                Assert.Empty(Saga.Early);
                Assert.Empty(Saga.Undo);
                Assert.Null(Saga.NextWakeupAt);
                return;
            }

            Assert.NotEqual(StateKind.End, plan.State(Saga.State).Kind);
            Assert.True(
                Saga.NextWakeupAt is not null || !Saga.WaitingFor.IsEmpty || Saga.Status is SagaStatus.Blocked or SagaStatus.Paused,
                $"Nothing will ever happen to the saga in '{Saga.State}'.");
            Assert.Equal(Saga.Blockage is not null, Saga.Status == SagaStatus.Blocked);
            Assert.True(Saga.Outstanding.Length <= 1);
            Assert.All(Saga.Undo, undo => Assert.False(Saga.PastPivot, undo.Step));
        }

        private void CheckEnd()
        {
            Assert.Empty(Timers.ToCancel(plan, Saga, _story.Now));

            // One logical response, or none besides that of `respond`.
            Assert.Single(_story.Answers);
            if (Saga.PastPivot || Saga.State == "done_early")
            {
                return;
            }

            Assert.Equal("unwound", Saga.State);
            var completed = _ledger
                .Where(entry => entry.Value.Outcome?.Outcome == StepOutcome.Completed)
                .Select(entry => _copies.First(copy => copy.CommandId == entry.Key))
                .ToList();
            var undone = completed.Where(copy => copy.Direction == StepDirections.Compensate).Select(copy => copy.CommandId).ToHashSet();
            foreach (var step in completed.Where(copy => copy.Direction == StepDirections.Do))
            {
                var rejected = _ledger[step.CommandId].Outcome!.Result!.Value.TryGetField("ref", out var value) && value.Equals(CelValue.String("declined"));
                var times = Enumerable.Range(0, 50).Count(round => undone.Contains(Identity.Compensation(step.CommandId, round)));
                var skipped = _skipped.Contains(step.CommandId)
                    || _givenUp.Contains(step.CommandId)
                    || Enumerable.Range(0, 50).Any(round => _skipped.Contains(Identity.Compensation(step.CommandId, round)));
                var compensation = PlanFacts.Of(plan).Step(step.Step).Compensation;
                var wants = compensation is not null && !rejected ? 1 : 0;

                // Taken back once although it had been declined: nobody could tell then.
                var harmless = rejected && times == 1 && compensation is { WhenUnknown: true };
                Assert.True(
                    times == wants || harmless || (skipped && times == 0),
                    $"'{step.Step}' completed and was taken back {times} times instead of {wants}.");
            }
        }

        private int Pick(int below)
        {
            _dice = (int)(((uint)_dice * 1_103_515_245u) + 12_345u) & 0x7FFF_FFFF;
            return _dice / 7 % below;
        }

        private sealed class Entry
        {
            public int Attempt { get; set; }

            public DateTimeOffset LeasedUntil { get; set; }

            public bool Cancelled { get; set; }

            public StepResultArrived? Outcome { get; set; }
        }
    }
}
