using Onex.Contracts.Expressions;

namespace Onex.Engine;

/// <summary>Observes which parts of a plan decisions use. It never changes a decision. Only examples have an observer.</summary>
internal interface IPlanObserver
{
    /// <summary>A guard was evaluated.</summary>
    void GuardEvaluated(Expression guard, bool holds);

    /// <summary>
    /// A transition was taken: a choice, a catch, a rule of an event, a timeout, the deadline, or, for <c>on_failure</c>, the plan itself.
    /// </summary>
    void TransitionTaken(object transition);
}
