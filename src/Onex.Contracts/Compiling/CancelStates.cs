using Onex.Contracts.Plans;

namespace Onex.Contracts.Compiling;

/// <summary>Determines the target of a cancellation.</summary>
internal static class CancelStates
{
    /// <summary>
    /// Returns the name of a compensating state that leads to a failed end: the target of failures if it is one, otherwise an added state.
    /// The target of failures may instead lead back to ordinary states or compensate nothing, and a cancellation must do neither.
    /// </summary>
    public static string Add(ICollection<StatePlan> states, string onFailure)
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
