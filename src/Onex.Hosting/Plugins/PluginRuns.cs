using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Hosting.Health;
using Onex.Operations;

namespace Onex.Hosting.Plugins;

/// <summary>
/// Runs the attempts of one operation of a plug-in, so that whatever it does harms nothing but its own step: it may throw, block its thread
/// or ignore its cancellation.
/// </summary>
/// <param name="operation">The operation's name.</param>
/// <param name="plugin">The plug-in's name.</param>
/// <param name="health">Shows that no more attempts are started.</param>
internal sealed class PluginRuns(string operation, string plugin, RoleHealth health)
{
    /// <summary>The maximum number of attempts that run on after their time limit. Each may hold a thread.</summary>
    public const int AbandonedMax = 8;

    private static readonly Remedy _remedy = new(
        "Restart this process, and correct the plug-in: it must obey its cancellation token.", "an-operation-of-a-plug-in-hangs");

    private static readonly Lock _threads = new();

    private readonly Lock _lock = new();
    private int _abandoned;

    /// <summary>Runs an attempt. Throws <see cref="PluginException"/>, or <see cref="OperationRejectedException"/>.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> run, CancellationToken cancellation)
    {
        if (Volatile.Read(ref _abandoned) is >= AbandonedMax and var stuck)
        {
            throw new PluginException(
                StepCodes.OperationStuck,
                $"{operation} (plug-in {plugin}): {Describe(stuck)} Correct the plug-in: it must obey its cancellation token.");
        }

        // Not on the caller's thread, which a plug-in may block.
        var running = Task.Run(run, CancellationToken.None);
        try
        {
            return await running.WaitAsync(cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            if (!running.IsCompleted)
            {
                Count(1);
                _ = running.ContinueWith(
                    (ended, _) =>
                    {
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

    private static string Describe(int stuck) =>
        $"{stuck} earlier attempts have passed their time limit and still run; no more are started until one of them ends.";

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
                health.Report(operation, isStuck ? Describe(_abandoned) : null, _remedy);
            }
        }
    }

    // The pool makes up for a blocked thread only after half a second, in which everything else in the process would wait.
    private static void AddThreads(int change)
    {
        lock (_threads)
        {
            ThreadPool.GetMinThreads(out var workers, out var ports);
            ThreadPool.SetMinThreads(workers + change, ports);
        }
    }

    // What cannot be loaded names no values, and everybody wants to know it; other messages may hold secrets.
    private static string Describe(Exception exception) => exception switch
    {
        FileNotFoundException { FileName: { } name } => $"FileNotFoundException: {name} is missing in its folder.",
        FileLoadException or BadImageFormatException or TypeLoadException or MissingMemberException =>
            $"{exception.GetType().Name}: {exception.Message}",
        TypeInitializationException { InnerException: { } inner } => $"{exception.GetType().Name}, because of {Describe(inner)}",
        _ => $"{exception.GetType().Name}.",
    };
}
