using Onex.Contracts.Text;
using Onex.Hosting.Health;

namespace Onex.Orchestrator.Routing;

/// <summary>
/// Whether messages for sagas come to their end. No single saga can hold the others up, so that a batch that fails again and again means that none
/// of them goes on: then this main is not ready.
/// </summary>
internal sealed class RouterHealth : IHealthComponent
{
    // One failure may be a moment's, such as a batch that was given up because its partition was lost.
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
                : new ComponentReport(ComponentState.Unhealthy, $"messages for sagas cannot be handled, {Plural.Format(_failures, "batch")} in a row: {_reason}", null));
        }
    }

    /// <summary>A batch came to its end.</summary>
    public void Worked()
    {
        lock (_lock)
        {
            (_failures, _reason) = (0, null);
        }
    }

    /// <summary>A batch did not, and is tried again.</summary>
    public void Failed(Exception failure)
    {
        lock (_lock)
        {
            (_failures, _reason) = (_failures + 1, $"{failure.GetType().Name}: {failure.Message.Split(Environment.NewLine)[0]}");
        }
    }
}
