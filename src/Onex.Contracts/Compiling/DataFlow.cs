using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Checking;
using Onex.Contracts.Expressions.Parsing;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>
/// A definite-assignment analysis over the graph of states: determines which values certainly exist when an expression reads them. It
/// collects the facts that hold on all paths into a state. There are four kinds: a field of <c>data</c> is set, a field is not null, a
/// step has completed, there is a fault.
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
    private readonly HashSet<string> _alwaysSet;

    // The ids of the steps in branches that a join may not wait for, each with the id of the outermost such parallel step.
    private readonly Dictionary<string, string> _maybeIncomplete;
    private readonly HashSet<SourceSpan> _reported = [];

    // What a step saves, while the arguments of its compensation with `when_unknown: run` are checked: they must not read these fields.
    private ImmutableArray<Assignment> _saved = [];

    // False while the facts are computed, true in the last pass, which reports.
    private bool _isReporting;

    private DataFlow(
        ContractScope scope, Findings findings, IReadOnlyList<StatePlan> states, string onFailure, ImmutableArray<EventRule> anyState,
        TimeLimit? deadline)
    {
        (_scope, _findings, _onFailure, _anyState, _deadline) = (scope, findings, onFailure, anyState, deadline);
        _states = states.ToDictionary(state => state.Name, StringComparer.Ordinal);

        // A nullable field without a value reads as null.
        _alwaysSet = scope.Declared.Data.Values
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
            [.. scope.Declared.Data.Values.Where(field => field.Initial is { IsNull: false }).Select(field => NotNullFact(field.Name))]);
        while (flow._worklist.TryDequeue(out var place))
        {
            flow.Walk(place, flow._factsOnEntry[place]);
        }

        flow._isReporting = true;
        foreach (var (place, known) in flow._factsOnEntry)
        {
            flow.Walk(place, known);
        }
    }

    private void Enter(string state, bool pastPivot, ImmutableHashSet<string> known)
    {
        if (_isReporting)
        {
            return;
        }

        var place = new Place(state, pastPivot || _states[state].Pivot);
        var common = _factsOnEntry.TryGetValue(place, out var earlier) ? earlier.Intersect(known) : known;
        if (earlier is null || common.Count < earlier.Count)
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
            CheckReads(state.Output, known);
            return;
        }

        known = AfterWait(place, known);
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
            CheckReads(rule.When, known);
            var ifTaken = WhenTrue(rule.When, known);
            CheckReads(rule.Set, ifTaken);
            if (rule.Next is { } next)
            {
                ifTaken = AfterWrites(ifTaken.Except(LostFactsIn(place)), rule.Set);
                Enter(next, place.PastPivot, _states[next].IsOffPath ? ifTaken.Add(Fault) : ifTaken);
            }
        }
    }

    private void WalkChoices(Place place, ImmutableHashSet<string> known, ImmutableArray<Choice> choices)
    {
        foreach (var choice in choices)
        {
            CheckReads(choice.When, known);
            var ifTaken = WhenTrue(choice.When, known);
            Enter(choice.Next, place.PastPivot, choice.Fault is null ? ifTaken : ifTaken.Add(Fault));

            // The next entry is only reached if this guard was false: after `!has(data.x)` data.x exists.
            if (choice.When?.Syntax is UnarySyntax { Operator: '!', Operand: HasSyntax has } && FactOf(has) is { } fact)
            {
                known = known.Add(fact);
            }

            known = choice.When is { } when ? known.Union(NotNullFacts(when, holds: false)) : known;
        }
    }

    // Returns the facts after the last step.
    private ImmutableHashSet<string> WalkSteps(Place place, ImmutableArray<StepPlan> steps, ImmutableHashSet<string> known)
    {
        foreach (var step in steps)
        {
            var ifItFails = step is CallStep or EachStep or ParallelStep or WaitStep ? AfterWait(place, known) : known;
            Leave(place, ifItFails.Add(Fault), step.Catch.Select(rule => rule.Next));
            known = WalkStep(place, step, known);
        }

        return known;
    }

    private ImmutableHashSet<string> WalkStep(Place place, StepPlan step, ImmutableHashSet<string> known)
    {
        switch (step)
        {
            case ParallelStep parallel:
                var branches = parallel.Branches.Select(branch => WalkSteps(place, branch.Steps, known)).ToList();
                var lost = branches.SelectMany(known.Except);
                var joined = parallel.Needed < branches.Count ? known : known.Union(branches.SelectMany(branch => branch));
                return AfterWait(place, joined.Except(lost));
            case EachStep each:
                CheckReads(each.Items, known);
                CheckCall(place, each.Call, AfterWait(place, known));
                CheckReads(each.Save, known);
                return AfterWrites(AfterWait(place, known), each.Save).Add(DoneFact(each.Id));
            case CallStep call:
                CheckCall(place, call, known);
                CheckReads(call.Save, known);
                return AfterWrites(AfterWait(place, known), call.Save).Add(DoneFact(call.Id));
            case SetStep set:
                CheckReads(set.Assignments, known);
                return AfterWrites(known, set.Assignments);
            case WaitStep wait:
                CheckReads(wait.Until, known);
                return AfterWait(place, known);
            case RespondStep respond:
                CheckReads(respond.Payload, known);
                return known;
            case EmitStep emit:
                CheckReads(emit.Key, known);
                CheckReads(emit.Value, known);
                return known;
            case StartStep start:
                CheckReads(start.Input, known);
                return known;
            case FailStep fail:
                CheckReads(fail.Message, known);
                return known;
            default:
                return known;
        }
    }

    private void CheckCall(Place place, CallStep call, ImmutableHashSet<string> known)
    {
        CheckReads(call.Invocation.Arguments, known);
        foreach (var rule in call.Reject)
        {
            CheckReads(rule.When, known);
        }

        // The compensation's arguments are evaluated after the step has saved; with `when_unknown: run` before, because the step may not
        // have completed.
        if (call.Compensation is { WhenUnknown: WhenUnknown.Run } unknown)
        {
            _saved = call.Save;
            CheckReads(unknown.Invocation.Arguments, known);
            _saved = [];
        }
        else
        {
            CheckReads(call.Compensation?.Invocation.Arguments, AfterWrites(AfterWait(place, known), call.Save));
        }
    }

    // While the saga waits in the state, rules with `stay` may set fields to null. A state that is not ordinary accepts no events.
    private ImmutableHashSet<string> AfterWait(Place place, ImmutableHashSet<string> known)
    {
        var state = _states[place.State];
        return state.Kind == StateKind.Ordinary
            ? known.Except(LostFacts(
                state.OnEvent.Concat(place.PastPivot ? [] : _anyState).Where(rule => rule.Next is null).SelectMany(rule => rule.Set)))
            : known;
    }

    // Adds that the written fields are set, and that they are not null unless their values may be.
    private static ImmutableHashSet<string> AfterWrites(ImmutableHashSet<string> known, ImmutableArray<Assignment> assignments) => known
        .Union(assignments.SelectMany(assignment => (string[])[SetFact(assignment.Field), NotNullFact(assignment.Field)]))
        .Except(LostFacts(assignments));

    // The facts that the assignments may make false by writing null.
    private static IEnumerable<string> LostFacts(IEnumerable<Assignment> assignments) =>
        assignments.Where(assignment => TypeRules.MayBeNull(assignment.Value.Type)).Select(assignment => NotNullFact(assignment.Field));

    // The facts that a step of the state may make false: the state may be left before or after that step.
    private IEnumerable<string> LostFactsIn(Place place) => _states[place.State].AllSteps.SelectMany(step => step switch
    {
        EachStep each => LostFacts(each.Save),
        CallStep call => LostFacts(call.Save),
        SetStep set => LostFacts(set.Assignments),
        _ => [],
    });

    // The facts that fields are not null if the guard is true, or with `holds: false` if it is false.
    private IEnumerable<string> NotNullFacts(Expression guard, bool holds) =>
        _scope.Declared.Data.Keys.Intersect(Presence.NotNull(guard.Syntax, holds)
            .Where(chain => chain.StartsWith("data.", StringComparison.Ordinal)).Select(chain => chain["data.".Length..]))
            .Select(NotNullFact);

    private void Leave(Place place, ImmutableHashSet<string> known, IEnumerable<string> targets)
    {
        known = known.Except(LostFactsIn(place));
        foreach (var next in targets)
        {
            Enter(next, place.PastPivot, known);
        }
    }

    // The facts implied by a true guard: has(data.x) && ...
    private ImmutableHashSet<string> WhenTrue(Expression? guard, ImmutableHashSet<string> known)
    {
        known = guard is null ? known : known.Union(NotNullFacts(guard, holds: true));
        var conjuncts = new Stack<Syntax>(guard is null ? [] : [guard.Syntax]);
        while (conjuncts.TryPop(out var syntax))
        {
            switch (syntax)
            {
                case HasSyntax has when FactOf(has) is { } fact:
                    known = known.Add(fact);
                    break;
                case LogicSyntax { IsAnd: true } and:
                    foreach (var operand in and.Operands)
                    {
                        conjuncts.Push(operand);
                    }

                    break;
            }
        }

        return known;
    }

    // The fact that has(data.x) or has(steps.x) tests; null for any other path.
    private static string? FactOf(HasSyntax has) =>
        has.Select is SelectSyntax { Operand: NameSyntax { Name: "data" or "steps" } root, Field: var field }
        ? root.Name == "data" ? SetFact(field) : DoneFact(field)
        : null;

    private void CheckReads(Template? template, ImmutableHashSet<string> known)
    {
        if (!_isReporting)
        {
            return;
        }

        switch (template)
        {
            case Template.Single single:
                CheckReads(single.Expression, known);
                break;
            case Template.Text text:
                foreach (var part in text.Parts)
                {
                    CheckReads(part.Expression, known);
                    CheckNullInText(part.Expression, known);
                }

                break;
            case Template.List list:
                foreach (var item in list.Items)
                {
                    CheckReads(item, known);
                }

                break;
            case Template.Map map:
                foreach (var (_, value) in map.Entries)
                {
                    CheckReads(value, known);
                }

                break;
        }
    }

    private void CheckReads(ImmutableArray<Assignment> assignments, ImmutableHashSet<string> known)
    {
        foreach (var assignment in assignments)
        {
            CheckReads(assignment.Value, known);
        }
    }

    private void CheckReads(Expression? expression, ImmutableHashSet<string> known)
    {
        if (!_isReporting || expression is null || !_findings.Origins.TryGetValue(expression, out var origin))
        {
            return;
        }

        foreach (var use in expression.PathUses)
        {
            var at = origin.Scalar.Part(origin.Start + use.Position, use.Length);
            if (use.Path is ["data", var saved, ..] && _saved.Any(assignment => assignment.Field == saved) && !_scope.Context.IsRegistered)
            {
                if (_reported.Add(at))
                {
                    _scope.Report(ContractDiagnostics.UnknownReadsSaved(at, saved));
                }
            }
            else if (!use.Guarded && FindMissing(use.Path, known, at) is { } draft && !IsGuardedElsewhere(expression, use)
                && _reported.Add(at))
            {
                _scope.Report(draft);
            }
        }
    }

    private void CheckNullInText(Expression? expression, ImmutableHashSet<string> known)
    {
        if (expression is null || !_findings.MayBeNull.TryGetValue(expression, out var typeGiven)
            || !TypeRules.MayBeNull(typeGiven(field => known.Contains(NotNullFact(field)))))
        {
            return;
        }

        var at = _findings.PositionOf(expression);
        if (_reported.Add(at))
        {
            _scope.Report(ContractDiagnostics.NullInText(at, expression.Text, expression.Type.IsText));
        }
    }

    // In `has(data.x) ? data.x : ...` the first read guards the second.
    private static bool IsGuardedElsewhere(Expression expression, PathUse use) => use.Path.Length > 1 && expression.PathUses.Any(
        other => other.Guarded && other.Path.Length > 1 && other.Path[0] == use.Path[0] && other.Path[1] == use.Path[1]);

    private DiagnosticDraft? FindMissing(ImmutableArray<string> path, ImmutableHashSet<string> known, SourceSpan at) => path switch
    {
        ["data", var field, ..] when !_alwaysSet.Contains(field) && !known.Contains(SetFact(field)) =>
            ContractDiagnostics.DataUnset(at, field),
        ["steps", var step, ..] when !known.Contains(DoneFact(step)) && _maybeIncomplete.TryGetValue(step, out var join) =>
            ContractDiagnostics.LoserRead(at, step, join),
        ["steps", var step, ..] when !known.Contains(DoneFact(step)) => ContractDiagnostics.StepNotDone(at, step),
        [Fault, ..] when !known.Contains(Fault) => ContractDiagnostics.NoFault(at),
        _ => null,
    };

    private static string SetFact(string field) => $"data.{field}";

    private static string NotNullFact(string field) => $"data.{field} is not null";

    private static string DoneFact(string id) => $"steps.{id}";

    /// <summary>A state, before or past the pivot.</summary>
    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Place(string State, bool PastPivot);
}
