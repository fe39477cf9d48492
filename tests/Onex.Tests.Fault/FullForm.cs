namespace Onex.Tests.Fault;

/// <summary>
/// Whether tests run in their full length rather than in the short form of the CI: <c>ONEX_FAULT_FULL=true</c>, and
/// <c>ONEX_FAULT_SECONDS</c> for another length than ten minutes.
/// </summary>
internal static class FullForm
{
    public static TimeSpan Whole { get; } = TimeSpan.FromMinutes(10);

    public static TimeSpan Length { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("ONEX_FAULT_SECONDS"), out var seconds) ? TimeSpan.FromSeconds(seconds) : Whole;

    public static bool IsWanted { get; } = string.Equals(
        Environment.GetEnvironmentVariable("ONEX_FAULT_FULL"), "true", StringComparison.OrdinalIgnoreCase);
}
