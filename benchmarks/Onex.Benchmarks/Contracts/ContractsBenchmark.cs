using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Engines;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Onex.Benchmarks.Contracts;

/// <summary>The contract language: the cost of a guard, and how long a thousand contracts take to compile.</summary>
internal static class ContractsBenchmark
{
    public static int Run()
    {
        BenchmarkRunner.Run<GuardBenchmark>(Configure(Job.Default.WithWarmupCount(3).WithIterationCount(8)));
        BenchmarkRunner.Run<CompilerBenchmark>(Configure(
            Job.Default.WithStrategy(RunStrategy.Monitoring).WithWarmupCount(2).WithIterationCount(5).WithInvocationCount(1)
                .WithUnrollFactor(1)));
        return 0;
    }

    // Runs in this process, because a generated project would not have the settings of this repository.
    private static ManualConfig Configure(Job job) => DefaultConfig.Instance
        .WithArtifactsPath(Path.Combine(Path.GetTempPath(), "onex-bench-artifacts"))
        .WithOptions(ConfigOptions.DisableLogFile)
        .AddJob(job.WithToolchain(InProcessEmitToolchain.Instance));
}
