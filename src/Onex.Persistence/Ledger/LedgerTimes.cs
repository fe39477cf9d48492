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
    /// How long outcomes are kept. A command may start, and a topic keeps a record by default, for less, so a late copy finds its outcome.
    /// </summary>
    public static readonly TimeSpan OutcomesKept = TimeSpan.FromDays(15);

    /// <summary>
    /// How long the report of an unavailable connection is valid. Processes repeat it more often; that of a dead process expires.
    /// </summary>
    public static readonly TimeSpan ConnectionReport = TimeSpan.FromSeconds(30);

    /// <summary>The length of a command's lease.</summary>
    internal static TimeSpan Lease(StepCommand command) => TimeSpan.FromMilliseconds(command.TimeoutMs) + LeaseMargin;
}
