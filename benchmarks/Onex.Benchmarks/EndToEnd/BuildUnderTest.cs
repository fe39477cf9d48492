using Onex.Tests.Support;

namespace Onex.Benchmarks.EndToEnd;

/// <summary>A build of Onex that is measured.</summary>
/// <param name="Name">What the tables call it.</param>
/// <param name="Assembly">Its <c>onex.dll</c>.</param>
internal sealed record BuildUnderTest(string Name, string Assembly)
{
    /// <summary>The build of this checkout.</summary>
    public static BuildUnderTest Present { get; } = new("this", Repository.OnexAssembly);

    /// <summary>The share of traces that its processes record, or null for no telemetry.</summary>
    public double? Traces { get; init; }

    /// <summary>How many orchestrators share the work.</summary>
    public int Orchestrators { get; init; } = 1;

    /// <summary>The build without telemetry, with one trace in a hundred, and with all of them.</summary>
    public static IReadOnlyList<BuildUnderTest> WithTelemetry(BuildUnderTest build) =>
    [
        build with { Name = "off" }, build with { Name = "1 %", Traces = 0.01 }, build with { Name = "100 %", Traces = 1 },
    ];

    /// <summary>The build with as many orchestrators, and with one.</summary>
    public static IReadOnlyList<BuildUnderTest> WithOrchestrators(BuildUnderTest build, int count) =>
        [build with { Name = $"{count} orchestrators", Orchestrators = count }, build with { Name = "1 orchestrator" }];

    /// <summary>The build in a publish folder, or the release build of a checkout.</summary>
    /// <exception cref="FileNotFoundException">There is none.</exception>
    public static BuildUnderTest Find(string folder)
    {
        string[] places =
        [
            Path.Combine(folder, "onex.dll"),
            Path.Combine(folder, "artifacts", "bin", "Onex.Runtime", "release", "onex.dll"),
        ];
        return places.FirstOrDefault(File.Exists) is { } assembly
            ? new BuildUnderTest(Path.GetFileName(Path.GetFullPath(folder).TrimEnd('/')), Path.GetFullPath(assembly))
            : throw new FileNotFoundException(
                $"There is no onex.dll in {string.Join(" and ", places)}. In the checkout, run: dotnet build -c Release src/Onex.Runtime");
    }
}
