using Onex.Contracts.Messages;

namespace Onex.Engine;

/// <summary>A step that has completed, or may have, and can be compensated.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="State">The state it ran in.</param>
/// <param name="CommandId">The step's command; with <see cref="Items"/> the id of the run.</param>
/// <param name="Arguments">The compensation's arguments, evaluated by the time the outcome arrived. Empty with <see cref="Items"/>.</param>
internal sealed record Compensable(string Step, string State, CommandId CommandId, RawJson Arguments)
{
    /// <summary>Which visit of that state.</summary>
    public int Visit { get; init; }

    /// <summary>The item of an <c>each</c>, if this is a single item; else null.</summary>
    public int? Item { get; init; }

    /// <summary>For all completed items of an <c>each</c>, whose arguments are in their rows; else null.</summary>
    public ItemCompensation? Items { get; init; }

    /// <summary>Whether it is compensated whatever follows: it was interrupted or dropped, and its effects are not kept.</summary>
    public bool MustCompensate { get; init; }

    /// <summary>How often an operator retried its compensation after a final answer.</summary>
    public int RetryPass { get; init; }

    /// <summary>The command that compensates it.</summary>
    public CommandId CompensationId => Identity.Compensation(CommandId, RetryPass);
}

/// <summary>How far the completed items of an <c>each</c> are compensated: from the last to the first.</summary>
/// <param name="Below">Items with a lower index remain; <see cref="int.MaxValue"/> before the first.</param>
/// <param name="Fetching">Whether the rows of the next items were requested and have not arrived.</param>
internal sealed record ItemCompensation(int Below, bool Fetching);
