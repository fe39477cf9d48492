using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>Whether a command runs a step or compensates it.</summary>
internal enum StepDirection
{
    Forward,
    Compensation,
}

/// <summary>How a direction is written in the database, in history and in messages.</summary>
internal static class StepDirectionText
{
    public static string ToText(this StepDirection direction) =>
        direction == StepDirection.Forward ? StepDirections.Do : StepDirections.Compensate;

    public static StepDirection Parse(string? text) => text switch
    {
        StepDirections.Do => StepDirection.Forward,
        StepDirections.Compensate => StepDirection.Compensation,
        _ => throw new InvalidOperationException($"'{text}' is not a direction of a step."),
    };
}
