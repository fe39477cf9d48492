using System.Diagnostics;
using System.Net;
using Onex.Tests.EndToEnd.Secrets;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Telemetry;

/// <summary>
/// What one process with all roles exports over gRPC, for everything that is more than a plain step: children, items, timers, compensations
/// and parked commands.
/// </summary>
public sealed class EmbeddedTelemetryTests : IDisposable
{
    private const string ParentContract = """
        contract: far
        version: 1.0.0
        description: Calls a service for each item and a child saga, waits for a timer, is refused, and compensates.
        input: { type: object, properties: { items: { type: array, items: { type: string } } }, required: [items] }
        events: { never: {} }
        initial: fanning
        states:
          fanning:
            steps:
              - id: fan
                each: { item: input.items, at_once: 2, at_most: 500 }
                effect: http.post
                connection: echo
                with: { path: /item, body: { item: "${item}" } }
                compensate: { effect: http.post, connection: echo, with: { path: /undo, body: { item: "${item}" } }, when_unknown: run }
              - id: nested
                saga: near
                with: { id: "${input.items[0]}" }
                compensate: { none: the child changes nothing }
            next: resting
          resting:
            on_event: [{ event: never, next: refusing }]
            timeout: { after: 300ms, next: refusing }
          refusing:
            steps:
              - id: refused
                effect: http.post
                connection: echo
                with: { path: /refused, body: {} }
                compensate: { none: it is refused }
            next: done
          unwinding: { compensate: all, next: unwound }
          unwound: { end: failed }
          done: { end: completed }
        on_failure: unwinding
        """;

    private const string ChildContract = """
        contract: near
        version: 1.0.0
        description: The child. Its service is away at first, so its command is parked.
        input: { type: object, properties: { id: { type: string } }, required: [id] }
        initial: calling
        states:
          calling:
            steps:
              - id: call
                effect: http.get
                connection: late
                with: { path: /late }
                retry: { attempts: 5, first: 10ms }
            next: done
          done: { end: completed }
        """;

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Items_children_timers_compensations_and_parked_commands_are_in_the_trace_of_the_request()
    {
        await using var collector = await OtlpCollector.StartAsync(overGrpc: true);
        await using var echo = await EchoService.StartAsync();
        var late = FreePort.Next();
        Write(echo, late);
        await using var onex = await EmbeddedOnex.StartAsync(
            _directory,
            [.. collector.Environment.Select(setting => (setting.Key, setting.Value)), ("OTEL_METRIC_EXPORT_INTERVAL", "200")]);
        var request = new ActivityContext(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

        var (status, _) = await onex.RequestAsync(
            """{"operation":"far","payload":{"items":["a","b","c"]}}""", traceParent: $"00-{request.TraceId}-{request.SpanId}-01");
        Assert.Equal(HttpStatusCode.Accepted, status);
        await Eventually.Async(
            async () => (await onex.TextAsync("/metrics"))
                .Contains("onex_connection_breaker{connection=\"late\"} 2", StringComparison.Ordinal),
            _timeout, () => "the breaker of the connection that is away is open");
        await using var arrived = await EchoService.StartAsync(late);
        await Eventually.Async(
            () => Task.FromResult(States(collector).Contains("far unwound") && Attempts(collector).Count == 8),
            _timeout, () => string.Join('\n', collector.Spans.Select(span => span.Name)));

        Assert.Equal(
            [
                "far compensate fan", "far compensate fan", "far compensate fan", "far do fan", "far do fan", "far do fan",
                "far do refused", "near do call",
            ],
            Attempts(collector));
        Assert.Equal(
            ["far fanning", "far refusing", "far resting", "far unwinding", "far unwound", "near calling", "near done"],
            States(collector));
        var trace = request.TraceId.ToHexString();
        Assert.All(
            collector.Spans.Where(span => span.Attributes.ContainsKey("onex.saga.id")),
            span => Assert.Equal((span.Name, trace), (span.Name, span.TraceId)));

        // The services get the trace, too, and every span has its parent.
        Assert.All(echo.Traces.Concat(arrived.Traces), sent => Assert.StartsWith($"00-{trace}-", sent, StringComparison.Ordinal));
        var known = collector.Spans.Select(span => span.SpanId).Append(request.SpanId.ToHexString()).Append("")
            .ToHashSet(StringComparer.Ordinal);
        Assert.All(collector.Spans, span => Assert.Contains(span.ParentId, known));

        // Log lines and metrics take the same protocol.
        await Eventually.Async(
            () => Task.FromResult(collector.Logs.Count > 0 && collector.Metrics.Contains("onex.saga.ended")),
            _timeout, () => $"{collector.Logs.Count} log lines, metrics: {string.Join(", ", collector.Metrics.Distinct())}");
    }

    // Without the attempts that did not reach a service.
    private static List<string> Attempts(OtlpCollector collector) =>
    [
        .. collector.Spans
            .Where(span => span.Name.StartsWith("attempt ", StringComparison.Ordinal)
                && (!span.IsError || span.Attributes["onex.contract"] == "far"))
            .Select(span => $"{span.Attributes["onex.contract"]} {span.Attributes["onex.direction"]} {span.Attributes["onex.step"]}")
            .Order(StringComparer.Ordinal),
    ];

    private static List<string> States(OtlpCollector collector) =>
    [
        .. collector.Spans.Where(span => span.Name.StartsWith("transition ", StringComparison.Ordinal))
            .Select(span => $"{span.Attributes["onex.contract"]} {span.Attributes["onex.state"]}").Distinct()
            .Order(StringComparer.Ordinal),
    ];

    private void Write(EchoService echo, int late)
    {
        File.WriteAllText(Path.Combine(_directory.FullName, "far.yaml"), ParentContract);
        File.WriteAllText(Path.Combine(_directory.FullName, "near.yaml"), ChildContract);
        File.WriteAllText(
            Path.Combine(_directory.CreateSubdirectory("connections").FullName, "all.yaml"),
            $$"""
            connections:
              echo: { type: http, url: "{{echo.Address}}" }
              late: { type: http, url: "http://127.0.0.1:{{late}}", breaker: { calls: 2, pause: 500ms } }
            """);
    }
}
