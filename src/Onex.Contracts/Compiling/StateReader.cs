using System.Collections.Frozen;
using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Operations;

namespace Onex.Contracts.Compiling;

internal sealed class StateReader(ContractScope scope, ExpressionReader expressions, TemplateReader templates, StepReader steps,
    EventReader events)
{
    private static readonly FrozenSet<EventKind> _acceptedWhileAlive =
        FrozenSet.ToFrozenSet([EventKind.StepResult, EventKind.Timer, EventKind.Joined, EventKind.External, EventKind.Operator]);

    private static readonly FrozenSet<EventKind> _acceptedAtEnd = FrozenSet.ToFrozenSet([EventKind.Joined]);

    /// <summary>A compensating state that the compiler adds: see <see cref="StatePlan.Implicit"/>.</summary>
    public static StatePlan ImplicitCompensating(string name, string next) => new()
    {
        Name = name,
        Kind = StateKind.Compensating,
        Implicit = true,
        Choices = [new Choice(null, next, null)],
        Accepts = _acceptedWhileAlive,
    };

    /// <summary>A failed end that the compiler adds.</summary>
    public static StatePlan ImplicitFailed(string name) => new()
    {
        Name = name,
        Kind = StateKind.End,
        Implicit = true,
        End = EndKind.Failed,
        Accepts = _acceptedAtEnd,
    };

    /// <summary>The state; null after reporting that it is not a map.</summary>
    public StatePlan? Read(ScalarSyntax name, SyntaxNode node)
    {
        if (scope.Map(node, $"state '{Spelling.Clip(name.Text)}'") is not { } map)
        {
            return null;
        }

        var before = scope.File.Reported.Count;
        scope.CheckKeys(map, Keys.State);
        var state = map.Has("end") ? ReadEnd(name.Text, map)
            : map.Has("compensate") ? ReadCompensating(name.Text, map)
            : ReadOrdinary(name, map);
        if (scope.File.Reported.Skip(before).Any(draft => draft.Severity == Severity.Error))
        {
            scope.Found.StatesWithErrors.Add(name.Text);
        }

        return state;
    }

    private StatePlan ReadEnd(string name, MapSyntax map)
    {
        Exclude(map, "end", ["steps", "next", "fault", "choose", "catch", "pivot", "compensate", "on_event", "timeout"],
            "An end runs no steps and has no transitions: use two states.");
        var text = (map.Find("end") as ScalarSyntax)?.Text;
        if (text is not ("completed" or "failed"))
        {
            var end = map.Find("end")!;
            scope.Report(ContractDiagnostics.WrongType(
                end.At, "'end'", "'completed' or 'failed'", text is { Length: > 0 } ? $"'{Spelling.Clip(text)}'" : end.Kind));
        }

        return new StatePlan
        {
            Name = name,
            Kind = StateKind.End,
            End = text == "failed" ? EndKind.Failed : EndKind.Completed,
            Output = map.Find("output") is { } output
                ? templates.Read(output, OutputType(text), new TemplateRules(ExpressionPlace.Output, null, ArgumentFilling.Value))
                : null,
            Accepts = _acceptedAtEnd,
        };
    }

    // The contract's `output` describes only the response of a completed end.
    private DataType OutputType(string? end) =>
        end == "completed" && scope.Declared.Output is { } schema ? new DataType.Schema(schema) : DataType.Any;

    private StatePlan ReadCompensating(string name, MapSyntax map)
    {
        Exclude(map, "compensate", ["steps", "fault", "choose", "catch", "pivot", "output", "on_event", "timeout"],
            "A compensating state has only 'next': use two states.");
        var compensate = map.Find("compensate")!;
        if ((compensate as ScalarSyntax)?.Text != "all")
        {
            scope.Report(ContractDiagnostics.WrongType(compensate.At, "'compensate' of a state", "'all'", compensate.Kind));
        }

        if (!map.Has("next"))
        {
            ReportNoTransitionOut(name, map);
        }

        return new StatePlan
        {
            Name = name,
            Kind = StateKind.Compensating,
            Choices = scope.Target(map.Find("next"), "'next'", name) is { } next ? [new Choice(null, next, null)] : [],
            Accepts = _acceptedWhileAlive,
        };
    }

    private StatePlan ReadOrdinary(ScalarSyntax name, MapSyntax map)
    {
        if (map.Has("output"))
        {
            scope.Report(ContractDiagnostics.MissingKey(
                map.KeyAt("output"), "a state with 'output'", "end", "Add 'end: completed' or 'end: failed', or remove 'output'."));
        }

        var items = scope.List(map.Find("steps"), "'steps'")?.Items ?? [];
        var stepPlans = steps.ReadAll(items, name.Text, name.Text);
        var rules = events.ReadRules(map.Find("on_event"), "'on_event'", name.Text);
        var timeout = events.ReadLimit(map.Find("timeout"), "'timeout'", name.Text);
        if (timeout is not null)
        {
            scope.Found.Waits.Add(new DeclaredWait(name.Text, timeout.After, map.Find("timeout")!.At, "a timeout"));
        }

        // A state without steps waits, so events and its timeout lead out of it; `fail` as the last step leads out of any state.
        var waits = items.Count == 0 && (map.Has("on_event") || map.Has("timeout") || scope.Declared.HasAnyState);
        var hasOtherExit = waits || stepPlans is [.., FailStep];
        return new StatePlan
        {
            Name = name.Text,
            Kind = StateKind.Ordinary,
            Pivot = ReadPivot(map.Find("pivot")),
            Steps = stepPlans,
            OnEvent = rules,
            Timeout = timeout,
            Choices = ReadChoices(name, map, hasOtherExit),
            Catch = steps.ReadCatch(map.Find("catch"), name.Text),
            Accepts = _acceptedWhileAlive,
        };
    }

    private bool ReadPivot(SyntaxNode? node)
    {
        if (node is not (null or ScalarSyntax { Bool: not null }))
        {
            scope.Report(ContractDiagnostics.WrongType(node.At, "'pivot'", "true or false", node.Kind));
        }

        return node is ScalarSyntax { Bool: true };
    }

    private ImmutableArray<Choice> ReadChoices(ScalarSyntax name, MapSyntax map, bool hasOtherExit)
    {
        var (next, choose) = (map.Find("next"), map.Find("choose"));
        if (next is not null && choose is not null)
        {
            scope.Report(ContractDiagnostics.KeysExclude(
                map.KeyAt("choose"), "a state", "next", "choose", "Put the target of 'next' into the last entry of 'choose'."));
        }
        else if (next is null && choose is null && !hasOtherExit)
        {
            ReportNoTransitionOut(name.Text, map);
        }

        var fault = scope.Name(map.Find("fault"), "'fault'")?.Text;
        if (map.Has("fault") && next is null)
        {
            scope.Report(ContractDiagnostics.MissingKey(
                map.KeyAt("fault"), "a state with 'fault'", "next", "Write 'fault' beside 'next', or in an entry of 'choose'."));
        }

        var choices = ImmutableArray.CreateBuilder<Choice>();
        if (scope.Target(next, "'next'", name.Text, fault, needsFault: true) is { } target)
        {
            choices.Add(new Choice(null, target, fault));
        }

        ReadChoose(scope.List(choose, "'choose'"), name.Text, choices);
        return choices.ToImmutable();
    }

    private void ReadChoose(ListSyntax? list, string state, ImmutableArray<Choice>.Builder choices)
    {
        if (list is { Items.Count: 0 })
        {
            scope.Report(ContractDiagnostics.WrongType(list.At, "'choose'", "a list with an entry", "an empty list"));
        }

        var (afterUnguarded, guards) = (false, new GuardChecks(scope));
        for (var index = 0; index < (list?.Items.Count ?? 0); index++)
        {
            if (scope.Map(list!.Items[index], "an entry of 'choose'") is not { } map)
            {
                continue;
            }

            if (expressions.ReportIfSplit(map))
            {
                scope.Target(map.Find("next"), "'next'", state);
                continue;
            }

            scope.CheckKeys(map, Keys.Choice);
            if (afterUnguarded)
            {
                scope.Report(ContractDiagnostics.ChoiceAfterAlways(map.At));
            }

            var when = expressions.Read(map.Find("when"), "'when'", ExpressionPlace.Step);
            guards.Check(when, map.At);
            var fault = scope.Name(map.Find("fault"), "'fault'")?.Text;
            if (!map.Has("next"))
            {
                scope.Report(ContractDiagnostics.MissingKey(map.At, "an entry of 'choose'", "next", "Add 'next: some_state'."));
            }

            if (scope.Target(map.Find("next"), "'next'", state, fault, needsFault: true) is { } next)
            {
                choices.Add(new Choice(when, next, fault));
            }

            afterUnguarded = !map.Has("when");
            if (map.Has("when") && index == list.Items.Count - 1)
            {
                scope.Report(ContractDiagnostics.LastChoiceGuarded(map.KeyAt("when")));
            }
        }
    }

    private void Exclude(MapSyntax map, string key, IEnumerable<string> others, string remedy)
    {
        foreach (var other in others.Where(map.Has))
        {
            scope.Report(ContractDiagnostics.KeysExclude(map.KeyAt(other), "a state", key, other, remedy));
        }
    }

    private void ReportNoTransitionOut(string name, MapSyntax map) =>
        scope.Report(ContractDiagnostics.NoTransitionOut(scope.Declared.States.TryGetValue(name, out var at) ? at : map.At, name));
}
