namespace Onex.Engine;

/// <summary>An operator's command to a saga: who sent it, why and when.</summary>
/// <param name="By">The name of the operator's token, or the parent saga.</param>
/// <param name="Reason">The reason that the operator gave, or null.</param>
/// <param name="At">When the saga carried it out.</param>
internal sealed record OperatorRequest(string By, string? Reason, DateTimeOffset At);

/// <summary>What an operator can do with a saga.</summary>
internal enum OperatorCommand
{
    /// <summary>Compensate completed steps and end as cancelled, whatever the contract does about failures. Not past the pivot.</summary>
    Cancel,

    /// <summary>End at once and compensate nothing.</summary>
    Terminate,

    /// <summary>Retry what blocks the saga.</summary>
    Retry,

    /// <summary>Skip what blocks the saga.</summary>
    Skip,

    /// <summary>Send nothing new until it is resumed.</summary>
    Pause,

    /// <summary>Continue a paused saga.</summary>
    Resume,
}
