using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>
/// Classifies results, in this order: the operation's own schema, the contract's <c>reject</c>, the role's classification, the contract's
/// <c>returns</c>.
/// </summary>
internal static class ResultRules
{
    /// <summary>The result after these rules.</summary>
    public static ClassifiedResult Classify(DecisionBuilder decision, Outstanding command, CallStep step, StepResultArrived result)
    {
        var value = result.Result ?? CelValue.Map([]);
        string? ruleProblem = null;
        if (result.Result is { } raw)
        {
            string? typeProblem = null;
            if (raw.IsError && !result.IsStandIn)
            {
                typeProblem = raw.AsError();
            }
            else if (!result.IsStandIn && !step.ResultType.TryConvert(raw, out value, out var mismatch))
            {
                value = raw;
                typeProblem = mismatch!.ToString();
            }

            // A result that is not a success keeps the role's classification, whatever its body is.
            if (typeProblem is not null && result.Outcome == StepOutcome.Completed)
            {
                return new ClassifiedResult(StepOutcome.Failed, raw, StepCodes.ResultInvalid, $"The operation's result: {typeProblem}")
                {
                    Reach = AttemptReach.Done,
                };
            }

            foreach (var rule in typeProblem is null ? step.Reject : [])
            {
                // A body that does not parse is not evaluated: a failure keeps the role's classification, and a success is handled below.
                if (result.Unparsed is not null && decision.Facts.NeedsBody(step.Id) && PlanFacts.ReadsBody(rule.When))
                {
                    continue;
                }

                var holds = rule.When.Evaluate(EachItems.ScopeOf(decision, command, decision.Now, value));
                if (holds.Kind != CelKind.Bool)
                {
                    ruleProblem = $"The reject guard for '{rule.Code}': {SagaScope.WhyNoBool(holds)}";
                    break;
                }

                decision.Observer?.GuardEvaluated(rule.When, holds.AsBool());
                if (holds.AsBool())
                {
                    return new ClassifiedResult(StepOutcome.Rejected, value, rule.Code, $"Step '{step.Id}' was rejected: {rule.Code}.")
                    {
                        Reach = AttemptReach.Answered,
                    };
                }
            }
        }

        if (result.Outcome != StepOutcome.Completed)
        {
            var noReason = result.Outcome == StepOutcome.Rejected ? "The service rejected it without a reason." : "No reason was given.";
            return new ClassifiedResult(result.Outcome, value, result.Code ?? StepCodes.StepFailed, result.Message ?? noReason)
            {
                RuleProblem = ruleProblem,
                Reach = result.Reached,
            };
        }

        if (result.Unparsed is { } unparsed && decision.Facts.NeedsBody(step.Id))
        {
            return new ClassifiedResult(StepOutcome.Failed, value, StepCodes.ResultInvalid, unparsed) { Reach = AttemptReach.Done };
        }

        if (ruleProblem is not null || result.IsStandIn)
        {
            return new ClassifiedResult(StepOutcome.Completed, value, "", "") { RuleProblem = ruleProblem, Reach = AttemptReach.Done };
        }

        var returned = value;
        if (step.Returns is { } returns && !returns.TryConvert(value, out returned, out var wrong))
        {
            return new ClassifiedResult(
                StepOutcome.Failed,
                value,
                StepCodes.ResultInvalid,
                $"What the step returns: {wrong}{(result.Unparsed is { } why ? $" ({why})" : "")}")
            {
                Reach = AttemptReach.Done,
            };
        }

        // Numbers obey the same rule as in requests and events. It comes after the types, which may declare that a number is a double.
        return ValueBounds.Problems(returned) is [var number, ..]
            ? new ClassifiedResult(
                StepOutcome.Failed, value, StepCodes.ResultInvalid, $"The operation's result: {number}")
            {
                Reach = AttemptReach.Done,
            }
            : new ClassifiedResult(StepOutcome.Completed, returned, "", "") { Reach = AttemptReach.Done };
    }
}
