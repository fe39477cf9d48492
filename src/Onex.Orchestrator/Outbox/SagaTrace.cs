using System.Globalization;
using System.Runtime.InteropServices;
using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// The trace context of a saga: that of its request, stored with the request's other headers. But if spans are recorded, a state that is
/// entered long after the start has a trace of its own, linked to the request's: tracing tools expect traces of hours, not days.
/// </summary>
/// <param name="Parent">The W3C <c>traceparent</c>, or null.</param>
/// <param name="State">The W3C <c>tracestate</c>, or null.</param>
/// <param name="IsOfRequest">Whether the context is that of the saga's request.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SagaTrace(string? Parent, string? State, bool IsOfRequest)
{
    /// <summary>A state that the saga enters this long after its start, or later, has a trace of its own.</summary>
    public static readonly TimeSpan RequestTraceMax = TimeSpan.FromHours(1);

    /// <summary>The context of messages and spans of the saga.</summary>
    public static SagaTrace From(SagaState saga)
    {
        var requestTrace = From(saga.Facts.Requester);
        if (!Tracing.IsOn || requestTrace.Parent is null || saga.EnteredAt - saga.Facts.StartedAt < RequestTraceMax)
        {
            return requestTrace;
        }

        var flags = Tracing.ParentOf(requestTrace.Parent, null).TraceFlags;
        var trace = Tracing.TraceId(string.Create(CultureInfo.InvariantCulture, $"{saga.Facts.SagaId}/{saga.EnteredAt.UtcTicks}"));
        return new SagaTrace(Tracing.TraceParent(trace, flags), null, IsOfRequest: false);
    }

    public static SagaTrace From(Requester requester) => new(
        requester.Headers.GetValueOrDefault(HeaderNames.TraceParent), requester.Headers.GetValueOrDefault(HeaderNames.TraceState),
        IsOfRequest: true);
}
