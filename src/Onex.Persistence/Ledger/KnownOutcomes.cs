using Onex.Contracts.Messages;

namespace Onex.Persistence.Ledger;

/// <summary>Decides whether a recorded outcome answers a claim.</summary>
internal static class KnownOutcomes
{
    /// <summary>
    /// Whether this outcome answers a command, so that the command does not run: it is of that attempt or a later one, or it is final.
    /// A completed outcome is final unless the command says that the orchestrator did not understand it.
    /// </summary>
    public static bool AnswersTo(this StepResult recorded, StepCommand command) =>
        recorded.Attempt >= command.Attempt
        || recorded.Outcome == StepOutcomes.Rejected
        || (recorded.Outcome == StepOutcomes.Completed && command.AskAgain != true);
}
