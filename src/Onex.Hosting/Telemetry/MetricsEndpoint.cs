using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Onex.Hosting.Http;
using Onex.Hosting.Settings;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace Onex.Hosting.Telemetry;

/// <summary>
/// <c>GET /metrics</c>: Prometheus text, for the callers of the API. Counters begin at the first call, so that a process that nobody
/// scrapes pays nothing.
/// </summary>
internal sealed class MetricsEndpoint(RuntimeSettings settings) : IHttpEndpoints, IDisposable
{
    /// <summary>The path.</summary>
    public const string Path = "/metrics";

    private readonly Lock _lock = new();
    private readonly PrometheusExporter _exporter = new();
    private MeterProvider? _provider;

    public void Map(IEndpointRouteBuilder endpoints) => endpoints.MapGet(Path, AnswerAsync);

    public void Dispose() => _provider?.Dispose();

    private Task AnswerAsync(HttpContext http)
    {
        if (ApiAccess.Decide(settings.ApiTokens, CallFacts.From(http), ApiScope.Read) is AccessDecision.Denied denied)
        {
            return denied.ToProblem().WriteAsync(http);
        }

        http.Response.ContentType = PrometheusExporter.ContentType;
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.WriteAsync(Collect(), http.RequestAborted);
    }

    private string Collect()
    {
        lock (_lock)
        {
            if (_provider is null)
            {
                _provider = Sdk.CreateMeterProviderBuilder()
                    .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddAttributes(
                    [
                        new("onex.role", settings.Profile.ToString().ToLowerInvariant()),
                        new("service.version", OnexHost.Version),
                    ]))
                    .AddMeter(MetricSources.All)
                    .AddReader(new BaseExportingMetricReader(_exporter))
                    .Build();
            }

            _exporter.Collect!(Timeout.Infinite);
            return _exporter.Text;
        }
    }
}
