using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Onex.Hosting.Http;

namespace Onex.Hosting.Health;

/// <summary>The responses of <c>/health</c>, <c>/ready</c> and <c>/health/detailed</c>, all from memory.</summary>
internal sealed class HealthAnswers(RoleHealth role, HealthMonitor monitor, TimeProvider time, ILogger<HealthAnswers> logger)
{
    private const string NotInitialized = "Runtime not initialized";

    private static readonly string[] _methods = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>The version of the program.</summary>
    public static string Version { get; } =
        typeof(HealthAnswers).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Adds the endpoints: two for probes, open to all, and the details for authorized callers.</summary>
    public void Map(IEndpointRouteBuilder endpoints, IReadOnlyList<ApiToken> tokens)
    {
        endpoints.MapMethods("/health", _methods, http => AnswerAsync(http, Liveness()));
        endpoints.MapMethods("/ready", _methods, http => AnswerAsync(http, Readiness()));
        endpoints.MapMethods(
            "/health/detailed", _methods, http => ApiAccess.DecideDetails(tokens, CallFacts.From(http)) is AccessDecision.Denied denied
            ? denied.ToProblem().WriteAsync(http)
            : AnswerAsync(http, Detailed()));
    }

    /// <summary>Never unhealthy because of an external system, because a restart would not help.</summary>
    public HealthAnswer Liveness() => role.Initialized ? Alive() : Unwell(NotInitialized);

    /// <summary>Whether <c>/ready</c> answers 200.</summary>
    public bool IsReady => Missing().Count == 0;

    public HealthAnswer Readiness() => Missing() is { Count: > 0 } missing ? Unwell(string.Join("; ", missing)) : Alive();

    public HealthAnswer Detailed()
    {
        var answer = Readiness();
        return answer with
        {
            Details = Details(),
            Components = monitor.Snapshot().ToDictionary(
                component => component.Name,
                component => new ComponentAnswer(
                    Status(component),
                    component.NeededForReadiness,
                    component.Report.Latency is { } latency ? Math.Round(latency.TotalMilliseconds, 3) : null,
                    component.Report.Error)
                {
                    Note = component.Report.Note,
                },
                StringComparer.Ordinal),
        };
    }

    private List<string> Missing()
    {
        var missing = new List<string>();
        if (!role.Initialized)
        {
            missing.Add(NotInitialized);
        }

        if (role.Draining)
        {
            missing.Add("Runtime is draining");
        }

        missing.AddRange(monitor.Snapshot()
            .Where(component => component is { NeededForReadiness: true, Usable: false })
            .Select(component => $"{component.Name}: {component.Report.Error ?? "waiting for a second good probe"}"));
        return missing;
    }

    private HealthAnswer Alive()
    {
        var details = Details();
        return new HealthAnswer(details.Degraded ? "degraded" : "healthy", Version) { Details = details };
    }

    private HealthAnswer Unwell(string error) =>
        new("unhealthy", Version) { Error = error, CorrelationId = Guid.CreateVersion7(time.GetUtcNow()) };

    private HealthDetails Details()
    {
        var handlers = role.Handlers;
        var failed = handlers.Where(handler => handler.Value is not null).ToDictionary(
            handler => handler.Key, handler => handler.Value!, StringComparer.Ordinal);
        var running = role.Initialized && !role.Draining;
        return new HealthDetails(
            Healthy: failed.Count == 0,
            Degraded: failed.Count > 0,
            RuntimeActive: running,
            new HandlerAnswer(handlers.Count, handlers.Count - failed.Count, failed.Count > 0 ? [.. failed.Keys] : null),
            IsRunning: running,
            IsDraining: role.Draining,
            EventBusHealthy: monitor.Snapshot().Any(component => component is { Name: BusHealth.ComponentName, Usable: true }),
            RegisteredHandlers: [.. handlers.Keys],
            FailedHandlers: failed);
    }

    private static string Status(ComponentHealth component) => component switch
    {
        { Usable: false } => "unhealthy",
        { Report.State: ComponentState.Degraded } => "degraded",
        _ => "healthy",
    };

    private Task AnswerAsync(HttpContext http, HealthAnswer answer)
    {
        if (answer.CorrelationId is { } id)
        {
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            Log.Answered503(logger, http.Request.Path.Value, answer.Error, id);
        }

        // A cached response would hide a change.
        http.Response.Headers.CacheControl = "no-store";
        return http.Response.WriteAsJsonAsync(answer, HealthJson.Default.HealthAnswer);
    }
}

/// <summary>A response; members that are null are left out. With a correlation id it is a 503.</summary>
internal sealed record HealthAnswer(string Status, string Version)
{
    public string? Error { get; init; }

    public Guid? CorrelationId { get; init; }

    public HealthDetails? Details { get; init; }

    public IReadOnlyDictionary<string, ComponentAnswer>? Components { get; init; }
}

internal sealed record HealthDetails(
    bool Healthy, bool Degraded, bool RuntimeActive, HandlerAnswer Handlers, bool IsRunning, bool IsDraining, bool EventBusHealthy,
    IReadOnlyList<string> RegisteredHandlers, IReadOnlyDictionary<string, string> FailedHandlers);

internal sealed record HandlerAnswer(int Registered, int Active, IReadOnlyList<string>? Failed);

internal sealed record ComponentAnswer(string Status, bool NeededForReadiness, double? LatencyMs, string? Error)
{
    public string? Note { get; init; }
}

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthAnswer))]
internal sealed partial class HealthJson : JsonSerializerContext;
