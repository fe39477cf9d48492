using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using static Onex.Tests.Support.ProtobufReader;

namespace Onex.Tests.Support;

/// <summary>A span that was exported.</summary>
public sealed record ExportedSpan
{
    /// <summary>The <c>onex.role</c> of its process.</summary>
    public required string Role { get; init; }

    /// <summary>Its scope: the source.</summary>
    public required string Source { get; init; }

    /// <summary>Its trace, in hexadecimal.</summary>
    public required string TraceId { get; init; }

    /// <summary>Its id, in hexadecimal.</summary>
    public required string SpanId { get; init; }

    /// <summary>The id of its parent; empty without one.</summary>
    public required string ParentId { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>1 internal, 2 server, 3 client, 4 producer, 5 consumer.</summary>
    public required int Kind { get; init; }

    /// <summary>Whether its status is an error.</summary>
    public required bool IsError { get; init; }

    /// <summary>Its attributes as text.</summary>
    public required IReadOnlyDictionary<string, string> Attributes { get; init; }

    /// <summary>The spans that it is linked to.</summary>
    public required IReadOnlyList<(string TraceId, string SpanId)> Links { get; init; }
}

/// <summary>A log record that was exported.</summary>
/// <param name="Role">The role of its process.</param>
/// <param name="Body">Its text.</param>
/// <param name="TraceId">Its trace; empty without one.</param>
/// <param name="SpanId">Its span; empty without one.</param>
public sealed record ExportedLog(string Role, string Body, string TraceId, string SpanId);

/// <summary>Receives what processes export by OTLP over HTTP, as a collector does.</summary>
public sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<ExportedSpan> _spans = new();
    private readonly ConcurrentQueue<ExportedLog> _logs = new();

    private OtlpCollector(WebApplication server, Uri address)
    {
        (_server, Address) = (server, address);
        server.MapPost("/v1/traces", call => TakeAsync(call, TakeTraces));
        server.MapPost("/v1/logs", call => TakeAsync(call, TakeLogs));
        server.MapPost("/v1/metrics", call => TakeAsync(call, _ => Interlocked.Increment(ref _metrics)));
    }

    private int _metrics;

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>The spans so far, in the order of arrival.</summary>
    public IReadOnlyList<ExportedSpan> Spans => [.. _spans];

    /// <summary>The log records so far.</summary>
    public IReadOnlyList<ExportedLog> Logs => [.. _logs];

    /// <summary>How many exports of metrics arrived.</summary>
    public int MetricExports => Volatile.Read(ref _metrics);

    /// <summary>The settings of a process that exports everything here, and soon.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Address.ToString(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
    };

    /// <summary>Starts one.</summary>
    public static async Task<OtlpCollector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var address = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var server = builder.Build();
        server.Urls.Add(address.ToString());
        var collector = new OtlpCollector(server, address);
        await server.StartAsync();
        return collector;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private static async Task TakeAsync(HttpContext call, Action<ReadOnlyMemory<byte>> take)
    {
        using var body = new MemoryStream();
        await call.Request.Body.CopyToAsync(body, call.RequestAborted);
        take(body.ToArray());
        call.Response.ContentType = "application/x-protobuf";
    }

    // The field numbers are those of opentelemetry/proto: trace.proto, logs.proto, common.proto.
    private void TakeTraces(ReadOnlyMemory<byte> request)
    {
        foreach (var resource in Parts(request, 1))
        {
            var role = Attributes(Parts(resource, 1).Single(), 1).GetValueOrDefault("onex.role", "");
            foreach (var scope in Parts(resource, 2))
            {
                var source = Text(Parts(scope, 1).Single(), 1);
                foreach (var span in Parts(scope, 2))
                {
                    _spans.Enqueue(new ExportedSpan
                    {
                        Role = role,
                        Source = source,
                        TraceId = Hex(span, 1),
                        SpanId = Hex(span, 2),
                        ParentId = Hex(span, 4),
                        Name = Text(span, 5),
                        Kind = (int)Number(span, 6),
                        IsError = Parts(span, 15).Any(status => Number(status, 3) == 2),
                        Attributes = Attributes(span, 9),
                        Links = [.. Parts(span, 13).Select(link => (Hex(link, 1), Hex(link, 2)))],
                    });
                }
            }
        }
    }

    private void TakeLogs(ReadOnlyMemory<byte> request)
    {
        foreach (var resource in Parts(request, 1))
        {
            var role = Attributes(Parts(resource, 1).Single(), 1).GetValueOrDefault("onex.role", "");
            foreach (var record in Parts(resource, 2).SelectMany(scope => Parts(scope, 2)))
            {
                _logs.Enqueue(new ExportedLog(role, Value(Parts(record, 5).LastOrDefault()), Hex(record, 9), Hex(record, 10)));
            }
        }
    }

    private static Dictionary<string, string> Attributes(ReadOnlyMemory<byte> message, int field)
    {
        var attributes = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in Parts(message, field))
        {
            attributes[Text(pair, 1)] = Value(Parts(pair, 2).LastOrDefault());
        }

        return attributes;
    }

    private static string Value(ReadOnlyMemory<byte> value) => Fields(value).FirstOrDefault() switch
    {
        (1, _, var text) => System.Text.Encoding.UTF8.GetString(text.Span),
        var (_, number, _) => number.ToString(System.Globalization.CultureInfo.InvariantCulture),
    };
}
