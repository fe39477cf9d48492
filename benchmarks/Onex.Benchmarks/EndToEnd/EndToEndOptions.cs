namespace Onex.Benchmarks.EndToEnd;

/// <summary>How much is measured.</summary>
/// <param name="Requests">Requests that count.</param>
/// <param name="Warmup">Requests before them, which do not.</param>
/// <param name="InFlight">Requests under way at once: the driver sends another when one is answered.</param>
/// <param name="Only">One of the two runs, or null for both.</param>
internal sealed record EndToEndOptions(int Requests, int Warmup, int InFlight, string? Only)
{
    public static EndToEndOptions Parse(string[] options)
    {
        string? Value(string name) => Array.IndexOf(options, name) is >= 0 and var at && at + 1 < options.Length ? options[at + 1] : null;
        int Number(string name, int otherwise) => int.TryParse(Value(name), out var number) ? number : otherwise;
        return new EndToEndOptions(
            Number("--requests", 10_000), Number("--warmup", 4_000), Number("--in-flight", 1_000), Value("--only"));
    }
}
