using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>
/// Determines which codes can reach a <c>catch</c>: those that its steps can fail with and that no inner <c>catch</c> covers.
/// <see cref="ChildChecks"/> checks the codes of called contracts, because it knows all contracts.
/// </summary>
internal sealed class CatchChecks(OperationCatalogue operations)
{
    // Any call may fail with these: attempts exhausted, an invalid result, a failed expression, a command that the broker rejects.
    public static ImmutableArray<string> CallCodes { get; } =
        [StepCodes.StepFailed, StepCodes.StepTimedOut, StepCodes.ResultInvalid, StepCodes.ExpressionFailed, StepCodes.Undeliverable];

    // These end a saga as a whole, so no `catch` applies to them.
    public static ImmutableArray<string> SagaCodes { get; } =
        [StepCodes.StateTimedOut, StepCodes.DeadlineExceeded, StepCodes.Cancelled, StepCodes.Terminated, StepCodes.OutputInvalid];

    // The called contracts that the current check came across: whether they can fail with its code is not known yet.
    private readonly HashSet<string> _children = new(StringComparer.Ordinal);

    /// <summary>Warns of codes that never reach their <c>catch</c>, and returns those that depend on called contracts.</summary>
    public static ImmutableArray<UnverifiedCatch> Run(ContractScope scope, Findings findings, IEnumerable<StatePlan> states)
    {
        var checks = new CatchChecks(scope.Context.Operations);
        var unverified = ImmutableArray.CreateBuilder<UnverifiedCatch>();
        foreach (var state in states)
        {
            checks.Check(scope, findings, state.Catch, $"state '{state.Name}'", code => checks.CanReach(state, code),
                () => checks.SuggestionsFor(state.Steps), unverified);
            foreach (var step in state.AllSteps)
            {
                checks.Check(scope, findings, step.Catch, $"step '{step.Id}'", code => checks.CanRaise(step, code),
                    () => checks.SuggestionsFor([step]), unverified);
            }
        }

        return unverified.ToImmutable();
    }

    /// <summary>Whether a saga of a contract may fail with that code. <c>find</c> returns null for an unknown contract.</summary>
    public bool MayFail(Plan plan, string code, Func<string, Plan?> find) => MayFail(plan, code, find, []);

    private bool MayFail(Plan plan, string code, Func<string, Plan?> find, HashSet<string> seen)
    {
        // A child whose start is rejected fails with an ONEX code.
        if (Names.FaultCodes.Contains(code) || code.StartsWith("ONEX", StringComparison.Ordinal)
            || plan.AnyState.Any(rule => rule.Event == code) || plan.States.Any(state => SetsFault(state, code)))
        {
            return true;
        }

        // A called contract that is not found may fail with any code.
        return plan.Children.Where(child => !child.Detached).Select(child => child.Contract).Distinct(StringComparer.Ordinal)
            .Where(seen.Add)
            .Any(child => find(child) is not { } called || MayFail(called, code, find, seen));
    }

    private bool SetsFault(StatePlan state, string code) =>
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
    private bool CanReach(StatePlan state, string code) => code == StepCodes.ExpressionFailed || CanEscape(state.Steps, code);

    // Checks every step, even after a match, so that `_children` is complete.
    private bool CanEscape(ImmutableArray<StepPlan> steps, string code)
    {
        var canEscape = false;
        foreach (var step in steps.Where(step => !step.Catch.Any(rule => rule.Covers(code))))
        {
            canEscape |= CanRaise(step, code);
        }

        return canEscape;
    }

    private bool CanRaise(StepPlan step, string code)
    {
        switch (step)
        {
            case ParallelStep { Join: Join.All } parallel:
                return CanEscape([.. parallel.Branches.SelectMany(branch => branch.Steps)], code);
            case ParallelStep:
                return code == StepCodes.JoinFailed;
            case EachStep each:
                return code is StepCodes.TooManyItems or StepCodes.ExpressionFailed
                    || (each.FailuresMax is not null && CanFailWith(each.Call, code));
            case CallStep call:
                return CanFailWith(call, code);
            case FailStep fail:
                return fail.Code == code || code == StepCodes.ExpressionFailed;
            default:
                return code == StepCodes.ExpressionFailed;
        }
    }

    private bool CanFailWith(CallStep call, string code)
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

    // The codes to suggest instead of one that never occurs: the contract's own first, without the many http_ codes.
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
