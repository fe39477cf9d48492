using System.Diagnostics;

namespace Onex.Tests.EndToEnd.Telemetry;

/// <summary>One saga is one trace, across processes and over their ends. The spans are those that a collector receives.</summary>
public sealed class TraceTests
{
    private const string Contract = """
        contract: traced
        version: 1.0.0
        description: Reserves with a retry, reads a database, computes, waits for an event, is declined, and compensates.
        input: { type: object, required: [id], properties: { id: { type: string } } }
        key: input.id
        events:
          approve: { data: { by: string } }
        initial: reserving
        states:
          reserving:
            steps:
              - id: reserve
                effect: http.post
                connection: stock
                with: { path: /reservations, body: { order: "${input.id}" } }
                returns: { body: { id: string } }
                retry: { attempts: 3, first: 10ms }
                compensate:
                  effect: http.delete
                  connection: stock
                  with: { path: "/reservations/r-${input.id}" }
                  when_unknown: run
              - id: look
                effect: db.transaction
                connection: books
                with: { statements: [{ sql: "SELECT 1 AS one" }] }
                compensate: { none: it changes nothing }
              - id: seal
                compute: hash.sha256
                with: { text: "${input.id}" }
            next: waiting
          waiting:
            on_event:
              - { event: approve, next: charging }
          charging:
            steps:
              - id: charge
                effect: http.post
                connection: payments
                with: { path: /charges, body: { order: "${input.id}" } }
                reject:
                  - { when: result.status_code == 402, code: card_declined }
                compensate: { none: nothing follows it }
            next: done
          unwinding: { compensate: all, next: unwound }
          done: { end: completed }
          unwound: { end: failed, output: { reason: "${fault.code}" } }
        on_failure: unwinding
        """;

    // Kinds of spans in OTLP.
    private const int Client = 3;
    private const int Consumer = 5;

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_saga_is_one_trace_across_three_processes()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var stack = await StackAsync(collector);
        var (request, sent) = (NewContext(), NewContext());
        await stack.StartReadyAsync("main", "effects", "workers");

        await SendAsync(stack, "traced", "a", request);
        await stack.InStateAsync("a", "waiting", _timeout);
        await SendAsync(stack, "traced.approve", "a", sent);
        await EndsAsync(stack, "a");
        var client = request.SpanId.ToHexString();
        var spans = await SpansAsync(collector, request, "send " + stack.Topic("responses"));

        // By role and name. Only operations with several calls or retries appear more than once.
        Assert.Equal(
            [
                "effects attempt db.transaction", "effects attempt http.delete", "effects attempt http.delete", "effects attempt http.post",
                "effects attempt http.post", "effects attempt http.post", "effects attempt http.post", "workers compute hash.sha256",
            ],
            spans.Where(span => span.Name.StartsWith("attempt ", StringComparison.Ordinal)
                || span.Name.StartsWith("compute ", StringComparison.Ordinal))
                .Select(span => $"{span.Role} {span.Name}").Order(StringComparer.Ordinal));

        // A record's span is below the request, and what happens in its process is below that.
        var processed = spans.Where(span => span.Kind == Consumer).ToList();
        Assert.All(processed, span => Assert.Equal((client, "kafka"), (span.ParentId, span.Attributes["messaging.system"])));
        Assert.Equal(
            ["effects", "main", "workers"], processed.Select(span => span.Role).Distinct().Order(StringComparer.Ordinal));
        Assert.All(
            spans.Where(span => span.Name.StartsWith("attempt ", StringComparison.Ordinal)),
            span => Assert.Equal($"process {stack.Topic("effect-requests")}", Parent(span, spans)?.Name));
        var calls = spans.Where(span => span.Kind == Client).ToList();
        Assert.Equal(6, calls.Count(span => span.Source != "Npgsql"));
        Assert.All(calls, span => Assert.StartsWith("attempt ", Parent(span, spans)?.Name, StringComparison.Ordinal));
        Assert.Contains(calls, span => span.Source == "Npgsql");
        Assert.Contains(calls, span => span.Attributes.GetValueOrDefault("http.response.status_code") == "503");

        // The links lead from each command to the transition that sent it, and from each result to the command that it answers.
        Assert.All(
            spans.Where(span => span.Name.StartsWith("attempt ", StringComparison.Ordinal)),
            span => Assert.Equal("main transition traced", Describe(Cause(Parent(span, spans)!, spans))));
        var results = processed.Where(span => span.Name == $"process {stack.Topic("effect-responses")}").ToList();
        Assert.Equal(7, results.Count);
        Assert.All(results, span => Assert.Equal($"effects process {stack.Topic("effect-requests")}", Describe(Cause(span, spans))));
        Assert.Equal(
            $"workers process {stack.Topic("worker-requests")}",
            Describe(Cause(Assert.Single(processed, span => span.Name == $"process {stack.Topic("worker-responses")}"), spans)));

        // The errors are on the attempts that failed, not on their parents.
        Assert.Equal(
            [
                "attempt http.delete http_503", "attempt http.post http_402", "attempt http.post http_503", "attempt http.post http_503",
            ],
            spans.Where(span => span is { IsError: true, Kind: not Client })
                .Select(span => $"{span.Name} {span.Attributes["error.type"]}").Order(StringComparer.Ordinal));

        // The transitions, with the states that they lead to. An event has a trace of its own, so it is linked.
        var transitions = spans.Where(span => span.Name == "transition traced").ToList();
        Assert.Equal(
            ["charging", "reserving", "unwinding", "unwound", "waiting"],
            transitions.Select(span => span.Attributes["onex.state"]).Distinct().Order(StringComparer.Ordinal));
        Assert.All(
            transitions, span => Assert.Equal(("a", "1.0.0"), (span.Attributes["onex.key"], span.Attributes["onex.contract.version"])));
        Assert.Equal(
            "card_declined", Assert.Single(transitions, span => span.Attributes.ContainsKey("onex.fault")).Attributes["onex.fault"]);
        var linked = Assert.Single(transitions, span => span.Links.Count > 0);
        Assert.Equal(("charging", client), (linked.Attributes["onex.state"], linked.ParentId));
        var cause = Assert.Single(collector.Spans, span => span.TraceId == sent.TraceId.ToHexString());
        Assert.Equal((cause.TraceId, cause.SpanId), linked.Links.Single());
        Assert.Equal((linked.TraceId, linked.SpanId), cause.Links.Single());
        Assert.Equal(sent.SpanId.ToHexString(), cause.ParentId);
        AssertParents(collector, client, sent.SpanId.ToHexString());

        // Log lines are exported, too, with the span in which they were written.
        IEnumerable<ExportedLog> Lines() =>
            collector.Logs.Where(line => line.Body.StartsWith("Transactions over connection", StringComparison.Ordinal));
        await Eventually.Async(() => Lines().Any(), _timeout, () => "the log line of the attempt was not exported");
        var attempt = Assert.Single(spans, span => span.Name == "attempt db.transaction");
        var line = Assert.Single(Lines());
        Assert.Equal((attempt.TraceId, attempt.SpanId), (line.TraceId, line.SpanId));
    }

    [Fact]
    public async Task Killed_processes_leave_no_span_without_its_parent()
    {
        await using var collector = await OtlpCollector.StartAsync();
        await using var stack = await StackAsync(collector);

        // They are killed before they export anything.
        stack.Set("OTEL_BSP_SCHEDULE_DELAY", "600000");
        var killed = await stack.StartReadyAsync("main", "effects");
        stack.Set("OTEL_BSP_SCHEDULE_DELAY", "100");
        await stack.StartReadyAsync("workers");

        // The request has no trace of its own.
        await stack.RequestAsync("traced", new JsonObject { ["id"] = "b" });
        await stack.InStateAsync("b", "waiting", _timeout);
        await Task.WhenAll(killed.Select(process => process.KillAsync()));
        Assert.DoesNotContain(collector.Spans, span => span.Role is "main" or "effects");
        await stack.StartReadyAsync("main", "effects");
        await SendAsync(stack, "traced.approve", "b", default);
        await EndsAsync(stack, "b");
        await Eventually.Async(
            () => Task.FromResult(collector.Spans.Any(span => span.Name == "send " + stack.Topic("responses"))), _timeout,
            () => "the response has no span");

        var saga = collector.Spans.Where(span => span.Attributes.ContainsKey("onex.step")).ToList();
        Assert.Equal(["effects", "workers"], saga.Select(span => span.Role).Distinct().Order(StringComparer.Ordinal));
        Assert.Single(saga.Select(span => span.TraceId).Distinct());
        AssertParents(collector);
    }

    private static async Task<OnexStack> StackAsync(OtlpCollector collector)
    {
        var stack = await OnexStack.CreateAsync();
        var contracts = Directory.CreateTempSubdirectory("onex-contracts-").FullName;
        Directory.CreateDirectory(Path.Combine(contracts, "connections"));
        var settings = stack.Settings;
        await File.WriteAllTextAsync(Path.Combine(contracts, "traced.yaml"), Contract);
        await File.WriteAllTextAsync(Path.Combine(contracts, "connections", "outside.yaml"), $$"""
            connections:
              stock: { type: http, url: "{{stack.Services.Address}}", breaker: off }
              payments: { type: http, url: "{{stack.Services.Address}}", breaker: off }
              books:
                type: postgres
                host: {{settings["POSTGRES_HOST"]}}
                port: {{settings["POSTGRES_PORT"]}}
                database: {{settings["POSTGRES_DATABASE"]}}
                user: {{settings["POSTGRES_USER"]}}
                password: "${secret:POSTGRES_PASSWORD}"
            """);
        stack.Set("CONTRACTS_DIR", contracts);
        foreach (var (name, value) in collector.Environment)
        {
            stack.Set(name, value);
        }

        stack.Services.Usual = new Treatment { Failures = 1, CardDeclined = true };
        return stack;
    }

    private static ActivityContext NewContext() =>
        new(ActivityTraceId.CreateRandom(), ActivitySpanId.CreateRandom(), ActivityTraceFlags.Recorded);

    private static async Task SendAsync(OnexStack stack, string operation, string id, ActivityContext context)
    {
        var request = new JsonObject
        {
            ["operation"] = operation,
            ["payload"] = operation.EndsWith("approve", StringComparison.Ordinal)
                ? new JsonObject { ["by"] = "the boss" }
                : new JsonObject { ["id"] = id },
            ["target"] = operation.EndsWith("approve", StringComparison.Ordinal) ? new JsonObject { ["key"] = id } : null,
            ["correlation_id"] = OnexStack.NewId(),
        };
        var headers = context == default
            ? null
            : new Dictionary<string, string> { ["traceparent"] = $"00-{context.TraceId}-{context.SpanId}-01" };
        await stack.Writer.SendAsync(stack.Topic("requests"), request.ToJsonString(), headers: headers);
    }

    private static Task<TimeSpan> EndsAsync(OnexStack stack, string key) => stack.InStateAsync(key, "unwound", _timeout);

    // The spans of the request's trace, once the last one has arrived.
    private static async Task<List<ExportedSpan>> SpansAsync(OtlpCollector collector, ActivityContext request, string lastSpan)
    {
        List<ExportedSpan> Arrived() => [.. collector.Spans.Where(span => span.TraceId == request.TraceId.ToHexString())];
        await Eventually.Async(
            () => Task.FromResult(Arrived() is var spans && spans.Exists(span => span.Name == lastSpan)
                && spans.Count(span => span.Name.StartsWith("attempt ", StringComparison.Ordinal)) == 7
                && spans.SelectMany(span => span.Links).All(
                    link => link.TraceId != request.TraceId.ToHexString() || spans.Exists(span => span.SpanId == link.SpanId))),
            _timeout,
            () => string.Join('\n', Arrived().Select(span => $"{span.Role} {span.Name}")));
        return Arrived();
    }

    private static ExportedSpan? Parent(ExportedSpan span, IEnumerable<ExportedSpan> spans) =>
        spans.SingleOrDefault(other => other.SpanId == span.ParentId);

    // The parent of the send span to which the span of a record is linked.
    private static ExportedSpan Cause(ExportedSpan record, IReadOnlyCollection<ExportedSpan> spans)
    {
        var sending = Assert.Single(spans, span => span.SpanId == record.Links.Single().SpanId);
        Assert.StartsWith("send ", sending.Name, StringComparison.Ordinal);
        return Parent(sending, spans)!;
    }

    private static string Describe(ExportedSpan span) => $"{span.Role} {span.Name}";

    // Every parent was exported, or belongs to a client.
    private static void AssertParents(OtlpCollector collector, params string[] clients)
    {
        var spans = collector.Spans;
        var known = spans.Select(span => span.SpanId).Concat(clients).Append("").ToHashSet(StringComparer.Ordinal);
        Assert.Empty(spans.Where(span => !known.Contains(span.ParentId)).Select(span => $"{span.Role} {span.Name}: {span.ParentId}"));
    }
}
