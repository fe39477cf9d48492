using Onex.Contracts.Expressions;

namespace Onex.Engine;

/// <summary>Is told which parts of a plan a decision goes by. What it does with that changes no decision; production has none.</summary>
internal interface IPlanObserver
{
    /// <summary>A guard was worked out.</summary>
    void GuardEvaluated(Expression guard, bool holds);

    /// <summary>A way was taken: a choice, a catch, a rule of an event, a time limit, or, for <c>on_failure</c>, the plan itself.</summary>
    void TransitionTaken(object way);
}
