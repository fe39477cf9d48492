using System.Globalization;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;

namespace Onex.Engine.Examples;

/// <summary>Compares the result of an example with its expectations.</summary>
internal static class Expectations
{
    /// <summary>
    /// The expectations that are not met. If the saga reached another state, only that is reported, because the other differences follow
    /// from it.
    /// </summary>
    public static IEnumerable<ExampleProblem> Unmet(
        Plan plan, ExamplePlan example, SagaState saga, IReadOnlyList<HistoryNote> history, DateTimeOffset now)
    {
        var expected = example.Expect;
        var unmet = new List<(string Key, string What)>();
        if (Ending(expected, saga) is { } ending)
        {
            unmet.Add(ending);
        }
        else
        {
            Compare("fault", expected.Fault, saga.Fault?.Code ?? "none");
            Sequence("visited", expected.Visited, history, HistoryKind.StateEntered, note => note.State);
            Sequence("compensated", expected.Compensated, history, HistoryKind.CompensationCompleted, note => note.Step!);
            Value("output", expected.Output, saga.Output, WhyNoOutput(plan, saga, now));
            Value("responded", expected.Responded, saga.Response, null);
        }

        return unmet.Select(entry => new ExampleProblem(
            ExampleProblemKind.NotAsExpected, Place(example, entry.Key), example.Name, entry.What, HistoryText.Remedy(history)));

        void Compare(string key, string? wanted, string actual)
        {
            if (wanted is not null && wanted != actual)
            {
                unmet.Add((key, $"'{key}' is {actual}, not {wanted}"));
            }
        }

        void Sequence(
            string key, IReadOnlyList<string>? wanted, IEnumerable<HistoryNote> notes, HistoryKind kind, Func<HistoryNote, string> name)
        {
            var actual = notes.Where(note => note.Kind == kind).Select(name).ToList();
            if (wanted is not null && !actual.SequenceEqual(wanted, StringComparer.Ordinal))
            {
                unmet.Add((key, $"'{key}' is [{string.Join(", ", actual)}]"));
            }
        }

        void Value(string key, CelValue? wanted, RawJson? actual, string? why)
        {
            CelValue? value = actual is { } json ? CelValue.FromJson(json.Utf8.Span) : null;
            if (wanted is { } expectedValue && Difference(expectedValue, value, "") is { } difference)
            {
                unmet.Add((key, $"'{key}'{difference}{(why is null ? "" : $" ({why.TrimEnd('.')})")}"));
            }
        }
    }

    /// <summary>Why a failed end that declares an output has none, or null.</summary>
    public static string? WhyNoOutput(Plan plan, SagaState saga, DateTimeOffset now) =>
        saga is { EndedAt: not null, Output: null }
            && plan.State(saga.State).Output?.Evaluate(new SagaScope(plan, saga, now)) is { IsError: true } error
            ? error.AsError()
            : null;

    private static (string Key, string What)? Ending(Expectation expected, SagaState saga)
    {
        var (key, wanted, holds) = expected switch
        {
            { Waiting: { } state } => ("waiting", $"wait in '{state}'", saga is { EndedAt: null, Blockage: null } && saga.State == state),
            { Blocked: { } state } => ("blocked", $"be blocked in '{state}'", saga.Blockage is not null && saga.State == state),
            _ => (
                "end",
                expected.End == EndKind.Completed ? "end completed" : "end failed",
                saga.Status == (expected.End == EndKind.Completed ? SagaStatus.Completed : SagaStatus.Failed)),
        };
        var fault = saga is { EndedAt: not null, Fault: { } cause } ? $" with the fault {cause.Code}" : "";
        return holds ? null : (key, $"the saga was to {wanted}, but {HistoryText.Whereabouts(saga)}{fault}");
    }

    // Fields of maps that are not expected are ignored. Null if there is no difference.
    private static string? Difference(CelValue wanted, CelValue? actual, string pointer)
    {
        if (actual is not { } value)
        {
            return $"{At(pointer)} is missing";
        }

        if (wanted.Kind == CelKind.Map && value.Kind == CelKind.Map)
        {
            return wanted.AsMap()
                .Select(
                    entry => Difference(entry.Value, value.TryGetField(entry.Key, out var field) ? field : null, $"{pointer}/{entry.Key}"))
                .FirstOrDefault(difference => difference is not null);
        }

        if (wanted.Kind == CelKind.List && value.Kind == CelKind.List && wanted.AsList().Count == value.AsList().Count)
        {
            return wanted.AsList()
                .Zip(value.AsList())
                .Select((pair, index) => Difference(pair.First, pair.Second, $"{pointer}/{index.ToString(CultureInfo.InvariantCulture)}"))
                .FirstOrDefault(difference => difference is not null);
        }

        return wanted == value ? null : $"{At(pointer)} is {Spelling.Clip(Text(value))}, not {Spelling.Clip(Text(wanted))}";
    }

    private static string At(string pointer) => pointer.Length == 0 ? "" : $" at {pointer}";

    private static string Text(CelValue value) => ValueJson.TryWrite(value, out var json, out var problem) ? json.ToString() : problem!;

    private static SourceSpan Place(ExamplePlan example, string key) => example.Expect.Places.GetValueOrDefault(key, example.At);
}
