namespace Onex.Tests.Unit.Runtime.Verification;

/// <summary>How a worker violates docs/worker-protocol.md.</summary>
public enum WorkerFault
{
    None,
    Silence,
    OtherPartition,
    OtherKey,
    OtherSaga,
    NoCorrelation,
    NoCommandId,
    NoTrace,
    OtherOutcome,
    NoCode,
    OtherType,
    AlwaysFails,
    NewResultForDuplicate,
    RetryIgnored,
    CompensationIgnored,
    RunsLate,
    UnknownFieldsFail,
    LargeFails,
    MissingArgumentsCompleted,
    UnknownOperationFails,
    StopsAtMalformed,
    IgnoresCancellations,
    RunsOnAfterCancellation,
    CancelsLaterAttempts,
    ProgressOutOfRange,
}
