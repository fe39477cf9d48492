using CsCheck;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Tests.Unit.Orchestrator;

/// <summary>
/// Sagas of a plan with everything in it, to which anything happens in any order: results that are late, doubled, lost or refused, events, timers
/// that fire early and late, operators, resends, reloads from the row. What must hold, holds after each of it; and once the world turns kind,
/// every saga ends.
/// </summary>
public sealed class AnythingGoesTests
{
    private static readonly string[] _events = ["remark", "other_card", "card", "give_up", "enough", "cancel"];
    private static readonly string[] _texts = ["", "bad", "fraud", "a", "b"];

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
                        "charge", "data.note", undo: "command_id", whenUnknown: WhenUnknown.Run,
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
        var chaos = new Chaos(_plan) { HasTypeFaults = true, HasUnusableAnswers = true, Answers = Answer, Payloads = Payload };
        try
        {
            chaos.Run(script);
        }
        catch (Exception failure)
        {
            throw new InvalidOperationException($"{failure.Message}\n{chaos.Told}", failure);
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
