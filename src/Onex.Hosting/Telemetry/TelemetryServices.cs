using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Onex.Contracts.Messages;
using Onex.Hosting.Settings;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Logs;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Onex.Hosting.Telemetry;

/// <summary>
/// Registers what records and exports traces, metrics and logs, as the settings say. A signal without exporter is not recorded.
/// </summary>
internal static class TelemetryServices
{
    // The driver of the database makes its own spans. Those of HTTP clients come from the instrumentation, which redacts query strings.
    private const string Npgsql = "Npgsql";

    // Probes and Prometheus call these all the time, and each call would be a trace.
    private static readonly string[] _untraced = ["/health", "/ready", "/metrics"];

    public static WebApplicationBuilder AddOnexTelemetry(this WebApplicationBuilder builder, RuntimeSettings settings)
    {
        var telemetry = settings.Telemetry;
        if (telemetry is { Traces.IsOn: false, Metrics.IsOn: false, Logs.IsOn: false })
        {
            return builder;
        }

        // The SDK reads its variables from this configuration, and the empty builder reads no environment variables into it.
        builder.Configuration.AddInMemoryCollection(telemetry.Variables);
        builder.Services.AddHostedService<ExportFailures>();
        var provider = builder.Services.AddOpenTelemetry().ConfigureResource(resource => Describe(resource, settings));
        if (telemetry.Traces.IsOn)
        {
            Tracing.Keys = telemetry.Keys;
            provider.WithTracing(traces => Trace(traces, telemetry.Traces, telemetry.Batch));
        }

        if (telemetry.Metrics.IsOn)
        {
            provider.WithMetrics(metrics => Measure(metrics, telemetry.Metrics));
        }

        if (telemetry.Logs.IsOn)
        {
            builder.Services.Configure<OpenTelemetryLoggerOptions>(options =>
            {
                options.IncludeFormattedMessage = true;
                options.IncludeScopes = true;
            });
            provider.WithLogging(logs => Log(logs, telemetry.Logs));
        }

        return builder;
    }

    private static void Describe(ResourceBuilder resource, RuntimeSettings settings) => resource
        .AddService(
            settings.Telemetry.ServiceName, serviceVersion: OnexHost.Version, autoGenerateServiceInstanceId: true)
        .AddAttributes([new("onex.role", settings.Profile.ToString().ToLowerInvariant())])
        .AddEnvironmentVariableDetector();

    private static void Trace(TracerProviderBuilder traces, SignalSettings signal, SpanBatch batch)
    {
        traces.AddSource(Tracing.Source.Name, Npgsql)
            .AddHttpClientInstrumentation()
            .AddAspNetCoreInstrumentation(web => web.Filter = call => !_untraced.Contains(call.Request.Path.Value));
        traces.AddProcessor(_ => new ParentFirstProcessor([.. Exporters(signal, batch)]));
    }

    private static IEnumerable<BaseProcessor<Activity>> Exporters(SignalSettings signal, SpanBatch batch)
    {
        if (signal.Otlp is { } collector)
        {
            var options = new OtlpExporterOptions();
            Configure(options, collector);
            yield return new BatchActivityExportProcessor(
                new OtlpTraceExporter(options), batch.Queue, batch.DelayMs, batch.TimeoutMs, batch.Size);
        }

        if (signal.Console)
        {
            yield return new SimpleActivityExportProcessor(new ConsoleActivityExporter(new ConsoleExporterOptions()));
        }
    }

    private static void Measure(MeterProviderBuilder metrics, SignalSettings signal)
    {
        metrics.AddMeter(MetricSources.All);
        if (signal.Otlp is { } collector)
        {
            metrics.AddOtlpExporter(options => Configure(options, collector));
        }

        if (signal.Console)
        {
            metrics.AddConsoleExporter();
        }
    }

    private static void Log(LoggerProviderBuilder logs, SignalSettings signal)
    {
        if (signal.Otlp is { } collector)
        {
            logs.AddOtlpExporter(options => Configure(options, collector));
        }

        if (signal.Console)
        {
            logs.AddConsoleExporter();
        }
    }

    private static void Configure(OtlpExporterOptions options, OtlpSettings collector)
    {
        options.Endpoint = collector.Endpoint;
        options.Protocol = collector.OverHttp ? OtlpExportProtocol.HttpProtobuf : OtlpExportProtocol.Grpc;
        options.Headers = collector.Headers;
        options.TimeoutMilliseconds = (int)collector.Timeout.TotalMilliseconds;
    }
}
