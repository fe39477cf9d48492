using System.Collections.Frozen;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Running;

/// <summary>Reads from the outcome of an attempt whether its connection works.</summary>
internal static class AttemptSigns
{
    // Taken to mean that every attempt would fail now, whatever its arguments are.
    private static readonly FrozenSet<string> _unavailable = FrozenSet.ToFrozenSet(
        [
            "connection_failed", "connection_refused", "connection_lost", "authentication_failed", "database_unavailable",
            "redis_unavailable", "broker_unavailable", "filesystem_unavailable", "vault_sealed", "secret_unavailable",
            StepCodes.StepTimedOut,
            "http_429", "http_502", "http_503", "http_504",
        ],
        StringComparer.Ordinal);

    // Conflicts with other transactions: the database works.
    private static readonly FrozenSet<string> _conflicts = FrozenSet.ToFrozenSet(
        ["deadlock", "lock_not_available", "serialization_failure", "transaction_rollback"], StringComparer.Ordinal);

    // Problems of this process say nothing about the connection.
    private static readonly FrozenSet<string> _processFaults = FrozenSet.ToFrozenSet(
        ["connection_unknown", "lease_lost", StepCodes.OperationUnknown, StepCodes.OperationFailed], StringComparer.Ordinal);

    /// <summary>
    /// Whether the external system answered that the attempt failed or was rejected. Every HTTP status is an answer, even one such as 500,
    /// whose reach is Sent.
    /// </summary>
    public static bool IsAnswer(AttemptOutcome outcome) =>
        outcome.Reach == AttemptReach.Answered || outcome.Code?.StartsWith("http_", StringComparison.Ordinal) == true;

    /// <summary>What the outcome says about the connection.</summary>
    public static AttemptSign From(AttemptOutcome outcome) => outcome switch
    {
        { IsUntried: true } => AttemptSign.None,
        { Outcome: not StepOutcomes.Failed } => AttemptSign.Works,
        { Code: null } => AttemptSign.Fails,
        { Code: var code } when _unavailable.Contains(code) => AttemptSign.Unavailable,
        { Code: var code } when _conflicts.Contains(code) => AttemptSign.Works,
        { Code: var code } when _processFaults.Contains(code) => AttemptSign.None,
        _ => AttemptSign.Fails,
    };
}
