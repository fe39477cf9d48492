using System.Globalization;
using System.Runtime.InteropServices;
using Onex.Contracts.Messages;
using Onex.Engine;

namespace Onex.Orchestrator.Outbox;

/// <summary>
/// The trace context of a saga: that of its request, which the saga keeps with its other headers. A state that is entered long after the
/// start has a trace of its own, because tools for traces look at hours and not at days; its spans are linked to the request.
/// </summary>
/// <param name="Parent">W3C trace context, or null.</param>
/// <param name="State">Its vendor part, or null.</param>
/// <param name="IsOfRequest">Whether it is the request's own.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct SagaTrace(string? Parent, string? State, bool IsOfRequest)
{
    /// <summary>How long after its start a saga's states are entered in the trace of its request.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    /// <summary>The context of messages and spans of the saga.</summary>
    public static SagaTrace From(SagaState saga)
    {
        var ofRequest = From(saga.Facts.Requester);
        if (!Tracing.IsOn || ofRequest.Parent is null || saga.EnteredAt - saga.Facts.StartedAt < Longest)
        {
            return ofRequest;
        }

        var flags = Tracing.ParentOf(ofRequest.Parent, null).TraceFlags;
        var trace = Tracing.TraceId(string.Create(CultureInfo.InvariantCulture, $"{saga.Facts.SagaId}/{saga.EnteredAt.UtcTicks}"));
        return new SagaTrace(Tracing.TraceParent(trace, flags), null, IsOfRequest: false);
    }

    /// <summary>The context of a request.</summary>
    public static SagaTrace From(Requester requester) => new(
        requester.Headers.GetValueOrDefault(HeaderNames.TraceParent), requester.Headers.GetValueOrDefault(HeaderNames.TraceState),
        IsOfRequest: true);
}
