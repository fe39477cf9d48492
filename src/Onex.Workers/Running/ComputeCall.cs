using Onex.Contracts.Messages;
using Onex.Kafka.Rider;
using Onex.Workers.Operations;

namespace Onex.Workers.Running;

/// <summary>
/// One call of an operation. It ends when the operation ends or when it is cancelled, even if the operation ignores that and blocks its
/// thread. So the operation does not run inside its caller: it runs on the caller's lane once the caller awaits it, or else on the pool.
/// </summary>
internal sealed class ComputeCall : TaskCompletionSource<RawJson>, IThreadPoolWorkItem
{
    private readonly IComputeOperation _operation;
    private readonly RawJson _arguments;
    private readonly ComputeContext _context;
    private readonly ExecutionContext? _caller = ExecutionContext.Capture();
    private readonly MessageLane? _lane;

    private ComputeCall(IComputeOperation operation, RawJson arguments, ComputeContext context)
    {
        (_operation, _arguments, _context) = (operation, arguments, context);
        if (MessageLane.Current is { } lane && lane.TryDefer(this))
        {
            _lane = lane;
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }
    }

    /// <summary>Runs an operation. The caller must await the task before it does anything else.</summary>
    public static Task<RawJson> RunAsync(IComputeOperation operation, RawJson arguments, ComputeContext context)
    {
        var call = new ComputeCall(operation, arguments, context);
        context.Cancellation.UnsafeRegister(static (call, token) => ((ComputeCall)call!).Cancel(token), call);
        return call.Task;
    }

    void IThreadPoolWorkItem.Execute()
    {
        if (_caller is null)
        {
            _ = RunAsync();
        }
        else
        {
            ExecutionContext.Run(_caller, static call => _ = ((ComputeCall)call!).RunAsync(), this);
        }
    }

    private async Task RunAsync()
    {
        if (Task.IsCompleted)
        {
            return;
        }

        try
        {
            TrySetResult(await _operation.RunAsync(_arguments, _context));
        }
        catch (Exception exception)
        {
            TrySetException(exception);
        }
    }

    private void Cancel(CancellationToken cancellation)
    {
        _lane?.GiveUp(this);
        TrySetCanceled(cancellation);
    }
}
