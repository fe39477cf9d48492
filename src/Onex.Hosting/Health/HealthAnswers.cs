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
    private const string Runbook = "docs/operating.md#";

    private static readonly string[] _methods = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>The version of the program.</summary>
    public static string Version { get; } =
        typeof(HealthAnswers).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    /// <summary>Adds the endpoints: two for probes, which every caller may use, and the details, for authorized callers.</summary>
    public void Map(IEndpointRouteBuilder endpoints, IReadOnlyList<ApiToken> tokens)
    {
        endpoints.MapMethods("/health", _methods, http => AnswerAsync(http, Liveness()));
        endpoints.MapMethods("/ready", _methods, http => AnswerAsync(http, Readiness()));
        endpoints.MapMethods(
            "/health/detailed", _methods, http => ApiAccess.DecideDetails(tokens, CallFacts.From(http)) is AccessDecision.Denied denied
            ? denied.ToProblem().WriteAsync(http)
            : AnswerAsync(http, Detailed()));
    }

    /// <summary>
    /// Once the role has started, this does not depend on external systems: if one fails, a restart of the process would not help.
    /// </summary>
    public HealthAnswer Liveness() => role.Initialized ? Available() : Unavailable(DescribeStart(role.WaitsFor));

    /// <summary>Whether <c>/ready</c> answers 200.</summary>
    public bool IsReady => DescribeMissing().Count == 0;

    public HealthAnswer Readiness() => DescribeMissing() is { Count: > 0 } missing ? Unavailable(string.Join("; ", missing)) : Available();

    public HealthAnswer Detailed()
    {
        var components = monitor.Snapshot();
        return Readiness() with
        {
            Details = Details(components),
            Components = components.ToDictionary(component => component.Name, Answer, StringComparer.Ordinal),
            Handlers = role.Failures is { Count: > 0 } failures
                ? failures.ToDictionary(
                    failure => failure.Handler,
                    failure => new FailureAnswer(
                        "degraded", failure.Since, failure.Error, failure.Remedy?.Text,
                        failure.Remedy is { } remedy ? Runbook + remedy.Section : null),
                    StringComparer.Ordinal)
                : null,
        };
    }

    /// <summary>Says that the role is starting, and what it waits for.</summary>
    internal static string DescribeStart(string? waitsFor) =>
        waitsFor is null ? "Runtime not initialized" : $"Runtime not initialized: it waits for {waitsFor}";

    private static ComponentAnswer Answer(ComponentHealth component) => new(
        Text(component.State),
        component.Since,
        component.NeededForReadiness,
        component.Report.Latency is { } latency ? Math.Round(latency.TotalMilliseconds, 3) : null,
        component.Error)
    {
        Note = component.Report.Note,
        Remedy = component.Error is null ? null : component.Report.Remedy,
        Runbook = component.Error is null ? null : Section(component),
    };

    private static string Section(ComponentHealth component) => $"{Runbook}component-{component.Name}";

    private List<string> DescribeMissing()
    {
        var missing = new List<string>();
        if (!role.Initialized)
        {
            missing.Add(DescribeStart(role.WaitsFor));
        }

        if (role.Draining)
        {
            missing.Add("Runtime is draining");
        }

        missing.AddRange(monitor.Snapshot()
            .Where(component => component is { NeededForReadiness: true, Usable: false })
            .Select(component => $"{component.Name}: {component.Error} ({Section(component)})"));
        return missing;
    }

    private HealthAnswer Available()
    {
        var details = Details(monitor.Snapshot());
        return new HealthAnswer(details.Degraded ? "degraded" : "healthy", Version) { Details = details };
    }

    private HealthAnswer Unavailable(string error) =>
        new("unhealthy", Version) { Error = error, CorrelationId = Guid.CreateVersion7(time.GetUtcNow()) };

    private HealthDetails Details(IReadOnlyList<ComponentHealth> components)
    {
        var handlers = role.Handlers;
        var failedHandlers = handlers.Where(handler => handler.Value is not null).ToDictionary(
            handler => handler.Key, handler => handler.Value!, StringComparer.Ordinal);
        var isRunning = role.Initialized && !role.Draining;

        // While the role stops, its components stop too, which is no failure.
        var failedComponents = role.Draining
            ? []
            : components.Where(component => component.Error is not null).ToDictionary(
                component => component.Name, component => component.Error!, StringComparer.Ordinal);
        var isDegraded = failedHandlers.Count > 0 || failedComponents.Count > 0;
        return new HealthDetails(
            Healthy: !isDegraded,
            Degraded: isDegraded,
            RuntimeActive: isRunning,
            new HandlerAnswer(
                handlers.Count, handlers.Count - failedHandlers.Count, failedHandlers.Count > 0 ? [.. failedHandlers.Keys] : null),
            IsRunning: isRunning,
            IsDraining: role.Draining,
            EventBusHealthy: components.Any(component => component is { Name: BusHealth.ComponentName, Usable: true }),
            RegisteredHandlers: [.. handlers.Keys],
            FailedHandlers: failedHandlers)
        {
            FailedComponents = failedComponents.Count > 0 ? failedComponents : null,
        };
    }

    private static string Text(ComponentState state) => state.ToString().ToLowerInvariant();

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

    /// <summary>By the name of the handler; see <see cref="RoleHealth"/>.</summary>
    public IReadOnlyDictionary<string, FailureAnswer>? Handlers { get; init; }
}

internal sealed record HealthDetails(
    bool Healthy, bool Degraded, bool RuntimeActive, HandlerAnswer Handlers, bool IsRunning, bool IsDraining, bool EventBusHealthy,
    IReadOnlyList<string> RegisteredHandlers, IReadOnlyDictionary<string, string> FailedHandlers)
{
    public IReadOnlyDictionary<string, string>? FailedComponents { get; init; }
}

internal sealed record HandlerAnswer(int Registered, int Active, IReadOnlyList<string>? Failed);

internal sealed record ComponentAnswer(
    string Status, DateTimeOffset? Since, bool NeededForReadiness, double? LatencyMs, string? Error)
{
    public string? Note { get; init; }

    public string? Remedy { get; init; }

    public string? Runbook { get; init; }
}

internal sealed record FailureAnswer(string Status, DateTimeOffset Since, string Error, string? Remedy, string? Runbook);

[JsonSourceGenerationOptions(
    JsonSerializerDefaults.Web,
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthAnswer))]
internal sealed partial class HealthJson : JsonSerializerContext;
