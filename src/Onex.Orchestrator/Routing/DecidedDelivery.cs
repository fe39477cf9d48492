using System.Runtime.InteropServices;
using Onex.Engine;
using Onex.Orchestrator.Intake;

namespace Onex.Orchestrator.Routing;

/// <summary>The decision on a delivery; it takes effect once its saga is committed.</summary>
/// <param name="Delivery">The delivery.</param>
/// <param name="Decision">
/// The engine's decision; null if the saga's state does not accept the message, or the engine was not asked.
/// </param>
/// <param name="Outcome">The outcome if it is known before the commit: rejected or failed; else null.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct DecidedDelivery(Delivery Delivery, Decision? Decision = null, DeliveryOutcome? Outcome = null)
{
    /// <summary>The saga before the engine's decision; null if the delivery started the saga, or without a decision.</summary>
    public SagaState? SagaBefore { get; init; }
}
