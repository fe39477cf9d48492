namespace Onex.Tests.Fault;

/// <summary>Whether tests run as long as they may, rather than as long as a continuous integration can wait: <c>ONEX_FAULT_FULL=true</c>.</summary>
internal static class FullForm
{
    public static bool IsWanted { get; } = string.Equals(Environment.GetEnvironmentVariable("ONEX_FAULT_FULL"), "true", StringComparison.OrdinalIgnoreCase);
}
