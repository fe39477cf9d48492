using CsCheck;

namespace Onex.Tests.Unit.Engine;

/// <summary>
/// Sagas of a plan without branches, items and children receive random inputs in random order: results that are late, duplicated, lost or
/// rejected, events, early and late timers, operator commands, resends, and reloads from the row. The invariants hold after each of them,
/// and every saga ends once faults stop.
/// </summary>
public sealed class RandomEventsTests
{
    private static readonly string[] _events = ["remark", "other_card", "card", "give_up", "enough", "cancel"];
    private static readonly string[] _texts = ["", "bad", "fraud", "a", "b"];

    private static readonly Plan _plan = TestStates.Plan(
        [
            TestStates.State("reserving", "charging",
                [
                    TestStates.Set("count", TestStates.Put("rounds", "data.rounds + 1", TestStates.Number)),
                    TestStates.Effect(
                        "reserve", "data.note", compensation: "result.ref",
                        save: [TestStates.Put("reservation", "result.ref", TestStates.Text)]),
                ],
                on: [TestStates.On("remark", null, null, TestStates.Put("note", "event.text", TestStates.Text))]),
            TestStates.State("charging", "sealing",
                [
                    TestStates.Effect(
                        "charge", "data.note", compensation: "command_id", whenUnknown: WhenUnknown.Run,
                        reject: [new RejectRule(TestStates.Cel("result.ref == 'declined'"), "declined")],
                        catches: [new CatchRule(["declined"], "asking")]),
                    TestStates.Respond("reply", ("reservation", "data.reservation")),
                ],
                on:
                [
                    TestStates.On("remark", null, null, TestStates.Put("note", "event.text", TestStates.Text)),
                    TestStates.On("other_card", "asking"),
                ],
                timeout: TestStates.After(TimeSpan.FromMinutes(3), "asking")),
            TestStates.State("asking",
                on: [TestStates.On("card", "charging", "event.text != 'bad'"), TestStates.On("give_up", "refused")],
                timeout: TestStates.After(TimeSpan.FromHours(4), "unwinding")),
            TestStates.State("sealing",
                choose: [new Choice(TestStates.Cel("data.note == 'fraud'"), "unwinding", "fraud"), new Choice(null, "resting", null)],
                steps: [TestStates.Compute("seal")],
                on: [TestStates.On("give_up", "done_early")]),
            TestStates.State(
                "resting", "packing", [TestStates.Wait("rest", TimeSpan.FromMinutes(10)), TestStates.Effect("look", compensation: null)]),
            TestStates.State(
                "packing", "confirming",
                [TestStates.Effect("pack", compensation: "result.ref"), TestStates.Effect("label", compensation: "result.ref")]),
            TestStates.State("confirming", "done", [TestStates.Effect("confirm")], on: [TestStates.On("enough", "done")], pivot: true),
            TestStates.State(
                "refused", "done_early", [TestStates.Fail("refuse", "refused", "'No card.'", new CatchRule(["nothing"], "done_early"))]),
            TestStates.CompensatingState("unwinding", "unwound"),
            TestStates.End("done", output: TestStates.Map(("note", "data.note"))),
            TestStates.End("done_early"),
            TestStates.End("unwound", EndKind.Failed, TestStates.Map(("reason", "fault.code"))),
        ],
        onFailure: "unwinding",
        data:
        [
            TestStates.Field("rounds", TestStates.Number, CelValue.Int(0)),
            TestStates.Field("note", TestStates.Text, CelValue.String("")),
            TestStates.Field("reservation", TestStates.Text),
        ],
        events: [.. _events.Select(name => TestStates.Event(name))],
        anyState: [TestStates.On("cancel", "unwinding", "event.text != ''")],
        deadline: TestStates.After(TimeSpan.FromHours(12), "unwinding"));

    [Fact]
    public void Random_event_sequences_keep_the_invariants_of_a_saga() =>
        Gen.Int[0, 9_999].Array[20, 200].Sample(Run, iter: 400);

    private static void Run(int[] script)
    {
        var world = new FaultInjectionWorld(_plan)
        {
            HasTypeFaults = true,
            HasInvalidResults = true,
            Answers = Answer,
            Payloads = Payload,
        };
        try
        {
            world.Run(script);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"{failure.Message}\n{world.Report}", failure);
        }
    }

    private static string Answer(CommandToSend copy, Func<int, int> pick) =>
        copy.Step == "charge" && pick(3) == 0 ? """{"ref":"declined"}"""
        : copy.Step == "pack" && pick(9) == 0 ? "{}"
        : $$"""{"ref":"{{copy.Step}}"}""";

    private static string Payload(string name, Func<int, int> pick)
    {
        var text = name == "cancel" && pick(3) != 0 ? "" : _texts[pick(_texts.Length)];
        return pick(20) == 0 ? "{}" : $$"""{"text":"{{text}}"}""";
    }
}
