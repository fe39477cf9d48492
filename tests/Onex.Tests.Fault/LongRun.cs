namespace Onex.Tests.Fault;

/// <summary>
/// The long run of the fault tests; the CI has a short one. <c>ONEX_FAULT_FULL=true</c> enables it, and <c>ONEX_FAULT_SECONDS</c> sets the
/// length of <see cref="AcceptanceTests"/> in it, in seconds (600).
/// </summary>
internal static class LongRun
{
    public static TimeSpan DefaultLength { get; } = TimeSpan.FromMinutes(10);

    public static TimeSpan Length { get; } = int.TryParse(Environment.GetEnvironmentVariable("ONEX_FAULT_SECONDS"), out var seconds)
        ? TimeSpan.FromSeconds(seconds) : DefaultLength;

    public static bool IsEnabled { get; } = string.Equals(
        Environment.GetEnvironmentVariable("ONEX_FAULT_FULL"), "true", StringComparison.OrdinalIgnoreCase);
}
