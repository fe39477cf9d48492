namespace Onex.Tests.Fault;

/// <summary>Memory limits of several roles for the time of a test.</summary>
internal static class MemoryGroups
{
    /// <summary>Runs a test with a control group for each role. Skips the test if the process may not create them.</summary>
    /// <param name="limits">Bytes by role.</param>
    /// <param name="run">The test, with the group of each role.</param>
    public static async Task RunAsync(IReadOnlyDictionary<string, long> limits, Func<Dictionary<string, MemoryGroup>, Task> run)
    {
        var groups = limits.ToDictionary(limit => limit.Key, limit => MemoryGroup.TryCreate(Names.Next($"onex-{limit.Key}"), limit.Value));
        try
        {
            Assert.SkipWhen(
                groups.Values.Any(group => group is null),
                "Needs memory limits of the kernel (cgroups), which this user may not set here.");
            await run(groups!);
        }
        finally
        {
            foreach (var group in groups.Values)
            {
                group?.Dispose();
            }
        }
    }
}
