using Microsoft.Extensions.Logging;

namespace Onex.Hosting;

/// <summary>The log lines of the parts that all roles share. Ids from 6000; docs/logs.md is made from them.</summary>
internal static partial class Log
{
    /// <summary>The process starts, with these settings.</summary>
    [LoggerMessage(
        6001, LogLevel.Information,
        "onex {Version}: profile {Profile}, store {Store}, broker {Broker}, contracts {Contracts}, http://{Address}:{Port}, "
        + "environment {Environment}")]
    public static partial void Starting(
        ILogger logger, string version, string profile, string store, string broker, string contracts, string address, int port,
        string environment);

    /// <summary>The process received a stop signal. Work in flight has the grace period (shutdown.grace_period_seconds).</summary>
    [LoggerMessage(6002, LogLevel.Information, "Stopping: completing work in flight.")]
    public static partial void Stopping(ILogger logger);

    /// <summary>The process received a stop signal before the role had started.</summary>
    [LoggerMessage(6003, LogLevel.Debug, "Stopped during the start.")]
    public static partial void StoppedDuringStart(ILogger logger, Exception? exception);

    /// <summary>The process exits with code 1. Uncommitted work is repeated after a start.</summary>
    [LoggerMessage(6004, LogLevel.Critical, "The role has crashed.")]
    public static partial void Crashed(ILogger logger, Exception? exception);

    /// <summary>All services of the role run.</summary>
    [LoggerMessage(6005, LogLevel.Information, "The role has started.")]
    public static partial void Started(ILogger logger);

    /// <summary>Raise shutdown.grace_period_seconds if this happens often.</summary>
    [LoggerMessage(
        6006, LogLevel.Warning,
        "{Service} did not stop within the grace period; uncommitted work is repeated after a start.")]
    public static partial void StoppedTooLate(ILogger logger, string service);

    /// <summary>The other services are stopped nevertheless.</summary>
    [LoggerMessage(6007, LogLevel.Error, "{Service} failed to stop.")]
    public static partial void StopFailed(ILogger logger, string service, Exception? exception);

    /// <summary>An external system that the start waited for is reachable.</summary>
    [LoggerMessage(6008, LogLevel.Information, "{Bootstrap}: reached.")]
    public static partial void BootstrapReached(ILogger logger, string bootstrap);

    /// <summary>An external system that the role needs is not reachable. The role is not ready until it is.</summary>
    [LoggerMessage(6009, LogLevel.Warning, "{Bootstrap}: {Error} The start waits for it.")]
    public static partial void BootstrapWaits(ILogger logger, string bootstrap, string error);

    /// <summary>A component has become unusable. /health/detailed has the details.</summary>
    [LoggerMessage(6010, LogLevel.Warning, "{Component} is unavailable: {Error}")]
    public static partial void ComponentLost(ILogger logger, string component, string? error);

    /// <summary>A component that was lost is usable again.</summary>
    [LoggerMessage(6011, LogLevel.Information, "{Component} is available again.")]
    public static partial void ComponentWorksAgain(ILogger logger, string component);

    /// <summary>A health call was answered with 503, because the process is not healthy or not ready.</summary>
    [LoggerMessage(6012, LogLevel.Debug, "{Path} returned 503: {Error} (correlation id {CorrelationId})")]
    public static partial void Answered503(ILogger logger, string? path, string? error, Guid correlationId);

    /// <summary>The process is registered in Consul (ONEX_CONSUL_REGISTER).</summary>
    [LoggerMessage(6013, LogLevel.Information, "Registered in Consul as {Id} at {Host}:{Port}.")]
    public static partial void Registered(ILogger logger, string id, string host, int port);

    /// <summary>The agent had lost the registration: it was restarted, or the role was not ready for more than a minute.</summary>
    [LoggerMessage(6014, LogLevel.Information, "Registered in Consul again as {Id}: the agent did not have it any more.")]
    public static partial void RegisteredAgain(ILogger logger, string id);

    /// <summary>Set ONEX_HTTP_BIND or ONEX_ADVERTISE_ADDRESS, unless the agent and all callers are on this host.</summary>
    [LoggerMessage(
        6015, LogLevel.Warning,
        "HTTP listens on {Bind} only: an agent of Consul on another host cannot check this process, and nobody there can call it.")]
    public static partial void RegisteredLoopback(ILogger logger, string bind);

    /// <summary>The role works, but is degraded. Registration is repeated until it succeeds.</summary>
    [LoggerMessage(6016, LogLevel.Warning, "{Id} cannot be registered in Consul: {Error} It is tried every few seconds.")]
    public static partial void RegistrationFailed(ILogger logger, string id, string error);

    /// <summary>Consul is reachable again, and has the registration.</summary>
    [LoggerMessage(6017, LogLevel.Information, "Consul at {Address} is reachable again, and has the registration.")]
    public static partial void ConsulReached(ILogger logger, string address);

    /// <summary>The process stops, and has left Consul.</summary>
    [LoggerMessage(6018, LogLevel.Information, "Removed {Id} from Consul.")]
    public static partial void Deregistered(ILogger logger, string id);

    /// <summary>The process stops. Consul removes it when its check has failed for a minute.</summary>
    [LoggerMessage(6019, LogLevel.Warning, "{Id} cannot be removed from Consul: {Error} Consul removes it after {Time}.")]
    public static partial void DeregistrationFailed(ILogger logger, string id, string time, string error);

    /// <summary>
    /// Telemetry is dropped until the collector answers; nothing else is affected. Check OTEL_EXPORTER_OTLP_ENDPOINT, its protocol (gRPC
    /// mostly on port 4317, HTTP on 4318) and its headers, or set OTEL_SDK_DISABLED=true. Logged once per outage.
    /// </summary>
    [LoggerMessage(6020, LogLevel.Warning, "Telemetry cannot be exported, and is dropped: {Error}")]
    public static partial void ExportFailed(ILogger logger, string error);
}
