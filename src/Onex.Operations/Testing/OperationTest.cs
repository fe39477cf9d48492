using System.Buffers;
using System.Reflection;
using System.Text.Json;

namespace Onex.Operations.Testing;

/// <summary>
/// Runs an operation in memory, as the host would: arguments and results go through JSON, and exceptions become outcomes. Only the host
/// gives network errors codes of their own; here they are <c>operation_failed</c>.
/// </summary>
public sealed class OperationTest
{
    private static readonly Guid _commandId = new("01900000-0000-7000-8000-000000000001");

    private readonly object _operation;
    private readonly string _name;
    private readonly OperationConnection? _connection;
    private readonly TimeProvider _time;
    private readonly int _attempt;
    private readonly TimeSpan _timeout;
    private readonly List<ReportedProgress> _progress = [];

    private OperationTest(
        object operation, string name, OperationConnection? connection, TimeProvider time, int attempt, TimeSpan timeout) =>
        (_operation, _name, _connection, _time, _attempt, _timeout) = (operation, name, connection, time, attempt, timeout);

    /// <summary>The test of an operation.</summary>
    /// <param name="operation">An instance of a class that derives from <see cref="Compute{TArguments, TResult}"/> or
    /// <see cref="Effect{TArguments, TResult}"/>.</param>
    /// <param name="name">The name of the operation if the class runs several; null for the first.</param>
    public static OperationTest For(object operation, string? name = null)
    {
        var type = operation.GetType();
        if (operation is not (ICompute or IEffect))
        {
            throw new ArgumentException($"{type} derives from neither Compute<,> nor Effect<,>.", nameof(operation));
        }

        var names = type.GetCustomAttributes<OperationAttribute>(inherit: false).Select(attribute => attribute.Name).ToList();
        return names.Count == 0 ? throw new ArgumentException($"{type} has no [Operation].", nameof(operation))
            : name is not null && !names.Contains(name, StringComparer.Ordinal)
                ? throw new ArgumentException($"{type} has no [Operation(\"{name}\")].", nameof(name))
            : new OperationTest(operation, name ?? names[0], null, TimeProvider.System, 1, TimeSpan.FromSeconds(30));
    }

    /// <summary>The same test with another connection, clock, number of the attempt, or time limit of the attempt.</summary>
    public OperationTest With(
        OperationConnection? connection = null, TimeProvider? time = null, int? attempt = null, TimeSpan? timeout = null) =>
        new(_operation, _name, connection ?? _connection, time ?? _time, attempt ?? _attempt, timeout ?? _timeout);

    /// <summary>Runs one attempt.</summary>
    /// <param name="arguments">The arguments as JSON: <c>{"address": "Main St 1"}</c>.</param>
    /// <param name="cancellation">Cancels the attempt; then the run throws an <see cref="OperationCanceledException"/>.</param>
    public Task<OperationRun> RunAsync(string arguments, CancellationToken cancellation = default) =>
        With().RunOnceAsync(arguments, cancellation);

    // On an instance of its own, which collects the progress of this run only.
    private async Task<OperationRun> RunOnceAsync(string arguments, CancellationToken cancellation)
    {
        var json = System.Text.Encoding.UTF8.GetBytes(arguments);
        using var timer = new CancellationTokenSource(_timeout, _time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timer.Token, cancellation);
        try
        {
            return _operation switch
            {
                ICompute compute => await ComputeAsync(compute, json, linked.Token).WaitAsync(linked.Token).ConfigureAwait(false),
                _ => await EffectAsync((IEffect)_operation, json, linked.Token).WaitAsync(linked.Token).ConfigureAwait(false),
            };
        }
        catch (OperationCanceledException) when (timer.IsCancellationRequested && !cancellation.IsCancellationRequested)
        {
            return Ended(EffectStatus.Failed, "step_timed_out", $"No result within {_timeout}.");
        }
        catch (OperationRejectedException rejected)
        {
            return Ended(EffectStatus.Rejected, rejected.Code, rejected.Message);
        }
        catch (Exception exception) when (exception is not OperationCanceledException || !cancellation.IsCancellationRequested)
        {
            return Ended(EffectStatus.Failed, "operation_failed", $"It threw {exception}");
        }
    }

    private async Task<OperationRun> ComputeAsync(ICompute compute, byte[] arguments, CancellationToken cancellation)
    {
        var result = new ArrayBufferWriter<byte>();
        var context = new ComputeContext
        {
            Operation = _name,
            CommandId = _commandId,
            Attempt = _attempt,
            SagaId = Guid.Empty,
            CorrelationId = Guid.Empty,
            Timeout = _timeout,
            Time = _time,
            Progress = Report,
        };
        await Task.Run(() => compute.RunAsync(arguments, context, result, cancellation), cancellation).ConfigureAwait(false);
        return Ended(EffectStatus.Completed, null, null, result.WrittenMemory);
    }

    private async Task<OperationRun> EffectAsync(IEffect effect, byte[] arguments, CancellationToken cancellation)
    {
        var context = new EffectContext
        {
            Operation = _name,
            CommandId = _commandId,
            Attempt = _attempt,
            SagaId = Guid.Empty,
            CorrelationId = Guid.Empty,
            Timeout = _timeout,
            Time = _time,
            Progress = Report,
            FollowsAttempt = _attempt > 1,
            ConnectionOrNull = _connection,
        };
        var outcome = await Task.Run(() => effect.RunAsync(arguments, context, cancellation), cancellation).ConfigureAwait(false);
        return Ended(outcome.Status, outcome.Code, outcome.Message, outcome.Result is { } json ? json : (ReadOnlyMemory<byte>?)null);
    }

    private void Report(double? fraction, string? text)
    {
        lock (_progress)
        {
            _progress.Add(new ReportedProgress(fraction, text));
        }
    }

    private OperationRun Ended(EffectStatus status, string? code, string? message, ReadOnlyMemory<byte>? result = null)
    {
        lock (_progress)
        {
            return new OperationRun(status, code, message, result is { } json ? JsonElement.Parse(json.Span) : null, [.. _progress]);
        }
    }
}
