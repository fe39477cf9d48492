using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>
/// Which codes can come to a <c>catch</c>: those that the steps which it is asked about can end with, and that nothing nearer to them catches. What a
/// contract that is called may fail with is known when all contracts are.
/// </summary>
internal sealed class CatchChecks(OperationCatalogue operations)
{
    // Whatever is called may end so: its attempts are used up, its answer or the contract's own rules are of no use, the broker refuses the command.
    private static readonly string[] _ofCalls = ["step_failed", "step_timed_out", "result_invalid", "expression_failed", "undeliverable"];

    // These come over a saga, and no `catch` is asked about them.
    private static readonly string[] _ofSagas = ["state_timed_out", "deadline_exceeded", "cancelled", "terminated", "output_invalid"];

    private readonly HashSet<string> _children = new(StringComparer.Ordinal);

    /// <summary>Warns of codes that never come to where they are caught, and gives those for which it depends on the contracts that are called.</summary>
    public static ImmutableArray<DoubtfulCatch> Run(ContractScope scope, IEnumerable<StatePlan> states)
    {
        var checks = new CatchChecks(scope.Context.Operations);
        var doubtful = ImmutableArray.CreateBuilder<DoubtfulCatch>();
        foreach (var state in states)
        {
            checks.Check(scope, state.Catch, $"state '{state.Name}'", code => checks.Comes(state, code), () => checks.CodesOf(state.Steps), doubtful);
            foreach (var step in state.AllSteps)
            {
                checks.Check(scope, step.Catch, $"step '{step.Id}'", code => checks.Raises(step, code), () => checks.CodesOf([step]), doubtful);
            }
        }

        return doubtful.ToImmutable();
    }

    /// <summary>Whether a saga of a contract may fail with that code.</summary>
    /// <param name="plan">The contract.</param>
    /// <param name="code">The code.</param>
    /// <param name="find">The contract of a name that its own steps may call; null if it is not known.</param>
    public bool MayFail(Plan plan, string code, Func<string, Plan?> find) => MayFail(plan, code, find, []);

    private bool MayFail(Plan plan, string code, Func<string, Plan?> find, HashSet<string> seen)
    {
        // What refuses the start of a saga answers with codes of its own.
        if (Names.FaultCodes.Contains(code) || code.StartsWith("ONEX", StringComparison.Ordinal)
            || plan.AnyState.Any(rule => rule.Event == code) || plan.States.Any(state => Sets(state, code)))
        {
            return true;
        }

        return plan.Children.Where(child => !child.Detached).Select(child => child.Contract).Distinct(StringComparer.Ordinal)
            .Where(seen.Add)
            .Any(child => find(child) is not { } other || MayFail(other, code, find, seen));
    }

    private bool Sets(StatePlan state, string code) =>
        state.Choices.Any(choice => choice.Fault == code)
        || state.OnEvent.Any(rule => rule.Event == code)
        || state.AllSteps.OfType<FailStep>().Any(step => step.Code == code)
        || state.Calls.Any(call => call.Reject.Any(rule => rule.Code == code) || (call.Kind != StepKind.Saga && Answers(call, code)));

    private void Check(
        ContractScope scope, ImmutableArray<CatchRule> rules, string what, Predicate<string> comes, Func<IEnumerable<string>> known,
        ImmutableArray<DoubtfulCatch>.Builder doubtful)
    {
        foreach (var code in rules.SelectMany(rule => scope.CatchCodes.GetValueOrDefault(rule, [])))
        {
            _children.Clear();
            if (comes(code.Text))
            {
                continue;
            }

            var complaint = ContractDiagnostics.NeverCaught(code.At, what, code.Text, IsOfSaga(code.Text), [.. known().Distinct(StringComparer.Ordinal)]);
            if (_children.Count == 0)
            {
                scope.Report(complaint);
            }
            else
            {
                doubtful.Add(new DoubtfulCatch(complaint, code.Text, [.. _children]));
            }
        }
    }

    private static bool IsOfSaga(string code) => _ofSagas.Contains(code, StringComparer.Ordinal);

    // What its steps leave to it; and what it works out itself may fail: guards, times, what it sets and responds.
    private bool Comes(StatePlan state, string code) => code == "expression_failed" || Leave(state.Steps, code);

    private bool Leave(ImmutableArray<StepPlan> steps, string code)
    {
        var any = false;
        foreach (var step in steps.Where(step => !step.Catch.Any(rule => rule.Covers(code))))
        {
            any |= Raises(step, code);
        }

        return any;
    }

    private bool Raises(StepPlan step, string code)
    {
        switch (step)
        {
            case ParallelStep { Join: Join.All } parallel:
                return parallel.Branches.Select(branch => Leave(branch.Steps, code)).ToList().Contains(true);
            case ParallelStep:
                return code == "join_failed";
            case EachStep each:
                return code is "too_many_items" or "expression_failed" || (each.FailuresMax is not null && Ends(each.Call, code));
            case CallStep call:
                return Ends(call, code);
            case FailStep fail:
                return fail.Code == code || code == "expression_failed";
            default:
                return code == "expression_failed";
        }
    }

    private bool Ends(CallStep call, string code)
    {
        if (_ofCalls.Contains(code, StringComparer.Ordinal) || call.Reject.Any(rule => rule.Code == code))
        {
            return true;
        }

        if (call.Kind == StepKind.Saga)
        {
            _children.Add(call.Invocation.Operation);
            return false;
        }

        return Answers(call, code);
    }

    private bool Answers(CallStep call, string code) =>
        operations.Find(call.Invocation.Operation) is not { } operation || RejectionCodes.Allow(operation, code);

    // For a suggestion: those that the contract gives itself come first.
    private IEnumerable<string> CodesOf(IEnumerable<StepPlan> steps)
    {
        var all = StatePlan.Flatten([.. steps]).ToList();
        var calls = all.Select(step => (step as EachStep)?.Call ?? step).OfType<CallStep>().ToList();
        return calls.SelectMany(call => call.Reject).Select(rule => rule.Code)
            .Concat(all.OfType<FailStep>().Select(step => step.Code))
            .Concat(calls.Count > 0 ? _ofCalls : ["expression_failed"])
            .Concat(all.OfType<EachStep>().Any() ? ["too_many_items"] : [])
            .Concat(all.OfType<ParallelStep>().Any(step => step.Join != Join.All) ? ["join_failed"] : [])
            .Concat(calls
                .Select(call => operations.Find(call.Invocation.Operation))
                .OfType<OperationDescriptor>()
                .SelectMany(operation => RejectionCodes.Of(operation) ?? Enumerable.Empty<string>())
                .Where(code => !code.StartsWith("http_", StringComparison.Ordinal))
                .Order(StringComparer.Ordinal));
    }
}

/// <summary>A code that is caught, and that comes only from a contract that is called, if from anywhere.</summary>
/// <param name="Diagnostic">What is said if it does not.</param>
/// <param name="Code">The code.</param>
/// <param name="Contracts">Those that may fail with it.</param>
internal sealed record DoubtfulCatch(DiagnosticDraft Diagnostic, string Code, ImmutableArray<string> Contracts);

/// <summary>What a contract uses that is judged when all contracts are known.</summary>
/// <param name="Catches">Codes that it catches and that come only from contracts that it calls, if from anywhere.</param>
/// <param name="Connections">The connections that its steps go through, or that its expressions read.</param>
internal sealed record PlanUses(ImmutableArray<DoubtfulCatch> Catches, ImmutableArray<string> Connections);
