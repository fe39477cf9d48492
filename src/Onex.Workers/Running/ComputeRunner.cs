using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Hosting.Logging;
using Onex.Hosting.Plugins;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
using Onex.Persistence;
using Onex.Persistence.Sagas;
using Onex.Workers.Operations;

namespace Onex.Workers.Running;

/// <summary>
/// Executes the compute of a command and sends the result. A compute has no effect, so a redelivered command may be computed again, and the
/// orchestrator ignores the duplicate result.
/// </summary>
/// <param name="operations">The operations by name.</param>
/// <param name="payloads">The store of arguments and results that are too large for messages; null if the process has no database.</param>
/// <param name="items">Loads stored items of sagas, or null if the process has no database.</param>
/// <param name="sender">Sends results.</param>
/// <param name="reports">Sends reports of running computations.</param>
/// <param name="running">The computations of this process.</param>
/// <param name="gate">Admits computations: at most <c>ONEX_WORKER_CONCURRENCY</c> at a time, and as their memory allows.</param>
/// <param name="time">The clock for timeouts.</param>
/// <param name="logger">The log.</param>
/// <param name="metrics">Measures the computes, or null.</param>
internal sealed class ComputeRunner(
    IReadOnlyDictionary<string, IComputeOperation> operations,
    IPayloads? payloads,
    LoadItems? items,
    ResultSender sender,
    ReportSender reports,
    RunningComputes running,
    ComputeGate gate,
    TimeProvider time,
    ILogger<ComputeRunner> logger,
    ComputeMetrics? metrics = null)
{
    /// <summary>Handles the command of a record.</summary>
    public Task HandleAsync(StepCommand command, ConsumedRecord record, CancellationToken cancellation) => RunAsync(
        command, record.Trace(), record.Timestamp is { } sent ? DateTimeOffset.FromUnixTimeMilliseconds(sent) : null, cancellation);

    /// <summary>
    /// Handles a command. Throws if it must be handled again, here or in another worker: the store or the broker is unavailable, memory is
    /// short, or the process stops.
    /// </summary>
    internal async Task RunAsync(StepCommand command, TraceContext? trace, DateTimeOffset? sentAt, CancellationToken cancellation)
    {
        using var scope = logger.BeginScope(new CommandScope(command));

        var began = time.GetTimestamp();
        using var run = running.Begin(command, sentAt, cancellation);
        if (run is null)
        {
            // It was cancelled, or its result was sent after this copy of the command.
            return;
        }

        // The same attempt may still run here: after a rebalance the command is read again, and a slow one is sent again.
        if (run.EarlierEnd is not null && await run.EarlierEnd.WaitAsync(cancellation))
        {
            return;
        }

        if (await TraceAsync(command, trace, run, cancellation) is { } result)
        {
            metrics?.RecordEnd(command.Operation, result.Outcome, began);
            await sender.SendAsync(result, command.HomePartition, trace, cancellation);
            run.MarkAnswered(time.GetUtcNow());
        }
        else
        {
            run.MarkAbandoned();
        }
    }

    private Task<StepResult?> TraceAsync(
        StepCommand command, TraceContext? trace, RunningComputes.Run run, CancellationToken cancellation) =>
        Activity.Current is { } parent && parent.Source == Tracing.Source
            ? TraceAsync(command, trace, run, parent, cancellation)
            : ComputeAsync(command, trace, run, cancellation);

    private async Task<StepResult?> TraceAsync(
        StepCommand command, TraceContext? trace, RunningComputes.Run run, Activity parent, CancellationToken cancellation)
    {
        using var span = Tracing.StartChild($"compute {command.Operation}", ActivityKind.Internal, parent);
        span.Describe(command);
        Activity.Current = span ?? parent;
        var result = await ComputeAsync(command, trace, run, cancellation);
        if (result is { Outcome: not StepOutcomes.Completed })
        {
            span.Fail(result.Code ?? result.Outcome, result.Message);
        }

        return result;
    }

    // The result, or null if the command was cancelled.
    private async Task<StepResult?> ComputeAsync(
        StepCommand command, TraceContext? trace, RunningComputes.Run run, CancellationToken cancellation)
    {
        if (!operations.TryGetValue(command.Operation, out var operation))
        {
            // The orchestrator checked it against its own catalogue, which may differ from this process's during a deployment.
            return CreateResult(
                command, StepOutcomes.Failed, StepCodes.OperationUnknown, $"This runtime-worker has no operation '{command.Operation}'.");
        }

        using var permit = await gate.EnterAsync(Weight(command, operation), run.Ending);
        if (permit is null)
        {
            // The process stops, or nobody needs the result any more.
            cancellation.ThrowIfCancellationRequested();
            return null;
        }

        // The attempt's time begins here, when it is admitted, so that waiting behind other computations takes none of it.
        run.EndAfter(TimeSpan.FromMilliseconds(command.TimeoutMs), time);
        using var progress = reports.For(command, trace);
        try
        {
            var arguments = command.Arguments;
            if (command.ArgumentsRef is { } reference)
            {
                if (payloads is null)
                {
                    return CreateResult(
                        command, StepOutcomes.Failed, StepCodes.StoreMissing,
                        "The arguments are in Postgres, and this runtime-worker has no POSTGRES_HOST.");
                }

                if (!(await payloads.LoadPayloadsAsync([reference], run.Ending)).TryGetValue(reference, out var stored))
                {
                    return CreateResult(
                        command, StepOutcomes.Rejected, StepCodes.ArgumentsMissing,
                        "The stored arguments of this command no longer exist.");
                }

                arguments = stored.Content;
            }

            var context = new ComputeContext(run.Ending, progress.Take, command, new StoredItemPages(items, command.SagaId));
            var computed = await ComputeCall.RunAsync(operation, arguments ?? RawJson.EmptyObject, context);
            var result = CreateResult(command, StepOutcomes.Completed, null, null) with { Result = computed };
            // Without a store the whole result is sent, if the broker accepts its size.
            return payloads is null ? result : await payloads.StoreIfLargeAsync(result, "computed", run.Ending);
        }
        catch (OperationCanceledException) when (run.Reason == RunEnd.Stopped)
        {
            throw;
        }
        catch (OperationCanceledException) when (run.Reason == RunEnd.Cancelled)
        {
            return null;
        }
        catch (OperationCanceledException) when (run.Reason == RunEnd.TimedOut)
        {
            return CreateResult(command, StepOutcomes.Failed, StepCodes.StepTimedOut, $"No result within {command.TimeoutMs} ms.");
        }
        catch (JsonException exception)
        {
            return CreateResult(
                command, StepOutcomes.Rejected, StepCodes.ArgumentsInvalid,
                $"The arguments of {command.Operation} are invalid at {exception.Path ?? "$"}.");
        }
        catch (ComputeRejectedException exception)
        {
            return CreateResult(command, StepOutcomes.Rejected, exception.Code, $"{command.Operation}: {exception.Message}.");
        }
        catch (ComputeFailedException exception)
        {
            return CreateResult(command, StepOutcomes.Failed, exception.Code, $"{command.Operation}: {exception.Message}.");
        }
        catch (PluginException exception)
        {
            Log.OperationThrew(logger, command.Operation, exception.InnerException ?? exception);
            return CreateResult(command, StepOutcomes.Failed, exception.Code, exception.Message);
        }
        catch (Exception exception) when (exception is not StoreUnavailableException && !MemoryShortage.Is(exception))
        {
            Log.OperationThrew(logger, command.Operation, exception);
            return CreateResult(
                command, StepOutcomes.Failed, StepCodes.OperationFailed, $"{command.Operation} threw {exception.GetType().Name}.");
        }
    }

    /// <summary>The bytes that a run of a command may hold.</summary>
    internal static long Weight(StepCommand command, IComputeOperation operation) =>
        command.Weight + operation.MemoryMax
        + (operation.MemoryPerByte * (long)(command.Arguments?.Utf8.Length ?? command.ArgumentsBytes ?? 0));

    private static StepResult CreateResult(StepCommand command, string outcome, string? code, string? message) => new()
    {
        CommandId = command.CommandId,
        Attempt = command.Attempt,
        SagaId = command.SagaId,
        CorrelationId = command.CorrelationId,
        Outcome = outcome,
        Code = code,
        Message = message,
    };
}
