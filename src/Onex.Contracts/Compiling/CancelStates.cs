using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>Determines the target of a cancellation.</summary>
internal static class CancelStates
{
    /// <summary>
    /// Returns a compensating state that leads to a failed end: the target of failures if it qualifies, otherwise an added state. The
    /// target of failures may lead back to ordinary states or compensate nothing, and a cancellation must do neither.
    /// </summary>
    /// <param name="states">The states of the contract; a new state is added to them.</param>
    /// <param name="onFailure">The target of failures.</param>
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

    private static bool IsFailedEnd(IEnumerable<StatePlan> states, string name) =>
        states.Any(state => state.Name == name && state.End == EndKind.Failed);

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
