using Onex.Contracts.Messages;

namespace Onex.Persistence.Ledger;

/// <summary>Decides whether a recorded outcome answers a claim.</summary>
internal static class KnownOutcomes
{
    /// <summary>
    /// Whether this outcome answers a command, so that the command does not run: it belongs to that attempt or a later one, or it is final.
    /// A completed outcome is final unless the command says that the orchestrator did not understand it.
    /// </summary>
    public static bool AnswersTo(this StepResult known, StepCommand command) =>
        known.Attempt >= command.Attempt
        || known.Outcome == StepOutcomes.Rejected
        || (known.Outcome == StepOutcomes.Completed && command.AskAgain != true);
}
