namespace Onex.Tests.Unit.Runtime.Verification;

/// <summary>What a worker does other than docs/worker-protocol.md says.</summary>
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
