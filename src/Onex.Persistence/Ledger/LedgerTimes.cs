using Onex.Contracts.Messages;

namespace Onex.Persistence.Ledger;

/// <summary>The durations that both ledgers use.</summary>
public static class LedgerTimes
{
    /// <summary>
    /// How long a lease outlives the timeout of its attempt: it covers the work around the attempt and differences between clocks.
    /// </summary>
    public static readonly TimeSpan LeaseMargin = TimeSpan.FromSeconds(5);

    /// <summary>
    /// How long the ledger keeps a command after its last lease or outcome. Longer than a command may be run (<c>not_after</c>), and than
    /// a topic keeps records by default, so that a late copy of the command finds its outcome.
    /// </summary>
    public static readonly TimeSpan OutcomesKept = TimeSpan.FromDays(15);

    /// <summary>How long a report of an unavailable connection is valid. A live process repeats it more often.</summary>
    public static readonly TimeSpan ConnectionReport = TimeSpan.FromSeconds(30);

    /// <summary>The duration of a lease on an attempt of a command.</summary>
    internal static TimeSpan Lease(StepCommand command) => TimeSpan.FromMilliseconds(command.TimeoutMs) + LeaseMargin;
}
