namespace Onex.Engine;

/// <summary>One branch of a running <c>parallel</c> step.</summary>
/// <param name="Parallel">The step's id.</param>
/// <param name="Branch">Which of its branches, from 0.</param>
internal sealed record BranchState(string Parallel, int Branch)
{
    /// <summary>The index of its current step, from 0.</summary>
    public int Index { get; init; }

    public BranchPhase Phase { get; init; }

    /// <summary>When its current <c>wait</c> step ends, or null.</summary>
    public DateTimeOffset? WaitUntil { get; init; }

    /// <summary>The retry pass of its commands; at first that of the enclosing branch, or 0.</summary>
    public int RetryPass { get; init; }
}

/// <summary>The phase of a branch.</summary>
internal enum BranchPhase
{
    /// <summary>Its steps run.</summary>
    Running,

    /// <summary>All its steps are done.</summary>
    Completed,

    /// <summary>One of its steps has failed for good.</summary>
    Failed,

    /// <summary>The join no longer waits for it.</summary>
    Dropped,
}

/// <summary>A state or branch whose next step runs when the saga is resumed.</summary>
/// <param name="Key">The <see cref="Sequence.Key"/> of the state or branch.</param>
/// <param name="RetryPass">The retry pass of the step that runs next.</param>
internal sealed record HeldSequence(string Key, int RetryPass);
