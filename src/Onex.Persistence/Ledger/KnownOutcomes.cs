using Onex.Contracts.Messages;

namespace Onex.Persistence.Ledger;

/// <summary>When a recorded outcome stands for an attempt that is asked for.</summary>
internal static class KnownOutcomes
{
    /// <summary>
    /// Whether a command is answered with this outcome instead of being run: it is of that attempt or a later one, or it is final. A completed one
    /// is final unless the command says that its answer was not understood.
    /// </summary>
    public static bool AnswersTo(this StepResult known, StepCommand command) =>
        known.Attempt >= command.Attempt
        || known.Outcome == StepOutcomes.Rejected
        || (known.Outcome == StepOutcomes.Completed && command.AskAgain != true);
}
