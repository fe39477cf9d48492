using System.Diagnostics;
using Onex.Kafka.Producing;
using Onex.Kafka.Records;
using Onex.Orchestrator.Outbox;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Outbox;

[Collection("Listeners to spans")]
public sealed class SagaTraceTests
{
    private const string Request = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    [Fact]
    public void A_state_that_is_entered_long_after_the_start_has_a_trace_of_its_own()
    {
        using var listener = new ActivityListener { ShouldListenTo = source => source.Name == "Onex" };
        ActivitySource.AddActivityListener(listener);
        var saga = CreateSaga(Request);

        Assert.Equal(new SagaTrace(Request, null, IsOfRequest: true), SagaTrace.From(saga));

        var later = saga with { EnteredAt = saga.Facts.StartedAt + SagaTrace.RequestTraceMax };
        var trace = SagaTrace.From(later);
        var context = Tracing.ParentOf(trace.Parent, trace.State);

        Assert.Equal(trace, SagaTrace.From(later with { State = "another" }));
        Assert.NotEqual(Tracing.ParentOf(Request, null).TraceId, context.TraceId);
        Assert.Equal((default, ActivityTraceFlags.Recorded), (context.SpanId, context.TraceFlags));
    }

    [Fact]
    public void Without_a_listener_reading_and_sending_a_record_allocate_nothing_for_spans()
    {
        var sent = new ProducedRecord("commands", 0, "key", default, [new(HeaderNames.EventType, EventTypes.Command)]);
        var read = new ConsumedRecord
        {
            Topic = "commands",
            Partition = 0,
            Offset = 0,
            Headers = [new(HeaderNames.TraceParent, Encoding.UTF8.GetBytes(Request))],
        };
        Spans();

        var before = GC.GetAllocatedBytesForCurrentThread();
        Spans();

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Spans()
        {
            Assert.Null(SendSpans.Start(ref sent));
            Assert.Null(RecordSpans.Process(read, "group"));
        }
    }

    [Fact]
    public void A_saga_whose_request_has_no_trace_has_none() => Assert.Null(SagaTrace.From(CreateSaga(null)).Parent);

    [Fact]
    public void A_trace_that_Onex_begins_has_an_id_and_no_parent()
    {
        var trace = Tracing.TraceId("requests/1");
        var context = Tracing.ParentOf(Tracing.TraceParent(trace, ActivityTraceFlags.Recorded), "vendor=1");

        Assert.Equal((trace, default, ActivityTraceFlags.Recorded), (context.TraceId, context.SpanId, context.TraceFlags));
        Assert.Equal(trace, Tracing.TraceId("requests/1"));
        Assert.Equal("b7ad6b7169203331", Tracing.ParentOf(Request, null).SpanId.ToHexString());
        Assert.Equal(default, Tracing.ParentOf("nonsense", null));
    }

    private static SagaState CreateSaga(string? traceParent)
    {
        var saga = new SagaScenario("""
            contract: traced
            version: 1.0.0
            description: Waits.
            input: { type: object }
            events: { go: {} }
            initial: waiting
            states:
              waiting: { on_event: [{ event: go, next: done }] }
              done: { end: completed }
            """).Starts().Saga;
        var headers = ImmutableSortedDictionary<string, string>.Empty;
        return saga with
        {
            EnteredAt = saga.Facts.StartedAt,
            Facts = saga.Facts with
            {
                Requester = saga.Facts.Requester with
                {
                    Headers = traceParent is null ? headers : headers.Add(HeaderNames.TraceParent, traceParent),
                },
            },
        };
    }
}
