using System.Globalization;
using Jint.Runtime;

namespace Onex.Workers.Sandbox;

/// <summary>
/// The time of scripts. They can compute with dates, in UTC, but cannot read the clock: the same input must give the same result.
/// </summary>
internal sealed class NoClock : ITimeSystem
{
    private static readonly DefaultTimeSystem _parser = new(TimeZoneInfo.Utc, CultureInfo.InvariantCulture);

    public TimeZoneInfo DefaultTimeZone => TimeZoneInfo.Utc;

    public DateTimeOffset GetUtcNow() => throw NotDeterministic("Date.now");

    public TimeSpan GetUtcOffset(long epochMilliseconds) => TimeSpan.Zero;

    public bool TryParse(string date, out long epochMilliseconds) => _parser.TryParse(date, out epochMilliseconds);

    /// <summary>The exception for a script that uses something that differs from run to run. The script cannot catch it.</summary>
    public static Exception NotDeterministic(string feature) => SandboxCodes.Exception(
        SandboxCodes.ScriptFailed,
        $"a script has no {feature}, because the same input must give the same result: pass it as a part of 'input'");
}
