using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Hosting.Health;
using Onex.Operations;

namespace Onex.Hosting.Plugins;

/// <summary>
/// Runs the attempts of one operation of a plug-in, so that an operation that throws, blocks its thread or ignores its cancellation harms
/// only the steps that call it.
/// </summary>
/// <param name="operation">The operation's name.</param>
/// <param name="plugin">The plug-in's name.</param>
/// <param name="health">Shows when no more attempts are started.</param>
internal sealed class PluginRuns(string operation, string plugin, RoleHealth health)
{
    /// <summary>If this many attempts run on after their cancellation, no more are started, because each may hold a thread.</summary>
    public const int AbandonedMax = 8;

    private static readonly Remedy _remedy = new(
        "Restart this process, and correct the plug-in: it must obey its cancellation token.", "an-operation-of-a-plug-in-hangs");

    private static readonly Lock _poolLock = new();

    private readonly Lock _lock = new();
    private int _abandoned;

    /// <summary>
    /// Runs an attempt. What it throws becomes a <see cref="PluginException"/>, except an <see cref="OperationRejectedException"/> and a
    /// lack of memory. Ends at the cancellation, even if the attempt runs on.
    /// </summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> run, CancellationToken cancellation)
    {
        var abandoned = Volatile.Read(ref _abandoned);
        if (abandoned >= AbandonedMax)
        {
            throw new PluginException(
                StepCodes.OperationStuck,
                $"{operation} (plug-in {plugin}): {DescribeStuck(abandoned)} Correct the plug-in: it must obey its cancellation token.");
        }

        // Not on the caller's thread, which a plug-in may block.
        var running = Task.Run(run, CancellationToken.None);
        try
        {
            return await running.WaitAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            if (running.IsCompletedSuccessfully)
            {
                return await running;
            }

            if (!running.IsCompleted)
            {
                Count(1);
                _ = running.ContinueWith(
                    (ended, _) =>
                    {
                        // Marks an exception as observed.
                        _ = ended.Exception;
                        Count(-1);
                    },
                    null, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            }

            throw;
        }
        catch (Exception exception) when (exception is not OperationRejectedException && !MemoryShortage.Is(exception))
        {
            throw new PluginException(StepCodes.OperationFailed, $"{operation} (plug-in {plugin}) threw {Describe(exception)}", exception);
        }
    }

    private static string DescribeStuck(int abandoned) =>
        $"{abandoned} earlier attempts have passed their time limit and still run; no more are started until one of them ends.";

    private void Count(int change)
    {
        AddThreads(change);
        lock (_lock)
        {
            var wasStuck = _abandoned >= AbandonedMax;
            Volatile.Write(ref _abandoned, _abandoned + change);
            var isStuck = _abandoned >= AbandonedMax;
            if (isStuck != wasStuck)
            {
                health.Report(operation, isStuck ? DescribeStuck(_abandoned) : null, _remedy);
            }
        }
    }

    // The pool itself makes up for a blocked thread only after half a second, in which other work may wait.
    private static void AddThreads(int change)
    {
        lock (_poolLock)
        {
            ThreadPool.GetMinThreads(out var workers, out var ports);
            ThreadPool.SetMinThreads(workers + change, ports);
        }
    }

    // Messages about assemblies and types that cannot be loaded contain no values. Others may contain secrets, so only the type is shown.
    private static string Describe(Exception exception) => exception switch
    {
        FileNotFoundException { FileName: { } name } => $"FileNotFoundException: {name} is missing in its folder.",
        FileLoadException or BadImageFormatException or TypeLoadException or MissingMemberException =>
            $"{exception.GetType().Name}: {exception.Message}",
        TypeInitializationException { InnerException: { } inner } => $"{exception.GetType().Name}, because of {Describe(inner)}",
        _ => $"{exception.GetType().Name}.",
    };
}
