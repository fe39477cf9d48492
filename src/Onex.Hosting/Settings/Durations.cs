using System.Globalization;

namespace Onex.Hosting.Settings;

/// <summary>Durations as people write them: <c>500ms</c>, <c>15s</c>, <c>2m</c>, <c>1h</c>, <c>15d</c>, <c>00:00:15</c>.</summary>
public static class Durations
{
    private static readonly (string Unit, TimeSpan Length)[] _units =
    [
        ("ms", TimeSpan.FromMilliseconds(1)),
        ("s", TimeSpan.FromSeconds(1)),
        ("m", TimeSpan.FromMinutes(1)),
        ("h", TimeSpan.FromHours(1)),
        ("d", TimeSpan.FromDays(1)),
    ];

    /// <summary>Reads one. A number without a unit is none: nobody knows what it counts.</summary>
    public static bool TryParse(string text, out TimeSpan span)
    {
        foreach (var (unit, length) in _units)
        {
            if (text.EndsWith(unit, StringComparison.Ordinal)
                && double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var count)
                && count <= 1_000_000)
            {
                span = length * count;
                return true;
            }
        }

        span = default;
        return text.Contains(':', StringComparison.Ordinal) && TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out span) && span >= TimeSpan.Zero;
    }

    /// <summary>Writes one in the largest unit that leaves nothing over.</summary>
    public static string Format(TimeSpan span)
    {
        foreach (var (unit, length) in _units.Reverse())
        {
            if (span >= length && span.Ticks % length.Ticks == 0)
            {
                return $"{span.Ticks / length.Ticks}{unit}";
            }
        }

        return span.ToString("c", CultureInfo.InvariantCulture);
    }
}
