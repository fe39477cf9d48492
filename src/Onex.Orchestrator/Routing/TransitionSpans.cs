using System.Diagnostics;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Outbox;

namespace Onex.Orchestrator.Routing;

/// <summary>Creates the spans of committed transitions. A span starts at <see cref="SagaWork.Began"/>, before the decision.</summary>
internal static class TransitionSpans
{
    /// <summary>Starts one span for the committed transitions of a saga; null if there is no saga, or the span is not recorded.</summary>
    public static Activity? Start(SagaWork work)
    {
        if (!Tracing.IsOn || work is not { Saga: { } saga, Began: { } began })
        {
            return null;
        }

        // The parent is the span of the record that caused the transition, if it belongs to the saga's trace. Events and joined requests
        // have traces of their own, so the two spans are linked.
        var name = $"transition {saga.Facts.Contract}";
        var trace = SagaTrace.From(saga);
        var context = Tracing.ParentOf(trace.Parent, trace.State);
        var causes = work.DecidedDeliveries.Select(decided => decided.Delivery.Sink.Record?.Span).OfType<Activity>().ToList();
        var parent = causes.Find(cause => context == default || cause.TraceId == context.TraceId);
        var span = parent is not null
            ? Tracing.StartChild(name, ActivityKind.Internal, parent, began)
            : Tracing.Start(name, ActivityKind.Internal, context, at: began);
        if (span is null)
        {
            return null;
        }

        foreach (var cause in causes.Where(cause => cause != parent))
        {
            span.AddLink(new ActivityLink(cause.Context));
            if (cause.TraceId != span.TraceId)
            {
                cause.AddLink(new ActivityLink(span.Context));
            }
        }

        // A saga with a trace of its own is linked to its request's span.
        var request = SagaTrace.From(saga.Facts.Requester);
        if (!trace.IsOfRequest && ActivityContext.TryParse(request.Parent, request.State, isRemote: true, out var requestContext))
        {
            span.AddLink(new ActivityLink(requestContext));
        }

        Describe(span, saga, work.InitialSaga);
        foreach (var cause in causes)
        {
            cause.SetTag("onex.saga.id", saga.Facts.SagaId.ToString());
        }

        return span;
    }

    private static void Describe(Activity span, SagaState saga, SagaState? before)
    {
        if (!span.IsAllDataRequested)
        {
            return;
        }

        span.SetTag("onex.saga.id", saga.Facts.SagaId.ToString());
        span.SetTag("onex.contract", saga.Facts.Contract);
        span.SetTag("onex.contract.version", saga.Facts.ContractVersion);
        span.SetTag("onex.state", saga.State);
        span.SetTag("onex.state.from", before?.State);
        span.SetTag("onex.fault", before?.Fault is null ? saga.Fault?.Code : null);
        span.SetTag("onex.status", saga.Status.ToText());
        span.SetTag("onex.key", Tracing.Key(saga.Facts.BusinessKey));
        span.SetTag("onex.correlation.id", saga.Facts.Requester.CorrelationId.ToString());
    }
}
