using System.Globalization;
using Jint.Runtime;

namespace Onex.Workers.Sandbox;

/// <summary>
/// The time of scripts: dates are computed in UTC, but there is no present, because a compute gives one result for one input.
/// </summary>
internal sealed class NoClock : ITimeSystem
{
    private static readonly DefaultTimeSystem _parser = new(TimeZoneInfo.Utc, CultureInfo.InvariantCulture);

    public TimeZoneInfo DefaultTimeZone => TimeZoneInfo.Utc;

    public DateTimeOffset GetUtcNow() => throw NotPure("Date.now");

    public TimeSpan GetUtcOffset(long epochMilliseconds) => TimeSpan.Zero;

    public bool TryParse(string date, out long epochMilliseconds) => _parser.TryParse(date, out epochMilliseconds);

    /// <summary>A script uses something that is different each time. It cannot catch this.</summary>
    public static Exception NotPure(string what) => SandboxCodes.Exception(
        SandboxCodes.ScriptFailed,
        $"a script has no {what}, because the same input must give the same result: pass it as a part of 'input'");
}
