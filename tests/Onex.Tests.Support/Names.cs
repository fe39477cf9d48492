using System.Globalization;

namespace Onex.Tests.Support;

/// <summary>Names that no other test, and no earlier run, uses.</summary>
public static class Names
{
    private static int _count;

    /// <summary>A short name: the prefix, then lower case letters, digits and <c>_</c>.</summary>
    public static string Next(string prefix)
    {
        var run = Environment.ProcessId.ToString("x", CultureInfo.InvariantCulture);
        var second = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds().ToString("x", CultureInfo.InvariantCulture);
        return $"{prefix}_{second}_{run}_{Interlocked.Increment(ref _count)}";
    }
}
