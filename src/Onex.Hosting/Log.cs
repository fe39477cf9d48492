using Microsoft.Extensions.Logging;

namespace Onex.Hosting;

/// <summary>The log lines of what every role shares. Ids from 6000; docs/logs.md is made from them.</summary>
internal static partial class Log
{
    /// <summary>The process starts, with these settings.</summary>
    [LoggerMessage(
        6001, LogLevel.Information,
        "onex {Version}: profile {Profile}, store {Store}, broker {Broker}, contracts {Contracts}, http://{Address}:{Port}")]
    public static partial void Starting(
        ILogger logger, string version, string profile, string store, string broker, string contracts, string address, int port);

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
}
