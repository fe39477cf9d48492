using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Contracts.Text;
using Onex.Operations;

namespace Onex.Engine;

/// <summary>
/// Handles the reports of running attempts. The saga keeps the last one, without an entry in the history. A report of a computation also
/// sets when its outcome is looked up; one of an effect does not, because its lease shows whether it still runs.
/// </summary>
internal static class Reports
{
    // Each report that is kept is a commit. Workers report once a second; this leaves some room for their clocks.
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(500);

    // An `each` may have hundreds of items in flight, and nobody reads the progress of a single one every second.
    private static readonly TimeSpan _intervalOfItem = TimeSpan.FromSeconds(5);

    public static bool Decide(DecisionBuilder decision, StepReportArrived report)
    {
        var command = decision.Saga.Outstanding.FirstOrDefault(outstanding => outstanding.CommandId == report.CommandId);
        if (command is not { Phase: AttemptPhase.InFlight, Interrupted: false } || command.Attempt != report.Attempt)
        {
            return false;
        }

        var times = TimesOf(decision, command);
        if (times is null && (report.IsFromWorker || decision.Facts.RoleOf(command) != CallRole.Effect))
        {
            return false;
        }

        // After a worker was killed, another one begins the same attempt from the start.
        var begins = report.HasBegun || command.Report is null;
        if (!begins && decision.Now - command.Report!.At < MinInterval(command, times?.Heartbeat))
        {
            return false;
        }

        var stored = new AttemptReport(begins ? decision.Now : command.Report!.StartedAt, decision.Now)
        {
            Progress = report.Progress,
            Text = report.Text,
            Worker = report.Worker,
        };
        if (times is not { } limits)
        {
            decision.Replace(command with { Report = stored });
            return true;
        }

        var end = stored.StartedAt + limits.Timeout + Commands.Grace;
        var heartbeat = decision.Now + limits.Heartbeat;
        decision.Replace(command with { Report = stored, Resends = 0, DueAt = heartbeat < end ? heartbeat.Value : end });
        return true;
    }

    /// <summary>Fails the attempt if its worker has been silent for longer than its heartbeat timeout. False if it has not.</summary>
    public static bool FailIfSilent(DecisionBuilder decision, Outstanding command)
    {
        if (command.Report is not { } last
            || TimesOf(decision, command)?.Heartbeat is not { } heartbeat
            || last.At + heartbeat > decision.Now)
        {
            return false;
        }

        var progress = last.Describe() is { Length: > 0 } described ? $", which was {described}" : "";
        Results.FailAttempt(
            decision, command, AttemptReach.NotSent, StepCodes.StepTimedOut,
            $"Its worker was silent for {Durations.Describe(heartbeat)} after its last report{progress}.", retryAfter: null);
        return true;
    }

    /// <summary>The computations whose attempt runs although the saga no longer waits for it: their workers should stop.</summary>
    /// <param name="decision">The current decision.</param>
    /// <param name="result">The command whose result was decided on, or null: it no longer runs.</param>
    public static IEnumerable<CommandToCancel> Cancelled(DecisionBuilder decision, CommandId? result)
    {
        if (decision.Before.Outstanding == decision.Saga.Outstanding)
        {
            yield break;
        }

        Dictionary<CommandId, Outstanding>? after = null;
        foreach (var command in decision.Before.Outstanding)
        {
            if (command.Phase != AttemptPhase.InFlight || command.CommandId == result || TimesOf(decision, command) is null)
            {
                continue;
            }

            after ??= decision.Saga.Outstanding.ToDictionary(outstanding => outstanding.CommandId);
            if (!after.TryGetValue(command.CommandId, out var later)
                || later.Attempt > command.Attempt
                || later.Phase is AttemptPhase.BackingOff or AttemptPhase.Stuck)
            {
                var step = decision.Facts.Call(command.Step);
                var invocation = command.Direction == StepDirection.Forward ? step.Invocation : step.Compensation!.Invocation;
                yield return new CommandToCancel(command.CommandId, command.Attempt, invocation.Topic);
            }
        }
    }

    // Several reports must be kept per heartbeat timeout; otherwise a worker that reports would count as silent.
    private static TimeSpan MinInterval(Outstanding command, TimeSpan? heartbeat)
    {
        var interval = command.Item is null ? _interval : _intervalOfItem;
        return heartbeat is { } silence && silence / 3 < interval ? silence / 3 : interval;
    }

    // The time limit of an attempt and its heartbeat timeout, if any; null if the command runs no computation.
    private static (TimeSpan Timeout, TimeSpan? Heartbeat)? TimesOf(DecisionBuilder decision, Outstanding command) =>
        (command.Direction, decision.Facts.Call(command.Step)) switch
        {
            (StepDirection.Forward, { Role: CallRole.Compute } step) => (step.Timeout, step.HeartbeatTimeout),
            (StepDirection.Compensation, { Compensation: { Role: CallRole.Compute } compensation }) => (compensation.Timeout, null),
            _ => null,
        };
}
