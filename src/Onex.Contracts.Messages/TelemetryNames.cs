namespace Onex.Contracts.Messages;

/// <summary>Names under which Onex records telemetry.</summary>
public static class TelemetryNames
{
    /// <summary>The source of spans and the meter of metrics.</summary>
    public const string Source = "Onex";
}
