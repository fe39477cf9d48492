using System.Buffers.Binary;
using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
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

/// <summary>Receives what processes export by OTLP over HTTP or gRPC, as a collector does.</summary>
public sealed class OtlpCollector : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<ExportedSpan> _spans = new();
    private readonly ConcurrentQueue<ExportedLog> _logs = new();

    private readonly bool _overGrpc;
    private readonly ConcurrentQueue<string> _metrics = new();

    private OtlpCollector(WebApplication server, Uri address, bool overGrpc)
    {
        (_server, Address, _overGrpc) = (server, address, overGrpc);
        Map("trace.v1.TraceService", "/v1/traces", TakeTraces);
        Map("logs.v1.LogsService", "/v1/logs", TakeLogs);
        Map("metrics.v1.MetricsService", "/v1/metrics", TakeMetrics);

        void Map(string service, string path, Action<ReadOnlyMemory<byte>> take) => server.MapPost(
            overGrpc ? $"/opentelemetry.proto.collector.{service}/Export" : path, call => TakeAsync(call, take));
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>The spans so far, in the order of arrival.</summary>
    public IReadOnlyList<ExportedSpan> Spans => [.. _spans];

    /// <summary>The log records so far.</summary>
    public IReadOnlyList<ExportedLog> Logs => [.. _logs];

    /// <summary>The names of the metrics so far; a name repeats for each time that the metric arrived.</summary>
    public IReadOnlyList<string> Metrics => [.. _metrics];

    /// <summary>The settings with which a process exports everything to this collector, without much delay.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>
    {
        ["OTEL_EXPORTER_OTLP_ENDPOINT"] = Address.ToString(),
        ["OTEL_EXPORTER_OTLP_PROTOCOL"] = _overGrpc ? "grpc" : "http/protobuf",
        ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
        ["OTEL_BLRP_SCHEDULE_DELAY"] = "100",
    };

    /// <summary>Starts a collector, for OTLP over HTTP or over gRPC without TLS.</summary>
    public static async Task<OtlpCollector> StartAsync(bool overGrpc = false)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(
            listen => listen.Protocols = overGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        var address = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var server = builder.Build();
        server.Urls.Add(address.ToString());
        var collector = new OtlpCollector(server, address, overGrpc);
        await server.StartAsync();
        return collector;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync() => await _server.DisposeAsync();

    private async Task TakeAsync(HttpContext call, Action<ReadOnlyMemory<byte>> take)
    {
        using var body = new MemoryStream();
        await call.Request.Body.CopyToAsync(body, call.RequestAborted);
        if (!_overGrpc)
        {
            take(body.ToArray());
            call.Response.ContentType = "application/x-protobuf";
            return;
        }

        // A message of gRPC is a flag for compression, its length in four bytes, and its bytes. The status follows the answer.
        var message = body.ToArray();
        if (message[0] != 0 || BinaryPrimitives.ReadInt32BigEndian(message.AsSpan(1)) != message.Length - 5)
        {
            throw new InvalidDataException("The body is not one uncompressed message of gRPC.");
        }

        take(message.AsMemory(5));
        call.Response.ContentType = "application/grpc";
        call.Response.DeclareTrailer("grpc-status");
        await call.Response.Body.WriteAsync(new byte[5], call.RequestAborted);
        call.Response.AppendTrailer("grpc-status", "0");
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

    private void TakeMetrics(ReadOnlyMemory<byte> request)
    {
        foreach (var metric in Parts(request, 1).SelectMany(resource => Parts(resource, 2)).SelectMany(scope => Parts(scope, 2)))
        {
            _metrics.Enqueue(Text(metric, 1));
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
