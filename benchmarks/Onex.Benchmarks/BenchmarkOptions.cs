using System.Globalization;

namespace Onex.Benchmarks;

/// <summary>Reads options such as <c>--rounds 5</c>.</summary>
internal static class BenchmarkOptions
{
    /// <summary>The word after an option, or null without the option.</summary>
    public static string? Text(string[] options, string name)
    {
        var index = Array.IndexOf(options, name);
        return index >= 0 && index + 1 < options.Length ? options[index + 1] : null;
    }

    /// <summary>The number after an option, or the fallback without the option.</summary>
    public static int Number(string[] options, string name, int fallback) =>
        Text(options, name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : fallback;
}
