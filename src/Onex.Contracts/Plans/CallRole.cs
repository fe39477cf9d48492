namespace Onex.Contracts.Plans;

/// <summary>The role that runs a call.</summary>
public enum CallRole
{
    /// <summary>External I/O, run by runtime-effects.</summary>
    Effect,

    /// <summary>A pure computation, run by runtime-worker.</summary>
    Compute,

    /// <summary>
    /// A change of the world by a remote worker. It has no entry in the effect ledger, so only its result tells what happened. A pure
    /// remote operation is a <see cref="Compute"/> with a topic of its own.
    /// </summary>
    Remote,

    /// <summary>A child saga of another contract, run by the orchestrator. Its end is the outcome of the call.</summary>
    Saga,
}
