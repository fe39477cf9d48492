using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>
/// Finds codes that never reach the <c>catch</c> that names them: no step below it fails with them, or an inner <c>catch</c> covers them.
/// Codes of called contracts are left to <see cref="ChildChecks"/>, which knows all contracts.
/// </summary>
internal sealed class CatchChecks(OperationCatalogue operations)
{
    // Any call may fail with these: the last attempt failed or timed out; invalid result; failed expression; rejected by the broker.
    public static ImmutableArray<string> CallCodes { get; } =
        [StepCodes.StepFailed, StepCodes.StepTimedOut, StepCodes.ResultInvalid, StepCodes.ExpressionFailed, StepCodes.Undeliverable];

    // These concern a state or a saga as a whole, so no `catch` of that saga applies; the `catch` of a parent's step does.
    public static ImmutableArray<string> SagaCodes { get; } =
        [StepCodes.StateTimedOut, StepCodes.DeadlineExceeded, StepCodes.Cancelled, StepCodes.Terminated, StepCodes.OutputInvalid];

    // The called contracts that may be the only source of the code being checked; `ChildChecks` decides.
    private readonly HashSet<string> _children = new(StringComparer.Ordinal);

    /// <summary>Warns of codes that never reach their <c>catch</c>, and returns those that only called contracts may cause.</summary>
    public static ImmutableArray<UnverifiedCatch> Run(ContractScope scope, Findings findings, IEnumerable<StatePlan> states)
    {
        var checks = new CatchChecks(scope.Context.Operations);
        var unverified = ImmutableArray.CreateBuilder<UnverifiedCatch>();
        foreach (var state in states)
        {
            checks.Check(scope, findings, state.Catch, $"state '{state.Name}'", code => checks.CanReachCatchOf(state, code),
                () => checks.SuggestionsFor(state.Steps), unverified);
            foreach (var step in state.AllSteps)
            {
                checks.Check(scope, findings, step.Catch, $"step '{step.Id}'", code => checks.CanFail(step, code),
                    () => checks.SuggestionsFor([step]), unverified);
            }
        }

        return unverified.ToImmutable();
    }

    /// <summary>Whether a saga of a contract can fail with that code. <c>find</c> returns null for an unknown contract.</summary>
    public bool SagaCanFail(Plan plan, string code, Func<string, Plan?> find) => SagaCanFail(plan, code, find, []);

    private bool SagaCanFail(Plan plan, string code, Func<string, Plan?> find, HashSet<string> seen)
    {
        // A child whose start is rejected fails with an ONEX code. An event that leads off the normal path sets a fault with its own name.
        if (Names.FaultCodes.Contains(code) || code.StartsWith("ONEX", StringComparison.Ordinal)
            || plan.AnyState.Any(rule => rule.Event == code) || plan.States.Any(state => CanCause(state, code)))
        {
            return true;
        }

        // A called contract that is not found may fail with any code.
        return plan.Children.Where(child => !child.Detached).Select(child => child.Contract).Distinct(StringComparer.Ordinal)
            .Where(seen.Add)
            .Any(child => find(child) is not { } called || SagaCanFail(called, code, find, seen));
    }

    // Whether the state itself can cause the code, not a contract that it calls.
    private bool CanCause(StatePlan state, string code) =>
        state.Choices.Any(choice => choice.Fault == code)
        || state.OnEvent.Any(rule => rule.Event == code)
        || state.AllSteps.OfType<FailStep>().Any(step => step.Code == code)
        || state.Calls.Any(call => call.Reject.Any(rule => rule.Code == code)
            || (call.Role != CallRole.Saga && OperationMayReject(call, code)));

    private void Check(
        ContractScope scope, Findings findings, ImmutableArray<CatchRule> rules, string what, Predicate<string> canReach,
        Func<IEnumerable<string>> suggestions, ImmutableArray<UnverifiedCatch>.Builder unverified)
    {
        foreach (var code in rules.SelectMany(rule => findings.CatchCodes.GetValueOrDefault(rule, [])))
        {
            _children.Clear();
            if (canReach(code.Text))
            {
                continue;
            }

            var draft = ContractDiagnostics.CatchNeverTaken(code.At, what, code.Text, IsSagaCode(code.Text),
                RejectionCodes.IsAttemptCode(code.Text), [.. suggestions().Distinct(StringComparer.Ordinal)]);
            if (_children.Count == 0)
            {
                scope.Report(draft);
            }
            else
            {
                unverified.Add(new UnverifiedCatch(draft, code.Text, [.. _children]));
            }
        }
    }

    private static bool IsSagaCode(string code) => SagaCodes.Contains(code, StringComparer.Ordinal);

    // The state's `catch` gets the codes that its steps do not catch, and those of its own expressions.
    private bool CanReachCatchOf(StatePlan state, string code) => code == StepCodes.ExpressionFailed || AnyUncaught(state.Steps, code);

    private bool AnyUncaught(IEnumerable<StepPlan> steps, string code) =>
        steps.Any(step => !step.Catch.Any(rule => rule.Covers(code)) && CanFail(step, code));

    // Whether the step can fail with the code, so that its own `catch` applies.
    private bool CanFail(StepPlan step, string code)
    {
        switch (step)
        {
            case ParallelStep { Join: Join.All } parallel:
                return AnyUncaught(parallel.Branches.SelectMany(branch => branch.Steps), code);
            // With another join a failure only ends its branch.
            case ParallelStep:
                return code == StepCodes.JoinFailed;
            // With `on_item_failure: continue` (no maximum) the step does not fail with its items.
            case EachStep each:
                return code is StepCodes.TooManyItems or StepCodes.ExpressionFailed
                    || (each.FailuresMax is not null && CallCanFail(each.Call, code));
            case CallStep call:
                return CallCanFail(call, code);
            case FailStep fail:
                return fail.Code == code || code == StepCodes.ExpressionFailed;
            default:
                return code == StepCodes.ExpressionFailed;
        }
    }

    private bool CallCanFail(CallStep call, string code)
    {
        if (CallCodes.Contains(code, StringComparer.Ordinal) || call.Reject.Any(rule => rule.Code == code))
        {
            return true;
        }

        if (call.Role == CallRole.Saga)
        {
            _children.Add(call.Invocation.Operation);
            return false;
        }

        return OperationMayReject(call, code);
    }

    private bool OperationMayReject(CallStep call, string code) =>
        operations.Find(call.Invocation.Operation) is not { } operation || RejectionCodes.Allow(operation, code);

    // The codes to suggest instead: the contract's own first, and without the operations' many `http_` codes.
    private IEnumerable<string> SuggestionsFor(IEnumerable<StepPlan> steps)
    {
        var all = StatePlan.Flatten([.. steps]).ToList();
        var calls = all.Select(step => (step as EachStep)?.Call ?? step).OfType<CallStep>().ToList();
        return calls.SelectMany(call => call.Reject).Select(rule => rule.Code)
            .Concat(all.OfType<FailStep>().Select(step => step.Code))
            .Concat(calls.Count > 0 ? CallCodes : [StepCodes.ExpressionFailed])
            .Concat(all.OfType<EachStep>().Any() ? [StepCodes.TooManyItems] : [])
            .Concat(all.OfType<ParallelStep>().Any(step => step.Join != Join.All) ? [StepCodes.JoinFailed] : [])
            .Concat(calls
                .Select(call => operations.Find(call.Invocation.Operation))
                .OfType<OperationDescriptor>()
                .SelectMany(operation => RejectionCodes.For(operation) ?? Enumerable.Empty<string>())
                .Where(code => !code.StartsWith("http_", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal));
    }
}
