namespace Onex.Tests.Fault;

/// <summary>Memory limits of several roles for the time of a test.</summary>
internal static class MemoryGroups
{
    /// <summary>Runs a test with a control group for each role; skips it without the right to create them.</summary>
    /// <param name="limits">Bytes by role.</param>
    /// <param name="run">The test, with the group of each role.</param>
    public static async Task WithinAsync(IReadOnlyDictionary<string, long> limits, Func<Dictionary<string, MemoryGroup>, Task> run)
    {
        var groups = limits.ToDictionary(limit => limit.Key, limit => MemoryGroup.TryMake(Names.Next($"onex-{limit.Key}"), limit.Value));
        try
        {
            Assert.SkipWhen(
                groups.Values.Any(group => group is null),
                "Needs a memory limit of the kernel's (cgroup), which this user may not set here.");
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
