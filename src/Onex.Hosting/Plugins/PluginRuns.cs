using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Operations;

namespace Onex.Hosting.Plugins;

/// <summary>
/// Runs the attempts of one operation of a plug-in, so that whatever it does harms nothing but its own step: it may throw, block its thread
/// or ignore its cancellation.
/// </summary>
/// <param name="operation">The operation's name.</param>
/// <param name="plugin">The plug-in's name.</param>
internal sealed class PluginRuns(string operation, string plugin)
{
    /// <summary>The maximum number of attempts that run on after their time limit. Each may hold a thread.</summary>
    public const int AbandonedMax = 8;

    private int _abandoned;

    /// <summary>Runs an attempt. Throws <see cref="PluginException"/>, or <see cref="OperationRejectedException"/>.</summary>
    public async Task<T> RunAsync<T>(Func<Task<T>> run, CancellationToken cancellation)
    {
        if (Volatile.Read(ref _abandoned) is >= AbandonedMax and var stuck)
        {
            throw new PluginException(
                StepCodes.OperationStuck,
                $"{operation} (plug-in {plugin}): {stuck} earlier attempts have passed their time limit and still run; no more are "
                + "started until one of them ends. Correct the plug-in: it must obey its cancellation token.");
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
                Interlocked.Increment(ref _abandoned);
                _ = running.ContinueWith(
                    (ended, _) =>
                    {
                        _ = ended.Exception;
                        Interlocked.Decrement(ref _abandoned);
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
