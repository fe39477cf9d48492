using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Messages;

namespace Onex.Runtime.Verification;

/// <summary>The outcome of a case.</summary>
/// <param name="Operation">The operation.</param>
/// <param name="Name">The case.</param>
/// <param name="Failure">Why it failed; null if it passed or was skipped.</param>
/// <param name="IsSkipped">Whether it was not run, because it does not apply to the operation.</param>
internal sealed record VerifiedCase(string Operation, string Name, string? Failure, bool IsSkipped);

/// <summary>An operation to verify.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Arguments">Arguments that it is expected to accept.</param>
/// <param name="Declared">Its declaration; null if there is none.</param>
internal sealed record VerifiedOperation(string Name, RawJson Arguments, OperationDescriptor? Declared)
{
    /// <summary>Arguments with which it runs for long; null if none are known.</summary>
    public RawJson? LongArguments { get; init; }

    /// <summary>Whether its commands may be cancelled: commands that change the world never are.</summary>
    public bool MayBeCancelled => Declared?.ChangesWorld != true;
}

/// <summary>
/// Plays an orchestrator against a running worker, case by case (docs/worker-protocol.md). The worker runs the operation for real.
/// </summary>
/// <param name="link">The connection to the worker.</param>
/// <param name="partitions">The number of partitions of the topic of the commands.</param>
/// <param name="homes">The number of partitions of the topic of the results.</param>
/// <param name="within">How long a result may take.</param>
/// <param name="time">The clock.</param>
internal sealed class WorkerVerification(WorkerLink link, int partitions, int homes, TimeSpan within, TimeProvider time)
{
    private sealed record Case(string Name, Func<VerifiedOperation, CancellationToken, Task<string?>> Run, bool Applies = true);

    // Bounds the time of cases that use several partitions.
    private const int PartitionsMax = 12;

    // Most of the 512 KiB that arguments may have.
    private const int LargeBytes = 400 * 1024;

    /// <summary>
    /// How long a case waits for something that must not happen. If a worker does it later, the case passes by mistake.
    /// </summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Runs all cases against an operation, in order.</summary>
    public async IAsyncEnumerable<VerifiedCase> RunAsync(
        VerifiedOperation operation, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation)
    {
        Case[] cases =
        [
            new("a command is answered on its home partition", VerifyAnswerAsync),
            new("the trace context is passed on", VerifyTraceAsync),
            new("a duplicate has the same result", VerifyDuplicateAsync),
            new("a retry is answered as the attempt that it is", VerifyRetryAsync),
            new("a compensation is answered", VerifyCompensationAsync),
            new("a command after its not_after is not run", VerifyNotAfterAsync),
            new("unknown fields are ignored", VerifyUnknownFieldsAsync),
            new("a large command is answered", VerifyLargeCommandAsync),
            new("missing arguments are not completed", VerifyMissingArgumentsAsync,
                operation.Declared?.Arguments.Any(argument => argument.Required) == true),
            new("an unknown operation is rejected", VerifyUnknownOperationAsync),
            new("a malformed record stops nothing", VerifyMalformedRecordsAsync),
            new("a cancelled command is not run", VerifyCancelBeforeStartAsync, operation.MayBeCancelled),
            new("a cancellation stops a running command", VerifyCancelWhileRunningAsync,
                operation is { MayBeCancelled: true, LongArguments: not null }),
            new("a cancellation stops no later attempt and no other command", VerifyCancelScopeAsync),
            new("reports have their form", VerifyReportsAsync),
        ];
        foreach (var (name, run, applies) in cases)
        {
            var failure = applies ? await run(operation, cancellation) : null;
            yield return new VerifiedCase(operation.Name, name, failure, IsSkipped: !applies);
            if (failure is not null && !link.HasAnswers)
            {
                // No worker answers, so every other case would only wait for its time.
                yield break;
            }
        }
    }

    private async Task<string?> VerifyAnswerAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        // The first partition and, unless there are too many, the last one.
        for (var home = 0; home < Math.Min(homes, PartitionsMax); home += Math.Max(1, homes - 1))
        {
            var command = link.CreateCommand(operation.Name, operation.Arguments, home);
            if (await SendAndCheckAsync(command, operation, cancellation) is { } failure)
            {
                return failure;
            }

            if (link.Results(command)[0] is { Outcome: StepOutcomes.Failed } failed)
            {
                return $"It failed with {failed.Text("code")}: {failed.Text("message")} Name arguments that it accepts with --arguments.";
            }
        }

        return null;
    }

    private async Task<string?> VerifyTraceAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
        if (await SendAndCheckAsync(command, operation, cancellation) is { } failure)
        {
            return failure;
        }

        var trace = link.Results(command)[0].Record.Headers.GetValueOrDefault(HeaderNames.TraceParent);
        return trace?.Contains(command.CorrelationId.ToString("N"), StringComparison.Ordinal) == true
            ? null
            : $"The result's header traceparent is '{trace}'. Copy it from the command, or continue its trace.";
    }

    private async Task<string?> VerifyDuplicateAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
        await link.SendAsync(command, cancellation);
        if (await SendAndCheckAsync(command, operation, cancellation) is { } failure)
        {
            return failure;
        }

        // A third copy, now that the worker has the result.
        await link.SendAsync(command, cancellation);
        var results = await link.WaitAsync(command, Quiet, cancellation, count: 3);
        var different = results.Select(result => $"{result.Outcome} {result.Json!["result"]?.ToJsonString()}").Distinct().ToList();
        return different.Count == 1 ? null : $"Copies of one attempt have different results: {string.Join("; ", different)}.";
    }

    private async Task<string?> VerifyRetryAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
        return await SendAndCheckAsync(command, operation, cancellation)
            ?? await SendAndCheckAsync(command with { Attempt = 2 }, operation, cancellation);
    }

    private Task<string?> VerifyCompensationAsync(VerifiedOperation operation, CancellationToken cancellation) => SendAndCheckAsync(
        link.CreateCommand(operation.Name, operation.Arguments, 0) with { Direction = StepDirections.Compensate }, operation, cancellation);

    private async Task<string?> VerifyNotAfterAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
        await link.SendAsync(command with { NotAfter = command.NotAfter - TimeSpan.FromHours(1) }, cancellation);
        var results = await link.WaitAsync(command, Quiet, cancellation);
        return results.Any(result => result.Outcome == StepOutcomes.Completed)
            ? "It was run. Compare not_after with the time before the work begins, and answer nothing."
            : null;
    }

    private async Task<string?> VerifyUnknownFieldsAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
        await link.SendAsync(
            command, cancellation, extra: new JsonObject { ["of_a_later_version"] = new JsonObject { ["is"] = true }, ["more"] = null });
        return await CheckResultAsync(command, operation, cancellation) ?? DescribeFailure(command, "with unknown fields");
    }

    private async Task<string?> VerifyLargeCommandAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var padding = new string('x', LargeBytes);
        var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
        if (operation.Declared?.Arguments.FirstOrDefault(argument => argument.Type is "string" or "string?" or "any") is { } text)
        {
            var arguments = JsonNode.Parse(operation.Arguments.ToString())!.AsObject();
            arguments[text.Name] = padding;
            return await SendAndCheckAsync(
                command with { Arguments = new RawJson(Encoding.UTF8.GetBytes(arguments.ToJsonString())) }, operation, cancellation)
                ?? DescribeFailure(command, "with large arguments");
        }

        await link.SendAsync(command, cancellation, extra: new JsonObject { ["padding"] = padding });
        return await CheckResultAsync(command, operation, cancellation) ?? DescribeFailure(command, "of 400 KiB");
    }

    private async Task<string?> VerifyMissingArgumentsAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand(operation.Name, RawJson.EmptyObject, 0);
        return await SendAndCheckAsync(command, operation, cancellation)
            ?? (link.Results(command)[0].Outcome == StepOutcomes.Completed
                ? "It completed without its required arguments. Reject them." : null);
    }

    private async Task<string?> VerifyUnknownOperationAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand("onex_verify.unknown", RawJson.EmptyObject, 0);
        if (await SendAndCheckAsync(command, operation, cancellation) is { } failure)
        {
            return failure;
        }

        var result = link.Results(command)[0];
        return result.Outcome == StepOutcomes.Rejected && result.Text("code") == StepCodes.OperationUnknown
            ? null
            : $"The outcome is {result.Outcome} with the code '{result.Text("code")}'. "
                + $"Answer rejected with the code {StepCodes.OperationUnknown}.";
    }

    private async Task<string?> VerifyMalformedRecordsAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        for (var partition = 0; partition < Math.Min(partitions, PartitionsMax); partition++)
        {
            foreach (var malformed in (string[])["", "{", "[]", "null", "{\"command_id\":7}", "\u00ff"])
            {
                await link.SendRawAsync(malformed, partition, cancellation);
            }

            var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
            await link.SendAsync(command, cancellation, partition);
            if (await CheckResultAsync(command, operation, cancellation) is { } failure)
            {
                return string.Create(
                    CultureInfo.InvariantCulture, $"After malformed records on partition {partition} of the commands: {failure}");
            }
        }

        return null;
    }

    // Cancellations come on a topic of their own, which a worker may begin to read later than the commands. So if it runs a cancelled
    // command, the case is tried again until the time is over.
    private async Task<string?> VerifyCancelBeforeStartAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var end = time.GetUtcNow() + within;
        while (true)
        {
            var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
            await link.CancelAsync(command, cancellation);
            await Task.Delay(Quiet, time, cancellation);
            await link.SendAsync(command, cancellation);
            if (!(await link.WaitAsync(command, Quiet, cancellation)).Any(result => result.Outcome == StepOutcomes.Completed))
            {
                return null;
            }

            if (time.GetUtcNow() >= end)
            {
                return "It was run. Read the topic of the cancellations, and remember their command_id and attempt.";
            }
        }
    }

    private async Task<string?> VerifyCancelWhileRunningAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand(operation.Name, operation.LongArguments!.Value, 0) with { TimeoutMs = 600_000 };
        await link.SendAsync(command, cancellation);
        await Task.Delay(Quiet, time, cancellation);
        if (link.Results(command).Count > 0)
        {
            return "It ended at once. Name arguments with which it runs for long with --long-arguments.";
        }

        await link.CancelAsync(command, cancellation);
        if (await SendAndCheckAsync(link.CreateCommand(operation.Name, operation.Arguments, 0), operation, cancellation) is { } failure)
        {
            return $"After the cancellation: {failure}";
        }

        await Task.Delay(Quiet, time, cancellation);
        var reports = link.Reports(command).Count;
        await Task.Delay(Quiet, time, cancellation);
        return link.Reports(command).Count > reports ? "It runs on after its cancellation: it still reports." : null;
    }

    private async Task<string?> VerifyCancelScopeAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var command = link.CreateCommand(operation.Name, operation.Arguments, 0);
        await link.CancelAsync(command, cancellation);
        await link.SendAsync(command, cancellation);
        await link.CancelAsync(command, cancellation);
        return await SendAndCheckAsync(command with { Attempt = 2 }, operation, cancellation)
            ?? await SendAndCheckAsync(link.CreateCommand(operation.Name, operation.Arguments, 0), operation, cancellation);
    }

    private Task<string?> VerifyReportsAsync(VerifiedOperation operation, CancellationToken cancellation)
    {
        var reports = link.Received.Where(message => message.IsReport && link.IsOwn(message));
        var wrong = reports.FirstOrDefault(report =>
            report.Text("report") is not (StepReportKinds.Started or StepReportKinds.Progress)
            || report.Number("attempt") is null
            || report.Record.Headers.GetValueOrDefault(HeaderNames.EventType) != EventTypes.Report
            || (report.Json!["progress"] is { } progress && !IsShare(progress)));
        return Task.FromResult(wrong is null ? null : $"This is no report: {wrong.Json!.ToJsonString()}");
    }

    private static bool IsShare(JsonNode progress) =>
        progress is JsonValue value && value.TryGetValue(out double share) && share is >= 0 and <= 1;

    private async Task<string?> SendAndCheckAsync(StepCommand command, VerifiedOperation operation, CancellationToken cancellation)
    {
        await link.SendAsync(command, cancellation);
        return await CheckResultAsync(command, operation, cancellation);
    }

    // Waits for the result of a command, and returns what is wrong with it; null if nothing is.
    private async Task<string?> CheckResultAsync(StepCommand command, VerifiedOperation operation, CancellationToken cancellation)
    {
        if (await link.WaitAsync(command, within, cancellation) is not [var result, ..])
        {
            return string.Create(
                CultureInfo.InvariantCulture,
                $"No result of attempt {command.Attempt} of command {command.CommandId} arrived within {within.TotalSeconds} s.")
                + (link.HasAnswers
                    ? ""
                    : link.Received.Any(message => message.CommandId is null)
                    ? " Records without a command_id have arrived: a result is a JSON object with the ids of its command."
                    : $" Nothing has answered at all: check that a worker runs, reads {link.Topic} and writes to the topic of the results, "
                    + "on the same broker and with the same ONEX_TOPIC_PREFIX. A worker that was killed keeps its partitions for a while.");
        }

        var (home, key) = (result.Record.Partition, result.Record.Key);
        return home != command.HomePartition
                ? string.Create(
                    CultureInfo.InvariantCulture,
                    $"The result is on partition {home}, not on the home_partition {command.HomePartition} of its command.")
            : !string.Equals(key, command.CommandId.ToString(), StringComparison.OrdinalIgnoreCase)
                ? $"The result's key is '{key}', not the command_id."
            : !HasText(result, "saga_id", command.SagaId.ToString()) ? "The result's saga_id is not that of its command."
            : !HasText(result, "correlation_id", command.CorrelationId.ToString())
                ? "The result's correlation_id is not that of its command."
            : result.Outcome is not (StepOutcomes.Completed or StepOutcomes.Rejected or StepOutcomes.Failed)
                ? $"The outcome is '{result.Outcome}', not completed, rejected or failed."
            : result.Outcome != StepOutcomes.Completed && result.Text("code") is null ? $"The outcome is {result.Outcome}, without a code."
            : result.Outcome == StepOutcomes.Completed && operation.Declared is { } declared ? Mismatch(declared, result.Json!["result"])
            : null;
    }

    // A worker must not fail because of what it should ignore. It may reject arguments.
    private string? DescribeFailure(StepCommand command, string what) => link.Results(command)[0] is { Outcome: StepOutcomes.Failed } failed
        ? $"The command {what} failed with {failed.Text("code")}: {failed.Text("message")}"
        : null;

    private static bool HasText(WorkerMessage result, string field, string value) =>
        string.Equals(result.Text(field), value, StringComparison.OrdinalIgnoreCase);

    private static string? Mismatch(OperationDescriptor declared, JsonNode? result) =>
        RemoteResults.Problem(declared, Encoding.UTF8.GetBytes(result?.ToJsonString() ?? "{}")) is { } problem
            ? $"The result is not of the declared type: {problem}"
            : null;
}
