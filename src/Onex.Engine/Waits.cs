using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;

namespace Onex.Engine;

/// <summary>Describes for people what a saga waits for.</summary>
internal static class Waits
{
    private static readonly Dictionary<CommandId, string> _none = [];

    private static readonly (OperatorCommand Command, string Name)[] _commands =
    [
        (OperatorCommand.Retry, "retry"),
        (OperatorCommand.Skip, "skip"),
        (OperatorCommand.Resume, "resume"),
        (OperatorCommand.Cancel, "cancel"),
        (OperatorCommand.Pause, "pause"),
    ];

    // So many resends suggest that no role runs. A single one may be due to a pause, or to a role that was just starting.
    private const int ResendsOfUnclaimed = 2;

    /// <summary>What a saga waits for, since when, until when, and what an operator can do.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="saga">The saga.</param>
    /// <param name="now">The time.</param>
    /// <param name="parked">Why commands are parked; null if none is.</param>
    public static WaitReason Describe(
        Plan plan, SagaState saga, DateTimeOffset now, IReadOnlyDictionary<CommandId, string>? parked = null)
    {
        parked ??= _none;
        var described = saga switch
        {
            { EndedAt: { } ended } => new WaitDescription($"It has ended ({saga.Status.ToText()}) and waits for nothing.", ended, []),
            { Blockage: { } blockage } => new WaitDescription(
                $"It is blocked in state '{saga.State}' since {TimeText.Format(blockage.At)} and waits for an operator: "
                    + saga.BlockedBecause,
                blockage.At, ["an operator"]),
            { PausedBy: { } request } => Paused(plan, saga, request, now, parked),
            { Leaving: { At: { } at } leaving, Outstanding.IsEmpty: true } => new WaitDescription(
                $"It has left state '{saga.State}' and is in a cycle without progress: it is slowed down, and enters '{leaving.Next}' "
                    + $"again at {TimeText.Format(at)}.",
                saga.UpdatedAt, [$"time {TimeText.Format(at)}"]),
            { Outstanding.IsEmpty: false } => InFlight(plan, saga, now, parked),
            _ => Waiting(plan, saga, now),
        };

        var decision = new DecisionBuilder(plan, saga, now);
        return new WaitReason(
            described.Sentence,
            saga.Status.ToText(),
            saga.State,
            described.Since,
            saga.NextWakeupAt,
            described.Waits,
            [
                .. described.Events.Select(name => $"sagas send {saga.Facts.SagaId} {name}{DataArgument(plan, name)}"),
                .. _commands
                    .Where(command => Operators.WhyNotAllowed(decision, command.Command) is null)
                    .Select(command => $"sagas {command.Name} {saga.Facts.SagaId}"),
                .. HasChildren(plan, saga) ? [$"sagas list --parent {saga.Facts.SagaId}"] : Array.Empty<string>(),

                // The last resort, because it compensates nothing.
                .. saga.Blockage is null ? Array.Empty<string>() : [$"sagas terminate {saga.Facts.SagaId} --confirm {saga.Facts.SagaId}"],
            ]);
    }

    // The argument in a shell's quotes: a sample contains no apostrophe.
    private static string DataArgument(Plan plan, string name)
    {
        var sample = plan.Events.TryGetValue(name, out var declared) ? SampleJson.Create(declared.Data) : "{}";
        return sample == "{}" ? "" : $" --data '{sample}'";
    }

    private static bool HasChildren(Plan plan, SagaState saga) => saga.Outstanding.Any(command =>
        command.Direction == StepDirection.Forward && PlanFacts.For(plan).Call(command.Step).Role == CallRole.Saga);

    private sealed record WaitDescription(string Sentence, DateTimeOffset Since, IReadOnlyList<string> Waits)
    {
        /// <summary>The events that the state accepts.</summary>
        public IReadOnlyList<string> Events { get; init; } = [];
    }

    private static WaitDescription Paused(
        Plan plan, SagaState saga, OperatorRequest request, DateTimeOffset now, IReadOnlyDictionary<CommandId, string> parked)
    {
        var inFlight = saga.Outstanding.Where(command => command.Phase == AttemptPhase.InFlight)
            .Select(command => Describe(plan, saga, command, now, parked))
            .ToList();
        var held = saga.Outstanding.Count(command => command.Phase == AttemptPhase.Held);
        return new WaitDescription(
            $"{request.By} paused it in state '{saga.State}' at {TimeText.Format(request.At)}"
            + (request.Reason is { } reason ? $" ({reason})" : "")
            + ": it sends nothing until it is resumed"
            + (held > 0 ? $", {held} command{(held == 1 ? " is" : "s are")} held back" : "")
            + (inFlight.Count > 0 ? $"; meanwhile {string.Join(", ", inFlight)}." : "."),
            request.At, ["an operator", .. inFlight]);
    }

    private static WaitDescription InFlight(
        Plan plan, SagaState saga, DateTimeOffset now, IReadOnlyDictionary<CommandId, string> parked)
    {
        var commands = saga.Outstanding.Where(command => command.Item is null)
            .Select(command => Describe(plan, saga, command, now, parked))
            .Concat(saga.Outstanding
                .Where(command => command.Item is not null)
                .GroupBy(command => (command.Step, command.Direction))
                .Select(group => Describe(saga, [.. group], parked)))
            .Concat(saga.Branches
                .Where(branch => branch.WaitUntil is not null)
                .Select(branch => $"a branch of step '{branch.Parallel}' waits until {TimeText.Format(branch.WaitUntil!.Value)}"))
            .ToList();
        var goal = saga.Leaving is { } leaving ? $" It goes to '{leaving.Next}' once that is resolved."
            : saga.Outstanding.Any(command => command.Interrupted) ? " Older steps are compensated after that is resolved."
            : "";
        return new WaitDescription(
            $"In state '{saga.State}' {string.Join(", ", commands)}.{goal}",
            saga.Outstanding.Min(command => command.FirstSentAt),
            commands);
    }

    // All items of a step are described as one thing to wait for.
    private static string Describe(SagaState saga, IReadOnlyList<Outstanding> items, IReadOnlyDictionary<CommandId, string> parked)
    {
        var reasons = items.Select(item => parked.GetValueOrDefault(item.CommandId)).OfType<string>().ToList();
        return Describe(saga, items) + (reasons.Count == 0 ? "" : $", {reasons.Count} of them parked: {reasons[0]}");
    }

    private static string Describe(SagaState saga, IReadOnlyList<Outstanding> items)
    {
        var step = items[0].Step;
        var are = items.Count == 1 ? "is" : "are";
        var count = $"{items.Count} item{(items.Count == 1 ? "" : "s")} of step '{step}'";
        return items[0].Direction == StepDirection.Compensation ? $"{count} {are} being compensated"
            : saga.EachRuns.FirstOrDefault(run => run.Step == step) is { } run
                ? $"{count} {are} in flight, {run.Completed} of {run.Total} are done"
                    + (run.Failed > 0 ? $", {run.Failed} have failed" : "")
            : $"{count} that {(items.Count == 1 ? "was" : "were")} interrupted {are} being resolved";
    }

    private static string Describe(
        Plan plan, SagaState saga, Outstanding command, DateTimeOffset now, IReadOnlyDictionary<CommandId, string> parked)
    {
        var facts = PlanFacts.For(plan);
        var step = facts.Call(command.Step);
        var isCompensation = command.Direction == StepDirection.Compensation;
        var attempts = (isCompensation ? step.Compensation?.Retry ?? step.Retry : step.Retry).Attempts + command.AttemptsBefore;
        attempts = command.Interrupted
            ? Math.Max(command.Attempt, Math.Min(attempts, command.InterruptedAttempt + Interruption.AttemptsMax))
            : attempts;
        if (step.Role == CallRole.Saga && !isCompensation && command.Phase == AttemptPhase.InFlight)
        {
            return command.Interrupted
                ? $"the child '{step.Invocation.Operation}' of step '{command.Step}' is being cancelled (since "
                    + $"{TimeText.Format(command.FirstSentAt)})"
                : $"the child '{step.Invocation.Operation}' of step '{command.Step}' runs (since {TimeText.Format(command.FirstSentAt)})";
        }

        var endless = !isCompensation && !command.Interrupted && saga.PastPivot;
        var attempt = endless ? $"attempt {command.Attempt}" : $"attempt {command.Attempt} of {attempts}";
        var what = isCompensation ? $"the compensation of step '{command.Step}'"
            : command.Interrupted ? $"the interrupted step '{command.Step}'"
            : $"step '{command.Step}'";
        return command.Phase switch
        {
            _ when parked.TryGetValue(command.CommandId, out var reason) =>
                $"{what} is parked ({attempt}, first sent at {TimeText.Format(command.FirstSentAt)}): {reason}",
            AttemptPhase.BackingOff => $"{what} waits until {TimeText.Format(command.DueAt)} after {attempt} failed",
            AttemptPhase.Held => $"{what} is held back",
            AttemptPhase.Stuck => $"{what} is stuck after {attempt}",
            _ when command.Interrupted =>
                $"{what} is being resolved ({attempt}, first sent at {TimeText.Format(command.FirstSentAt)}, next check at "
                    + $"{TimeText.Format(command.DueAt)})",
            _ when command.Report is { } report =>
                $"{what} is running{(report.Worker is { } worker ? $" on {worker}" : "")} "
                    + $"({attempt}, since {TimeText.Format(report.StartedAt)})"
                    + (report.Describe() is { Length: > 0 } progress ? $", {progress}" : "")
                    + $" (reported at {TimeText.Format(report.At)})",
            _ =>
                $"{what} is in flight ({attempt}, first sent at {TimeText.Format(command.FirstSentAt)}, next check "
                    + $"{(command.DueAt > now ? $"at {TimeText.Format(command.DueAt)}" : "now")})"
                + (command.Resends < ResendsOfUnclaimed
                    ? ""
                    : ", and no process has claimed it: check that "
                        + $"{Reader(isCompensation ? step.Compensation?.Invocation : step.Invocation, facts.RoleOf(command))} runs"),
        };
    }

    private static string Reader(Invocation? invocation, CallRole? role) =>
        invocation?.Topic is { } topic ? $"a worker that reads '{topic}'"
        : role == CallRole.Compute ? "runtime-worker" : "runtime-effects";

    private static WaitDescription Waiting(Plan plan, SagaState saga, DateTimeOffset now)
    {
        var state = plan.State(saga.State);
        List<string> waits = [.. saga.WaitingFor.Select(name => $"event {name}")];
        List<string> times = [];
        foreach (var branch in saga.Branches.Where(branch => branch.WaitUntil is not null).OrderBy(branch => branch.WaitUntil))
        {
            waits.Add($"time {TimeText.Format(branch.WaitUntil!.Value)}");
            times.Add($"continues in a branch of '{branch.Parallel}' at {TimeText.Format(branch.WaitUntil!.Value)}");
        }

        if (saga.WaitUntil is { } until)
        {
            waits.Insert(0, $"time {TimeText.Format(until)}");
            times.Add($"continues at {TimeText.Format(until)}");
        }

        if (saga.StateDueAt is { } due && state.Timeout is { } timeout)
        {
            waits.Add($"time {TimeText.Format(due)}");
            times.Add($"goes to '{timeout.Next}' at {TimeText.Format(due)}");
        }

        if (saga.DeadlineAt is { } deadline && plan.Deadline is { } limit)
        {
            times.Add($"goes to '{limit.Next}' at {TimeText.Format(deadline)}, its deadline");
        }

        var events = saga.WaitingFor.IsEmpty
            ? ""
            : $" for {(saga.WaitingFor.Length == 1 ? "the event" : "one of the events")} {string.Join(", ", saga.WaitingFor)}";
        var otherwise = times.Count == 0 ? "" : $"{(events.Length > 0 ? "; otherwise it" : " and")} {string.Join(", or ", times)}";
        return new WaitDescription(
            $"It waits in state '{saga.State}' since {TimeText.Format(saga.EnteredAt)}{events}{otherwise}"
                + (saga.NextWakeupAt <= now ? ", which is now." : "."),
            saga.EnteredAt, waits)
        {
            Events = saga.WaitingFor,
        };
    }
}
