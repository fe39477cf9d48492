using Onex.Contracts.Text;
using Onex.Hosting.Health;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Reports whether batches of messages for sagas succeed. A single saga cannot stop the others, so a batch that fails repeatedly means that
/// no saga moves, and this orchestrator is not ready.
/// </summary>
internal sealed class RouterHealth : IHealthComponent
{
    // Single failures are normal, such as a batch whose partition was lost.
    private const int FailuresBorne = 2;

    private readonly Lock _lock = new();
    private int _failures;
    private string? _reason;

    public string Name => "sagas";

    public bool NeededForReadiness => true;

    public Task<ComponentReport> ProbeAsync(CancellationToken cancellation)
    {
        lock (_lock)
        {
            return Task.FromResult(_failures <= FailuresBorne
                ? ComponentReport.Healthy
                : new ComponentReport(
                    ComponentState.Unhealthy,
                    $"messages for sagas cannot be handled, {Plural.Format(_failures, "batch")} in a row: {_reason}",
                    null));
        }
    }

    /// <summary>A batch succeeded.</summary>
    public void Worked()
    {
        lock (_lock)
        {
            (_failures, _reason) = (0, null);
        }
    }

    /// <summary>A batch failed, and is retried.</summary>
    public void Failed(Exception failure)
    {
        lock (_lock)
        {
            (_failures, _reason) = (_failures + 1, $"{failure.GetType().Name}: {failure.Message.Split(Environment.NewLine)[0]}");
        }
    }
}
