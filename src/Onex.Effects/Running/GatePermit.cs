using Onex.Effects.Operations;

namespace Onex.Effects.Running;

/// <summary>Permission to run one attempt. Dispose of it when the attempt has ended and its outcome is recorded.</summary>
internal sealed class GatePermit(ConnectionGate gate, bool isTrial) : IDisposable
{
    private int _released;

    public ConnectionGate Gate { get; } = gate;

    /// <summary>Whether the attempt is the trial of the circuit breaker.</summary>
    public bool IsTrial { get; } = isTrial;

    /// <summary>Whether an outcome was reported.</summary>
    public bool IsReported { get; private set; }

    /// <summary>
    /// Reports the outcome. True if it shows an outage and the breaker is not closed (any more): the command should be parked, not fail.
    /// </summary>
    /// <param name="outcome">The outcome.</param>
    /// <param name="isFirst">Whether it was the first attempt of its command.</param>
    public bool Report(AttemptOutcome outcome, bool isFirst = false)
    {
        IsReported = true;
        return Gate.Report(this, outcome, isFirst);
    }

    /// <summary>Gives the permit back without an attempt, so that it does not count against the rate.</summary>
    public void GiveBack() => Release(hasBegun: false);

    /// <summary>Gives the permit back because its command is parked; <see cref="ConnectionGate.EndParking"/> must follow.</summary>
    public void Park()
    {
        Gate.BeginParking();
        GiveBack();
    }

    public void Dispose() => Release(hasBegun: true);

    private void Release(bool hasBegun)
    {
        if (Interlocked.Exchange(ref _released, 1) == 0)
        {
            Gate.Release(this, hasBegun);
        }
    }
}
