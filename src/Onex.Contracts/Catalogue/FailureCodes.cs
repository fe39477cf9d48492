using System.Collections.Frozen;
using System.Globalization;

namespace Onex.Contracts.Catalogue;

/// <summary>How far an attempt came: what is known of whether it happened.</summary>
public enum AttemptReach
{
    /// <summary>Nothing was sent, or nothing of it remains (no connection, the circuit breaker is open, a transaction rolled back). It did not happen.</summary>
    NotSent,

    /// <summary>It was sent, and it is unknown whether it happened.</summary>
    Sent,

    /// <summary>The service answered that it did not happen.</summary>
    Answered,

    /// <summary>The service answered that it happened.</summary>
    Done,
}

/// <summary>What the code of a failed attempt says about how far it came, where nothing else does: in examples of contracts.</summary>
public static class FailureCodes
{
    /// <summary>Codes of attempts that were not sent.</summary>
    public static FrozenSet<string> NotSent { get; } = FrozenSet.ToFrozenSet(
        [
            "breaker_open", "connection_failed", "connection_refused", "connection_unknown", "operation_unknown",
            "authentication_failed", "deadlock", "lock_not_available", "serialization_failure", "transaction_rollback",
        ],
        StringComparer.Ordinal);

    /// <summary>How far an attempt came that failed with that code: unknown, unless the code says otherwise.</summary>
    public static AttemptReach ReachOf(string code) =>
        NotSent.Contains(code) ? AttemptReach.NotSent
        : code is "answer_unreadable" or "response_too_large" or "result_invalid" ? AttemptReach.Done
        : code.StartsWith("http_", StringComparison.Ordinal)
            && int.TryParse(code.AsSpan("http_".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var status) ? HttpStatuses.ReachOf(status)
        : AttemptReach.Sent;
}
