using System.Collections.Concurrent;
using System.Reflection;
using Onex.Orchestrator.Mapping;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Mapping;

/// <summary>The mapping of a saga to its row and back loses and changes nothing.</summary>
public sealed class SagaRowsTests
{
    private static readonly DateTimeOffset _at = new(2026, 11, 24, 8, 0, 0, 123, TimeSpan.Zero);

    private static readonly Plan _plan = TestStates.Plan(
        [TestStates.State("asking", on: [TestStates.On("card", "done")]), TestStates.End("done")],
        data: [TestStates.Field("since", TestStates.Time)],
        events: [TestStates.Event("card")]);

    public static TheoryData<string> Cases() => [.. _cases.Keys];

    // Each case changes a saga that has just started.
    private static readonly Dictionary<string, Func<SagaState, SagaState>> _cases = new()
    {
        ["as it starts"] = saga => saga,
        ["data"] = saga => saga with { Data = saga.Data.SetItem("since", CelValue.Timestamp(_at)) },
        ["times"] = saga =>
            saga with
            {
                EnteredAt = _at.AddTicks(17),
                StateDueAt = _at.AddHours(1),
                DeadlineAt = _at.AddHours(2),
                WaitUntil = _at.AddDays(3),
            },
        ["waiting"] = saga => saga with { Status = SagaStatus.Waiting, WaitingFor = ["card", "cancel"] },
        ["leaving"] = saga => saga with { Leaving = new Departure("done") },
        ["blocked"] = saga => saga with
        {
            Status = SagaStatus.Blocked,
            Blockages = [new Blockage(BlockedBy.Transition, null, null, 0, _at, "No transition from state 'asking' applies.")],
        },
        ["blocked by a command"] = saga => saga with
        {
            Status = SagaStatus.Blocked,
            Blockages =
            [
                new Blockage(
                    BlockedBy.Compensation,
                    "charge",
                    new CommandId(Guid.Parse("0e2bd9f1-52ae-4e96-8a3c-0a8e6d4d6ff1")),
                    3,
                    _at,
                    "It was rejected."),
                new Blockage(
                    BlockedBy.Step,
                    "pack",
                    new CommandId(Guid.Parse("0e2bd9f1-52ae-4e96-8a3c-0a8e6d4d6ff2")),
                    0,
                    _at,
                    "It was rejected too.") { Item = 7 },
            ],
        },
        ["paused"] = saga => saga with { Status = SagaStatus.Paused, PausedBy = new OperatorRequest("alice", "stocktaking", _at) },
        ["cancelled"] = saga => saga with { CancelledBy = new OperatorRequest("bob", null, _at) },
        ["response"] = saga => saga with { Response = RawJson.FromText("""{ "order": 7 }""") },
        ["silent"] = saga => saga with { Facts = saga.Facts with { Requester = saga.Facts.Requester with { Silent = true } } },
        ["outstanding"] = saga => saga with
        {
            Outstanding = [.. Enum.GetValues<AttemptPhase>().Select(phase => Command(phase)), CommandWithAllFields()],
        },
        ["compensable"] = saga => saga with
        {
            Compensables = [
                new Compensable(
                    "charge",
                    "asking",
                    new CommandId(Guid.Parse("0e2bd9f1-52ae-4e96-8a3c-0a8e6d4d6ff1")),
                    RawJson.FromText("""{"ref":"p"}""")) { RetryPass = 2 }],
        },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_saga_survives_a_round_trip_of_its_row(string name)
    {
        var saga = _cases[name](new SagaScenario(_plan).Starts().Saga);

        Assert.Equal(StateText.From(saga), StateText.From(RoundTrip(_plan, saga)));
    }

    [Fact]
    public void The_row_shows_whether_the_saga_has_responded()
    {
        var saga = new SagaScenario(_plan).Starts().Saga with { Response = RawJson.EmptyObject };

        Assert.Contains("\"responded\":true", SagaRows.ToRow(saga, 1, Guid.Empty).Progress.ToString(), StringComparison.Ordinal);
    }

    // A newer version may have further directions. If one were read as a compensation, the wrong operation would run.
    [Fact]
    public void A_stored_direction_that_is_unknown_cannot_be_read()
    {
        var saga = new SagaScenario(_plan).Starts().Saga with { Outstanding = [Command(AttemptPhase.InFlight)] };
        var row = SagaRows.ToRow(saga, 1, Guid.Empty);
        row = row with
        {
            Progress = RawJson.FromText(row.Progress.ToString().Replace("\"do\"", "\"rewind\"", StringComparison.Ordinal)),
        };

        var failure = Assert.Throws<InvalidOperationException>(() => SagaRows.FromRow(_plan, row, RawJson.EmptyObject, out _));

        Assert.Contains("'rewind'", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_row_shows_what_a_saga_waits_for()
    {
        var progress = SagaRows.ToRow(new SagaScenario(_plan).Starts().Saga, 1, Guid.Empty).Progress.ToString();

        Assert.Equal("""{"step":0,"entered_at":"2026-11-24T08:00:00+00:00","waiting_for":["card"],"visits":{"asking":1}}""", progress);
    }

    /// <summary>
    /// Maps a saga to its row and back. Copies buffered events, output and response from the saga, because they are not part of the row.
    /// </summary>
    internal static SagaState RoundTrip(Plan plan, SagaState saga)
    {
        var row = SagaRows.ToRow(saga, 1, Guid.Empty);
        _ = ValueJson.TryWrite(saga.Facts.Input, out var input, out _);
        row = row with
        {
            Data = AsJsonb(row.Data),
            Progress = AsJsonb(row.Progress),
            Fault = row.Fault is { } fault ? AsJsonb(fault) : null,
        };
        return SagaRows.FromRow(plan, row, input, out _) with
        {
            BufferedEvents = saga.BufferedEvents,
            Output = saga.Output,
            Response = saga.Response,
        };
    }

    // PostgreSQL's jsonb changes the order of object members.
    private static RawJson AsJsonb(RawJson json) => StoredOrder.Sort(json);

    private static Outstanding Command(AttemptPhase phase) => new()
    {
        CommandId = new(Guid.Parse("0e2bd9f1-52ae-4e96-8a3c-0a8e6d4d6ff1")),
        Step = "charge",
        Direction = StepDirection.Forward,
        Attempt = 2,
        Phase = phase,
        DueAt = _at,
        FirstSentAt = _at.AddHours(-1),
    };

    private static Outstanding CommandWithAllFields() => Command(AttemptPhase.InFlight) with
    {
        Resends = 1,
        Interrupted = true,
        Kept = true,
        RetryPass = 2,
        AttemptsBefore = 3,
        RetriedAt = _at.AddMinutes(1),
        Arguments = RawJson.FromText("""{ "zz": 1.0, "a": "b" }"""),
        ArgumentsIfUnknown = RawJson.FromText("""{"a":1,"bb":2}"""),
    };
}

/// <summary>The whole state of a saga as text, for comparisons: records that contain collections do not compare by content.</summary>
internal static class StateText
{
    // Reading the properties is slow, and a garbage collection clears the runtime's own cache of them.
    private static readonly ConcurrentDictionary<Type, PropertyInfo[]> _properties = new();

    public static string From(object? value)
    {
        var text = new StringBuilder();
        Write(text, value, "");
        return text.ToString();
    }

    private static void Write(StringBuilder text, object? value, string indent)
    {
        switch (value)
        {
            case null:
                text.AppendLine("null");
                break;
            case string or Guid or SagaId or CommandId or MessageId or DateTimeOffset or bool or int or long or Enum or RawJson:
                text.AppendLine(value is DateTimeOffset at ? at.ToString("O") : value.ToString());
                break;
            case CelValue celValue:
                text.Append(celValue.Kind)
                    .Append(' ')
                    .AppendLine(ValueJson.TryWrite(StoredOrder.Sort(celValue), out var json, out _) ? json.ToString() : "?");
                break;
            case System.Collections.IDictionary map:
                text.AppendLine();
                foreach (var key in map.Keys.Cast<string>().Order(StringComparer.Ordinal))
                {
                    text.Append(indent).Append("  ").Append(key).Append(": ");
                    Write(text, map[key], indent + "  ");
                }

                break;
            case System.Collections.IEnumerable items:
                text.AppendLine();
                foreach (var item in items)
                {
                    text.Append(indent).Append("  - ");
                    Write(text, item, indent + "    ");
                }

                break;
            default:
                text.AppendLine();
                foreach (var property in _properties.GetOrAdd(value.GetType(), PropertiesOf))
                {
                    text.Append(indent).Append("  ").Append(property.Name).Append(": ");
                    Write(text, property.GetValue(value), indent + "  ");
                }

                break;
        }
    }

    private static PropertyInfo[] PropertiesOf(Type type) =>
        [.. type.GetProperties().Where(property => property.Name != "EqualityContract")];
}
