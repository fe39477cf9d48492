namespace Onex.Benchmarks.EndToEnd;

/// <summary>What is measured, and how much of it.</summary>
/// <param name="Requests">Requests of the closed loop that count.</param>
/// <param name="Warmup">Requests before them, which do not.</param>
/// <param name="InFlight">Unanswered requests at once: the driver sends another when one is answered.</param>
/// <param name="Only">One of the two runs, or null for both.</param>
/// <param name="Against">A checkout or publish folder of another build to run in turn with this one, or null.</param>
/// <param name="Rounds">How often each build is measured.</param>
/// <param name="RateSeconds">Seconds of each fixed rate; 0 leaves the fixed rates out.</param>
internal sealed record EndToEndOptions(int Requests, int Warmup, int InFlight, string? Only, string? Against, int Rounds, int RateSeconds)
{
    public static EndToEndOptions Parse(string[] options)
    {
        string? Value(string name) => Array.IndexOf(options, name) is >= 0 and var at && at + 1 < options.Length ? options[at + 1] : null;
        int Number(string name, int otherwise) => int.TryParse(Value(name), out var number) ? number : otherwise;
        var against = Value("--against");
        return new EndToEndOptions(
            Number("--requests", 10_000),
            Number("--warmup", 4_000),
            Number("--in-flight", 1_000),
            Value("--only"),
            against,
            Number("--rounds", against is null ? 1 : 5),
            Number("--rate-seconds", 10));
    }
}
