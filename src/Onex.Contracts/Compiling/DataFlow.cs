using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Expressions.Parsing;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>
/// A definite-assignment analysis over the graph of states: determines what certainly exists when an expression reads it. That is, fields
/// of <c>data</c> that every path has set, steps that every path has completed, a fault, and nullable fields that every path has set to a
/// value. A state's facts are those that hold on all paths into it.
/// </summary>
internal sealed class DataFlow
{
    private const string Fault = "fault";

    private readonly ContractScope _scope;
    private readonly Findings _findings;
    private readonly Dictionary<string, StatePlan> _states;
    private readonly ImmutableArray<EventRule> _anyState;
    private readonly TimeLimit? _deadline;
    private readonly string _onFailure;
    private readonly Dictionary<Place, ImmutableHashSet<string>> _factsOnEntry = [];
    private readonly Queue<Place> _worklist = new();
    private readonly HashSet<string> _always;
    private readonly Dictionary<string, string> _maybeIncomplete;
    private readonly HashSet<SourceSpan> _reported = [];
    private ImmutableArray<Assignment> _saved = [];
    private bool _reporting;

    private DataFlow(
        ContractScope scope, Findings findings, IReadOnlyList<StatePlan> states, string onFailure, ImmutableArray<EventRule> anyState,
        TimeLimit? deadline)
    {
        (_scope, _findings, _onFailure, _anyState, _deadline) = (scope, findings, onFailure, anyState, deadline);
        _states = states.ToDictionary(state => state.Name, StringComparer.Ordinal);

        // A nullable field starts as null.
        _always = scope.Declared.Data.Values
            .Where(field => field.Initial is not null || field.Type.TryConvert(CelValue.Null, out _, out _))
            .Select(field => field.Name)
            .ToHashSet(StringComparer.Ordinal);
        _maybeIncomplete = states
            .SelectMany(state => state.AllSteps.OfType<ParallelStep>())
            .Where(parallel => parallel.Needed < parallel.Branches.Length)
            .SelectMany(parallel => parallel.Branches.SelectMany(branch => StatePlan.Flatten(branch.Steps)),
                (parallel, step) => (step.Id, Join: parallel.Id))
            .DistinctBy(entry => entry.Id)
            .ToDictionary(entry => entry.Id, entry => entry.Join, StringComparer.Ordinal);
    }

    /// <summary>Reports reads of values that may be missing.</summary>
    public static void Run(
        ContractScope scope, Findings findings, IReadOnlyList<StatePlan> states, string initial, string onFailure,
        ImmutableArray<EventRule> anyState, TimeLimit? deadline)
    {
        var flow = new DataFlow(scope, findings, states, onFailure, anyState, deadline);
        flow.Enter(initial, pastPivot: false,
            [.. scope.Declared.Data.Values.Where(field => field.Initial is { IsNull: false }).Select(field => NotNull(field.Name))]);
        while (flow._worklist.TryDequeue(out var place))
        {
            flow.Walk(place, flow._factsOnEntry[place]);
        }

        flow._reporting = true;
        foreach (var (place, known) in flow._factsOnEntry)
        {
            flow.Walk(place, known);
        }
    }

    private void Enter(string state, bool pastPivot, ImmutableHashSet<string> known)
    {
        if (_reporting)
        {
            return;
        }

        var place = new Place(state, pastPivot || _states[state].Pivot);
        var common = _factsOnEntry.TryGetValue(place, out var before) ? before.Intersect(known) : known;
        if (before is null || common.Count < before.Count)
        {
            _factsOnEntry[place] = common;
            _worklist.Enqueue(place);
        }
    }

    private void Walk(Place place, ImmutableHashSet<string> known)
    {
        var state = _states[place.State];
        if (state.Kind == StateKind.End)
        {
            Read(state.Output, known);
            return;
        }

        // Rules with `stay` may reset a field at any time.
        known = known.Except(MayBecomeNull(state.OnEvent.Concat(_anyState).Where(rule => rule.Next is null).SelectMany(rule => rule.Set)));
        if (state.Kind == StateKind.Ordinary)
        {
            Leave(place, known.Add(Fault), state.Catch.Select(rule => rule.Next));
            WalkRules(place, known, state.OnEvent);
            if (state.Timeout is { } timeout)
            {
                Leave(place, known.Add(Fault), [timeout.Next]);
            }

            if (!place.PastPivot)
            {
                WalkRules(place, known, _anyState);
                Leave(place, known.Add(Fault), [_onFailure]);
                if (_deadline is { } deadline)
                {
                    Leave(place, known.Add(Fault), [deadline.Next]);
                }
            }
        }

        WalkChoices(place, WalkSteps(place, state.Steps, known), state.Choices);
    }

    private void WalkRules(Place place, ImmutableHashSet<string> known, ImmutableArray<EventRule> rules)
    {
        foreach (var rule in rules)
        {
            Read(rule.When, known);
            var taken = Holding(rule.When, known);
            Read(rule.Set, taken);
            if (rule.Next is { } next)
            {
                taken = Written(taken.Except(MayBecomeNullIn(place)), rule.Set);
                Enter(next, place.PastPivot, _states[next].IsOffPath ? taken.Add(Fault) : taken);
            }
        }
    }

    private void WalkChoices(Place place, ImmutableHashSet<string> known, ImmutableArray<Choice> choices)
    {
        foreach (var choice in choices)
        {
            Read(choice.When, known);
            var taken = Holding(choice.When, known);
            Enter(choice.Next, place.PastPivot, choice.Fault is null ? taken : taken.Add(Fault));

            // After `!has(data.x)` was false, data.x exists.
            if (choice.When?.Syntax is UnarySyntax { Operator: '!', Operand: HasSyntax has } && Checked(has) is { } there)
            {
                known = known.Add(there);
            }

            known = choice.When is { } when ? known.Union(NotNull(when, holds: false)) : known;
        }
    }

    // Returns what is known when all of them are done.
    private ImmutableHashSet<string> WalkSteps(Place place, ImmutableArray<StepPlan> steps, ImmutableHashSet<string> known)
    {
        foreach (var step in steps)
        {
            Leave(place, known.Add(Fault), step.Catch.Select(rule => rule.Next));
            known = WalkStep(place, step, known);
        }

        return known;
    }

    private ImmutableHashSet<string> WalkStep(Place place, StepPlan step, ImmutableHashSet<string> known)
    {
        switch (step)
        {
            case ParallelStep parallel:
                var after = parallel.Branches.Select(branch => WalkSteps(place, branch.Steps, known)).ToList();
                var emptied = after.Aggregate(ImmutableHashSet<string>.Empty, (all, branch) => all.Union(known.Except(branch)));
                return (parallel.Needed < after.Count ? known : after.Aggregate(known, (all, branch) => all.Union(branch))).Except(emptied);
            case EachStep each:
                Read(each.Items, known);
                ReadCall(each.Call, known);
                Read(each.Save, known);
                return Written(known, each.Save).Add(Step(each.Id));
            case CallStep call:
                ReadCall(call, known);
                Read(call.Save, known);
                return Written(known, call.Save).Add(Step(call.Id));
            case SetStep set:
                Read(set.Assignments, known);
                return Written(known, set.Assignments);
            case WaitStep wait:
                Read(wait.Until, known);
                return known;
            case RespondStep respond:
                Read(respond.Payload, known);
                return known;
            case EmitStep emit:
                Read(emit.Key, known);
                Read(emit.Value, known);
                return known;
            case StartStep start:
                Read(start.Input, known);
                return known;
            case FailStep fail:
                Read(fail.Message, known);
                return known;
            default:
                return known;
        }
    }

    private void ReadCall(CallStep call, ImmutableHashSet<string> known)
    {
        Read(call.Invocation.Arguments, known);
        foreach (var rule in call.Reject)
        {
            Read(rule.When, known);
        }

        // Evaluated after the step has completed and saved; or, if the outcome may be unknown, as if it had not.
        if (call.Compensation is { WhenUnknown: WhenUnknown.Run } unknown)
        {
            _saved = call.Save;
            Read(unknown.Invocation.Arguments, known);
            _saved = [];
        }
        else
        {
            Read(call.Compensation?.Invocation.Arguments, Written(known, call.Save));
        }
    }

    // Adds the written fields, and removes those that may become null.
    private static ImmutableHashSet<string> Written(ImmutableHashSet<string> known, ImmutableArray<Assignment> assignments) => known
        .Union(assignments.SelectMany(assignment => (string[])[Data(assignment.Field), NotNull(assignment.Field)]))
        .Except(MayBecomeNull(assignments));

    private static IEnumerable<string> MayBecomeNull(IEnumerable<Assignment> assignments) =>
        assignments.Where(assignment => TypeRules.MayBeNull(assignment.Value.Type)).Select(assignment => NotNull(assignment.Field));

    // The fields that any of its steps may reset: the state may be left before or after that step.
    private IEnumerable<string> MayBecomeNullIn(Place place) => _states[place.State].AllSteps.SelectMany(step => step switch
    {
        EachStep each => MayBecomeNull(each.Save),
        CallStep call => MayBecomeNull(call.Save),
        SetStep set => MayBecomeNull(set.Assignments),
        _ => [],
    });

    // The fields that are not null if a guard is true, or if it is false.
    private IEnumerable<string> NotNull(Expression guard, bool holds) =>
        _scope.Declared.Data.Keys.Intersect(Presence.NotNull(guard.Syntax, holds)
            .Where(chain => chain.StartsWith("data.", StringComparison.Ordinal)).Select(chain => chain["data.".Length..]))
            .Select(NotNull);

    private void Leave(Place place, ImmutableHashSet<string> known, IEnumerable<string> targets)
    {
        known = known.Except(MayBecomeNullIn(place));
        foreach (var next in targets)
        {
            Enter(next, place.PastPivot, known);
        }
    }

    // The facts implied by a true guard: has(data.x) && ...
    private ImmutableHashSet<string> Holding(Expression? guard, ImmutableHashSet<string> known)
    {
        known = guard is null ? known : known.Union(NotNull(guard, holds: true));
        var open = new Stack<Syntax>(guard is null ? [] : [guard.Syntax]);
        while (open.TryPop(out var syntax))
        {
            switch (syntax)
            {
                case HasSyntax has when Checked(has) is { } there:
                    known = known.Add(there);
                    break;
                case LogicSyntax { IsAnd: true } and:
                    foreach (var operand in and.Operands)
                    {
                        open.Push(operand);
                    }

                    break;
            }
        }

        return known;
    }

    // Exactly the field or the step: has(data.x), has(steps.x).
    private static string? Checked(HasSyntax has) =>
        has.Select is SelectSyntax { Operand: NameSyntax { Name: "data" or "steps" } root, Field: var field }
        ? root.Name == "data" ? Data(field) : Step(field)
        : null;

    private void Read(Template? template, ImmutableHashSet<string> known)
    {
        if (!_reporting)
        {
            return;
        }

        switch (template)
        {
            case Template.Single single:
                Read(single.Expression, known);
                break;
            case Template.Text text:
                foreach (var part in text.Parts)
                {
                    Read(part.Expression, known);
                    ReadAsText(part.Expression, known);
                }

                break;
            case Template.List list:
                foreach (var item in list.Items)
                {
                    Read(item, known);
                }

                break;
            case Template.Map map:
                foreach (var (_, value) in map.Entries)
                {
                    Read(value, known);
                }

                break;
        }
    }

    private void Read(ImmutableArray<Assignment> assignments, ImmutableHashSet<string> known)
    {
        foreach (var assignment in assignments)
        {
            Read(assignment.Value, known);
        }
    }

    private void Read(Expression? expression, ImmutableHashSet<string> known)
    {
        if (!_reporting || expression is null || !_findings.Origins.TryGetValue(expression, out var origin))
        {
            return;
        }

        foreach (var use in expression.PathUses)
        {
            if (use.Path is ["data", var saved, ..] && _saved.Any(assignment => assignment.Field == saved) && !_scope.Context.IsRegistered)
            {
                var place = origin.Scalar.Part(origin.Start + use.Position, use.Length);
                if (_reported.Add(place))
                {
                    _scope.Report(ContractDiagnostics.UnknownReadsSaved(place, saved));
                }
            }
            else if (!use.Guarded && Missing(use.Path, known) is { } report && !IsGuardedElsewhere(expression, use))
            {
                var at = origin.Scalar.Part(origin.Start + use.Position, use.Length);
                if (_reported.Add(at))
                {
                    _scope.Report(report(at));
                }
            }
        }
    }

    private void ReadAsText(Expression? expression, ImmutableHashSet<string> known)
    {
        if (expression is not null && _findings.MayBeNull.TryGetValue(expression, out var type)
            && TypeRules.MayBeNull(type(field => known.Contains(NotNull(field)))) && _findings.PositionOf(expression) is var at
                && _reported.Add(at))
        {
            _scope.Report(ContractDiagnostics.NullInText(at, expression.Text, expression.Type.Plain == CelType.Text));
        }
    }

    // has(data.x) ? data.x : ... tests it first.
    private static bool IsGuardedElsewhere(Expression expression, PathUse use) => use.Path.Length > 1 && expression.PathUses.Any(
        other => other.Guarded && other.Path.Length > 1 && other.Path[0] == use.Path[0] && other.Path[1] == use.Path[1]);

    private Func<SourceSpan, DiagnosticDraft>? Missing(ImmutableArray<string> path, ImmutableHashSet<string> known) => path switch
    {
        ["data", var field, ..] when !_always.Contains(field) && !known.Contains(Data(field)) =>
            at => ContractDiagnostics.DataUnset(at, field),
        ["steps", var step, ..] when !known.Contains(Step(step)) && _maybeIncomplete.TryGetValue(step, out var join) =>
            at => ContractDiagnostics.LoserRead(at, step, join),
        ["steps", var step, ..] when !known.Contains(Step(step)) => at => ContractDiagnostics.StepNotDone(at, step),
        [Fault, ..] when !known.Contains(Fault) => at => ContractDiagnostics.NoFault(at),
        _ => null,
    };

    private static string Data(string field) => $"data.{field}";

    private static string NotNull(string field) => $"data.{field} is not null";

    private static string Step(string id) => $"steps.{id}";

    /// <summary>A state, before or past the pivot.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Place(string State, bool PastPivot);
}
