namespace Onex.Contracts.Plans;

/// <summary>Who runs a call: a role, or a remote worker.</summary>
public enum CallRole
{
    /// <summary>External I/O, run by the effects role.</summary>
    Effect,

    /// <summary>A pure computation, run by a worker.</summary>
    Compute,

    /// <summary>
    /// An effect that a remote worker runs. It has no entry in the effect ledger, so without its result it is unknown whether it took
    /// effect. A pure remote operation is a <see cref="Compute"/> with a topic of its own.
    /// </summary>
    Remote,

    /// <summary>A child saga of another contract, run by the orchestrator. Its end is the outcome of the call.</summary>
    Saga,
}
