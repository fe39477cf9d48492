using System.Collections.Frozen;
using System.Globalization;
using Onex.Operations;

namespace Onex.Contracts.Catalogue;

/// <summary>How far a failed attempt got, by its code alone, because the scripted attempts of examples have nothing else.</summary>
public static class FailureCodes
{
    /// <summary>Codes of attempts that were not sent, or were rolled back.</summary>
    public static FrozenSet<string> NotSent { get; } = FrozenSet.ToFrozenSet(
        [
            "breaker_open", "connection_failed", "connection_refused", "connection_unknown", StepCodes.OperationUnknown,
            StepCodes.OperationStuck,
            "authentication_failed", "secret_unavailable",
            "deadlock", "lock_not_available", "serialization_failure", "transaction_rollback",
        ],
        StringComparer.Ordinal);

    /// <summary>How far an attempt with that code got; <see cref="AttemptReach.Sent"/> if the code does not say.</summary>
    public static AttemptReach ReachOf(string code) =>
        NotSent.Contains(code) ? AttemptReach.NotSent
        : code is "answer_unreadable" or "response_too_large" or StepCodes.ResultInvalid ? AttemptReach.Done
        : code is "redis_unavailable" or "vault_sealed" ? AttemptReach.Answered
        : code.StartsWith("http_", StringComparison.Ordinal)
            && int.TryParse(code.AsSpan("http_".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var status)
                ? HttpStatuses.ReachOf(status)
        : AttemptReach.Sent;
}
