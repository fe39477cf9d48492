using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>Reads examples. The engine runs them.</summary>
/// <param name="scope">The contract, whose other parts have been read.</param>
/// <param name="input">The schema of a request's payload; null if the contract has none.</param>
internal sealed class ExampleReader(ContractScope scope, JsonSchema? input)
{
    private static readonly string[] _outcomeKeys = ["end", "waiting", "blocked"];
    private static readonly string[] _impliedStates = ["compensating", "failed", "compensation_done"];

    /// <summary>The examples that have a name and an expectation. Reports all errors, also those of the examples that it returns.</summary>
    public ImmutableArray<ExamplePlan> Read(SyntaxNode? node)
    {
        var items = scope.List(node, "'examples'")?.Items ?? [];
        if (items.Count > Limits.ExamplesMax)
        {
            scope.Report(ContractDiagnostics.TooMany(items[Limits.ExamplesMax].At, "examples", Limits.ExamplesMax));
        }

        var examples = ImmutableArray.CreateBuilder<ExamplePlan>();
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var item in items.Take(Limits.ExamplesMax))
        {
            if (scope.Map(item, "an example") is { } map && ReadExample(map, names) is { } example)
            {
                examples.Add(example);
            }
        }

        return examples.ToImmutable();
    }

    private ExamplePlan? ReadExample(MapSyntax map, HashSet<string> names)
    {
        scope.CheckKeys(map, Keys.Example);
        Require(map, "an example", "name", "Add 'name: what it shows'.");
        Require(map, "an example", "expect", "Add 'expect: { end: completed }', or another expectation.");
        var name = scope.Text(map.Find("name"), "'name'");
        if (name is not null && !names.Add(name.Text))
        {
            scope.Report(ContractDiagnostics.DuplicateExample(name.At, name.Text));
        }

        var payload = ReadInput(map);
        var startedAt = ReadTime(map.Find("started_at"));
        var scripts = ReadScripts(map.Find("steps"));
        var events = ReadEvents(map.Find("events"));
        var expect = ReadExpectation(scope.Map(map.Find("expect"), "'expect'"));
        return name is null || expect is null
            ? null
            : new ExamplePlan
            {
                Name = name.Text,
                At = name.At,
                Input = payload,
                StartedAt = startedAt,
                Scripts = scripts,
                Events = events,
                Expect = expect,
            };
    }

    // Without `input` the payload is an empty map.
    private CelValue ReadInput(MapSyntax example)
    {
        var node = example.Find("input");
        var value = node?.ToValue() ?? CelValue.Map([]);
        if (input is null)
        {
            return value;
        }

        var problems = input.Validate(value, out var typed);
        foreach (var problem in problems.DistinctBy(problem => problem.Pointer))
        {
            var at = node is null ? example.At : node.Locate(problem.Pointer).At;
            scope.Report(ContractDiagnostics.ExampleInputWrong(at, problem.ToString()));
        }

        return typed;
    }

    private DateTimeOffset? ReadTime(SyntaxNode? node)
    {
        if (scope.Text(node, "'started_at'") is not { } text)
        {
            return null;
        }

        if (DateTimeOffset.TryParse(text.Text, CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time))
        {
            return time;
        }

        scope.Report(
            ContractDiagnostics.WrongType(text.At, "'started_at'", "a time like '2027-01-31T08:00:00Z'", $"'{Spelling.Clip(text.Text)}'"));
        return null;
    }

    private FrozenDictionary<string, Script> ReadScripts(SyntaxNode? node)
    {
        var scripts = new Dictionary<string, Script>(StringComparer.Ordinal);
        foreach (var (key, value) in scope.Map(node, "'steps' of an example")?.Entries ?? [])
        {
            var isCompensation = key.Text.EndsWith(".compensate", StringComparison.Ordinal);
            var step = isCompensation ? key.Text[..^".compensate".Length] : key.Text;
            if (!scope.Declared.Steps.ContainsKey(step))
            {
                scope.Report(ContractDiagnostics.UndeclaredStep(key.At, step, scope.Declared.Steps.Keys));
            }
            else if (isCompensation && !scope.Declared.WithCompensation.Contains(step))
            {
                scope.Report(ContractDiagnostics.ScriptWrong(
                    key.At, key.Text, "is for a compensation that the step does not have",
                    "Remove it, or add 'compensate' to the step."));
            }
            else if (scope.Declared.WithoutResult.Contains(step))
            {
                scope.Report(ContractDiagnostics.ScriptWrong(
                    key.At, key.Text, "is for a step that has no result", "Remove it."));
            }

            scripts[key.Text] = new Script(key.At, ReadAnswers(key.Text, value));
        }

        return scripts.ToFrozenDictionary(StringComparer.Ordinal);
    }

    private ImmutableArray<ScriptedAnswer> ReadAnswers(string step, SyntaxNode node)
    {
        if (node is not ListSyntax list)
        {
            return [ReadAnswer(step, node)];
        }

        if (list.Items.Count == 0)
        {
            scope.Report(ContractDiagnostics.ScriptWrong(
                list.At, step, "has no outcome", "Write an outcome for every attempt: [{ failed: timeout }, { body: { id: a } }]."));
            return [new ScriptedAnswer(ScriptedOutcome.Answered, CelValue.Map([]), null)];
        }

        return [.. list.Items.Select(item => ReadAnswer(step, item))];
    }

    // `{ failed: code }` and `{ rejected: code }` are failures; any other value is the result.
    private ScriptedAnswer ReadAnswer(string step, SyntaxNode node)
    {
        if (node is not MapSyntax { Entries: [var (key, value)] } || key.Text is not ("failed" or "rejected"))
        {
            return new ScriptedAnswer(ScriptedOutcome.Answered, node.ToValue(), null);
        }

        if (value is not ScalarSyntax { IsText: true, Text.Length: > 0 })
        {
            scope.Report(ContractDiagnostics.ScriptWrong(
                value.At, step, $"has no code for '{key.Text}'", $"Write '{{ {key.Text}: some_code }}'."));
        }

        return new ScriptedAnswer(
            key.Text == "failed" ? ScriptedOutcome.Failed : ScriptedOutcome.Rejected, CelValue.Null, (value as ScalarSyntax)?.Text ?? "");
    }

    private ImmutableArray<ExampleEvent> ReadEvents(SyntaxNode? node)
    {
        var events = ImmutableArray.CreateBuilder<ExampleEvent>();
        foreach (var item in scope.List(node, "'events' of an example")?.Items ?? [])
        {
            if (scope.Map(item, "an entry of an example's events") is not { } map)
            {
                continue;
            }

            scope.CheckKeys(map, Keys.ExampleEvent);
            Require(map, "an entry of an example's events", "at", "Add 'at: some_state': it happens when the saga is in that state.");
            if (!map.Has("event") && !map.Has("after"))
            {
                Require(map, "an entry of an example's events", "event", "Add 'event: some_event', or 'after: 48h' to let time go by.");
            }

            var state = StateName(map.Find("at"), "'at'");
            var after = scope.Duration(map.Find("after"));
            var name = scope.Text(map.Find("event"), "'event'");
            var data = name is null ? CelValue.Null : ReadData(map, name);
            var declined = map.Find("refused");
            if (declined is not (null or ScalarSyntax { Bool: not null }))
            {
                scope.Report(ContractDiagnostics.WrongType(declined.At, "'refused'", "true or false", declined.Kind));
            }

            if (state is not null && (name is not null || after is not null))
            {
                events.Add(new ExampleEvent(map.At, state, name?.Text, data, after, declined is ScalarSyntax { Bool: true }));
            }
        }

        return events.ToImmutable();
    }

    private CelValue ReadData(MapSyntax map, ScalarSyntax name)
    {
        if (!scope.Declared.Events.TryGetValue(name.Text, out var declared))
        {
            scope.Report(ContractDiagnostics.UndeclaredEvent(name.At, name.Text, scope.Declared.Events.Keys));
            return CelValue.Null;
        }

        var node = map.Find("with");
        if (!declared.Data.TryConvert(node?.ToValue() ?? CelValue.Map([]), out var typed, out var problem))
        {
            var at = node is null ? map.At : node.Locate(problem!.Pointer).At;
            scope.Report(ContractDiagnostics.ExampleEventWrong(at, name.Text, problem!.ToString()));
        }

        return typed;
    }

    private Expectation? ReadExpectation(MapSyntax? map)
    {
        if (map is null)
        {
            return null;
        }

        scope.CheckKeys(map, Keys.Expect);
        var outcomes = _outcomeKeys.Where(map.Has).ToList();
        if (outcomes.Count == 0)
        {
            Require(map, "'expect'", "end", "Add 'end: completed', 'end: failed', 'waiting: some_state' or 'blocked: some_state'.");
        }
        else if (outcomes.Count > 1)
        {
            scope.Report(ContractDiagnostics.KeysExclude(
                map.KeyAt(outcomes[1]), "'expect'", outcomes[0], outcomes[1], "Keep only the outcome that you expect."));
        }

        return new Expectation
        {
            Places = map.Entries.ToFrozenDictionary(entry => entry.Key.Text, entry => entry.Value.At, StringComparer.Ordinal),
            End = ReadEnd(map.Find("end")),
            Waiting = StateName(map.Find("waiting"), "'waiting'"),
            Blocked = StateName(map.Find("blocked"), "'blocked'"),
            Fault = scope.Text(map.Find("fault"), "'fault'")?.Text,
            Visited = scope.List(map.Find("visited"), "'visited'") is { } visited
                ? [.. visited.Items.Select(item => StateName(item, "a state")).OfType<string>()]
                : null,
            Compensated = scope.List(map.Find("compensated"), "'compensated'") is { } compensated
                ? [.. compensated.Items.Select(StepName).OfType<string>()]
                : null,
            Output = map.Find("output")?.ToValue(),
            Responded = map.Find("responded")?.ToValue(),
        };
    }

    private EndKind? ReadEnd(SyntaxNode? node)
    {
        if (node is null or ScalarSyntax { Text: "completed" or "failed" })
        {
            return (node as ScalarSyntax)?.Text switch { "completed" => EndKind.Completed, "failed" => EndKind.Failed, _ => null };
        }

        scope.Report(ContractDiagnostics.WrongType(node.At, "'end'", "'completed' or 'failed'", node.Kind));
        return null;
    }

    // Also accepts the names of the states that the compiler adds to a contract without on_failure.
    private string? StateName(SyntaxNode? node, string what)
    {
        if (scope.Text(node, what) is not { } name)
        {
            return null;
        }

        if (!scope.Declared.States.ContainsKey(name.Text) && !_impliedStates.Contains(name.Text))
        {
            scope.Report(ContractDiagnostics.UnknownState(name.At, name.Text, scope.Declared.States.Keys));
        }

        return name.Text;
    }

    private string? StepName(SyntaxNode node)
    {
        if (scope.Text(node, "a step") is not { } name)
        {
            return null;
        }

        if (!scope.Declared.Steps.ContainsKey(name.Text))
        {
            scope.Report(ContractDiagnostics.UndeclaredStep(name.At, name.Text, scope.Declared.Steps.Keys));
        }

        return name.Text;
    }

    private void Require(MapSyntax map, string where, string key, string remedy)
    {
        if (!map.Has(key))
        {
            scope.Report(ContractDiagnostics.MissingKey(map.At, where, key, remedy));
        }
    }
}
