namespace Onex.Benchmarks.EndToEnd;

/// <summary>What is measured, and how much of it.</summary>
/// <param name="Requests">Requests of the closed loop that count.</param>
/// <param name="Warmup">Requests before those, to warm up.</param>
/// <param name="InFlight">Unanswered requests at once: the driver sends another when one is answered.</param>
/// <param name="Only">One of the two runs, or null for both.</param>
/// <param name="Build">The checkout or publish folder of the build to measure, or null for the release build of this checkout.</param>
/// <param name="Against">Checkouts or publish folders of other builds to run in turn with it, separated by commas.</param>
/// <param name="Telemetry">Whether the build runs without telemetry, with 1 % and with 100 % of the traces, in turn.</param>
/// <param name="Orchestrators">How many orchestrators share the work, in turn with one alone; 1 for only one.</param>
/// <param name="Rounds">How often each build is measured.</param>
/// <param name="RateSeconds">Seconds of each fixed rate; 0 leaves the fixed rates out.</param>
internal sealed record EndToEndOptions(
    int Requests, int Warmup, int InFlight, string? Only, string? Build, IReadOnlyList<string> Against, bool Telemetry, int Orchestrators,
    int Rounds, int RateSeconds)
{
    public static EndToEndOptions Parse(string[] options)
    {
        int Number(string name, int fallback) => BenchmarkOptions.Number(options, name, fallback);
        var against = (BenchmarkOptions.Text(options, "--against") ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries);
        var telemetry = options.Contains("--telemetry");
        var orchestrators = Number("--orchestrators", 1);
        return new EndToEndOptions(
            Number("--requests", 10_000),
            Number("--warmup", 20_000),
            Number("--in-flight", 1_000),
            BenchmarkOptions.Text(options, "--only"),
            BenchmarkOptions.Text(options, "--build"),
            against,
            telemetry,
            orchestrators,
            Number("--rounds", against.Length == 0 && !telemetry && orchestrators == 1 ? 1 : 5),
            Number("--rate-seconds", 10));
    }
}
