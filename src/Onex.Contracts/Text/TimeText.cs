using System.Globalization;

namespace Onex.Contracts.Text;

/// <summary>Formats times for people.</summary>
public static class TimeText
{
    /// <summary>In UTC, to the second: <c>2026-11-30 12:00:00Z</c>.</summary>
    public static string Format(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
