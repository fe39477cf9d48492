using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>Where a cancel leads in a contract.</summary>
internal static class CancelStates
{
    /// <summary>
    /// The name of a compensating state that leads to a failed end. It is the state that failures lead to if that is one. Otherwise it is added,
    /// because such a state may lead back to ordinary ones, or compensate nothing, and a cancel must do neither.
    /// </summary>
    /// <param name="states">The contract's states, to which it is added.</param>
    /// <param name="onFailure">The state that failures lead to.</param>
    public static string Add(ICollection<StatePlan> states, string onFailure)
    {
        var failing = states.First(state => state.Name == onFailure);
        if (failing is { Kind: StateKind.Compensating, Choices: [var choice] } && IsFailedEnd(states, choice.Next))
        {
            return onFailure;
        }

        var end = IsFailedEnd(states, onFailure) ? onFailure : null;
        if (end is null)
        {
            end = Free(states, "cancelled");
            states.Add(StateReader.ImplicitFailed(end));
        }

        var name = Free(states, "cancelling");
        states.Add(StateReader.ImplicitCompensating(name, end));
        return name;
    }

    private static bool IsFailedEnd(IEnumerable<StatePlan> states, string name) => states.Any(state => state.Name == name && state.End == EndKind.Failed);

    private static string Free(ICollection<StatePlan> states, string name)
    {
        var free = name;
        for (var number = 2; states.Any(state => state.Name == free); number++)
        {
            free = $"{name}_{number}";
        }

        return free;
    }
}
