using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>Determines the target of a cancellation.</summary>
internal static class CancelStates
{
    /// <summary>
    /// A cancellation must compensate and then enter a failed end. Returns <c>on_failure</c> if that state does exactly this; otherwise
    /// adds a state, because <c>on_failure</c> may lead back to ordinary states or compensate nothing.
    /// </summary>
    public static string GetOrAdd(ICollection<StatePlan> states, string onFailure)
    {
        var failureTarget = states.First(state => state.Name == onFailure);
        if (failureTarget is { Kind: StateKind.Compensating, Choices: [var choice] } && IsFailedEnd(states, choice.Next))
        {
            return onFailure;
        }

        var end = IsFailedEnd(states, onFailure) ? onFailure : null;
        if (end is null)
        {
            end = UnusedName(states, "cancelled");
            states.Add(StateReader.ImplicitFailed(end));
        }

        var name = UnusedName(states, "cancelling");
        states.Add(StateReader.ImplicitCompensating(name, end));
        return name;
    }

    private static bool IsFailedEnd(IEnumerable<StatePlan> states, string name) =>
        states.Any(state => state.Name == name && state.End == EndKind.Failed);

    private static string UnusedName(ICollection<StatePlan> states, string name)
    {
        var unused = name;
        for (var number = 2; states.Any(state => state.Name == unused); number++)
        {
            unused = $"{name}_{number}";
        }

        return unused;
    }
}
