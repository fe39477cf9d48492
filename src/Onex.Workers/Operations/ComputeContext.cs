using Onex.Contracts.Messages;

namespace Onex.Workers.Operations;

/// <summary>What a computation knows about its attempt.</summary>
/// <param name="cancellation">Ends the computation.</param>
/// <param name="report">Receives the progress, or null.</param>
/// <param name="command">The command, or null in tests.</param>
/// <param name="items">The stored items of the saga, or null in tests.</param>
internal sealed class ComputeContext(
    CancellationToken cancellation, Action<double?, string?>? report = null, StepCommand? command = null, IStoredItems? items = null)
{
    public StepCommand? Command { get; } = command;

    /// <summary>The stored items of the saga that the computation is for.</summary>
    public IStoredItems Items => items ?? throw ComputeRejectedException.Arguments("there is no saga whose items could be read");

    /// <summary>
    /// Cancelled at the attempt's timeout, when nobody needs the result any more, and when the process stops. A loop must check it:
    /// nothing else ends the loop.
    /// </summary>
    public CancellationToken Cancellation { get; } = cancellation;

    /// <summary>
    /// Reports how far the computation is. It is cheap, so a loop may call it for each item: only the latest report of a second is sent.
    /// </summary>
    /// <param name="progress">How much is done, from 0 to 1; null if it is not known.</param>
    /// <param name="text">What is being done, for people, without secrets.</param>
    public void ReportProgress(double? progress, string? text = null) => report?.Invoke(progress, text);
}
