using Onex.Contracts.Messages;

namespace Onex.Hosting.Settings;

/// <summary>The checked <c>OTEL_*</c> settings: where traces, metrics and logs are exported.</summary>
public sealed record TelemetrySettings
{
    /// <summary><c>OTEL_SERVICE_NAME</c>.</summary>
    public required string ServiceName { get; init; }

    /// <summary>Exporters of traces.</summary>
    public required SignalSettings Traces { get; init; }

    /// <summary>Exporters of metrics.</summary>
    public required SignalSettings Metrics { get; init; }

    /// <summary>Exporters of logs, beside the console and the file.</summary>
    public required SignalSettings Logs { get; init; }

    /// <summary><c>OTEL_BSP_*</c>.</summary>
    public required SpanBatch Batch { get; init; }

    /// <summary><c>ONEX_TRACE_KEYS</c>.</summary>
    public required KeyForm Keys { get; init; }

    /// <summary>
    /// The <c>OTEL_*</c> variables as the SDK of OpenTelemetry reads them. Without the headers, which are secrets and are passed in
    /// <see cref="OtlpSettings"/>.
    /// </summary>
    public required IReadOnlyDictionary<string, string?> Variables { get; init; }
}

/// <summary>How spans are collected for an export.</summary>
/// <param name="Queue">The most spans that wait; further ones are dropped.</param>
/// <param name="DelayMs">Milliseconds between exports.</param>
/// <param name="TimeoutMs">Milliseconds for an export.</param>
/// <param name="Size">The most spans of an export.</param>
public sealed record SpanBatch(int Queue, int DelayMs, int TimeoutMs, int Size);

/// <summary>The exporters of a signal; there are none with <c>OTEL_SDK_DISABLED</c>.</summary>
/// <param name="Otlp">The collector, or null without the exporter <c>otlp</c>.</param>
/// <param name="Console">Whether the exporter <c>console</c> is on.</param>
public sealed record SignalSettings(OtlpSettings? Otlp, bool Console)
{
    /// <summary>Whether anything is exported.</summary>
    public bool IsOn => Otlp is not null || Console;
}

/// <summary>How to reach a collector.</summary>
/// <param name="Endpoint">The address that is called, with its path. HTTP needs a path for each signal; gRPC has none.</param>
/// <param name="OverHttp">True for HTTP with protobuf, false for gRPC.</param>
/// <param name="Headers"><c>key=value</c>, separated by commas. A secret.</param>
/// <param name="Timeout">The time for one export.</param>
public sealed record OtlpSettings(Uri Endpoint, bool OverHttp, string? Headers, TimeSpan Timeout)
{
    /// <summary>Without the headers.</summary>
    public override string ToString() => Endpoint.GetLeftPart(UriPartial.Path);
}
