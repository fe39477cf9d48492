using System.Text;

namespace Onex.Tests.Fault;

/// <summary>
/// Backlogs of large, permitted requests, at the memory that docker/docker-compose.runtime.yml gives each role, and of many small ones,
/// with half of that for effects. The full form, with <c>ONEX_FAULT_FULL=true</c>, has values of 1 KB to 900 KB, before and after the start
/// of the roles; <c>ONEX_FAULT_BACKLOG</c> sets the number of small requests (2,000).
/// </summary>
public sealed class MemoryBoundTests(ITestOutputHelper output) : IDisposable
{
    private const long MiB = 1 << 20;

    // As a share of the container's limit.
    private const double PeakMax = 0.85;

    private static readonly int _smallRequests =
        int.TryParse(Environment.GetEnvironmentVariable("ONEX_FAULT_BACKLOG"), out var requests) ? requests : 2_000;

    private static readonly Dictionary<string, long> _limits = new()
    {
        ["main"] = 512 * MiB,
        ["effects"] = 512 * MiB,
        ["workers"] = 256 * MiB,
    };

    // The number and size of the requests, and whether the roles start only after they were sent.
    private static readonly (int Requests, int Bytes, bool IsCold)[] _backlogs = LongRun.IsEnabled
        ? [.. new[] { true, false }.SelectMany(
            isCold => new[] { (1_000, 1_000, isCold), (600, 10_000, isCold), (300, 100_000, isCold), (60, 900_000, isCold) })]
        : [(20, 100_000, true), (4, 900_000, true)];

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public Task Roles_with_bounded_memory_answer_a_backlog_of_large_requests() =>
        MemoryGroups.RunAsync(_limits, groups => RunAsync(groups, _limits, _backlogs, PeakMax));

    [Fact]
    public Task Roles_with_less_memory_answer_many_small_requests_that_waited_for_their_start()
    {
        var limits = new Dictionary<string, long>(_limits) { ["effects"] = 256 * MiB };

        // Under load the garbage collector uses all memory of the group, so the test only requires that the kernel kills no role.
        return MemoryGroups.RunAsync(
            limits, groups => RunAsync(groups, limits, [(_smallRequests, 1_000, true)], peakMax: double.PositiveInfinity));
    }

    private async Task RunAsync(
        Dictionary<string, MemoryGroup> groups,
        Dictionary<string, long> limits,
        (int Requests, int Bytes, bool IsCold)[] backlogs,
        double peakMax)
    {
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "connections"));
        await File.WriteAllTextAsync(
            Path.Combine(_directory.FullName, "connections", "outside.yaml"),
            "connections: { orders: { type: http, url: \"http://127.0.0.1:9\" } }\n");
        await File.WriteAllTextAsync(
            Path.Combine(_directory.FullName, "bulk.yaml"),
            """
            contract: bulk
            version: 1.0.0
            input: { type: object, required: [order, rows], properties: { order: { type: string }, rows: { type: array } } }
            output: { type: object, required: [order], properties: { order: { type: string } } }
            data: { rows: any }
            initial: computing
            states:
              computing:
                steps:
                  - id: same
                    compute: transform
                    with: { values: { rows: "${input.rows}" } }
                    save: { rows: result.rows }
                next: confirming
              confirming:
                pivot: true
                steps:
                  - id: confirm
                    effect: http.post
                    connection: orders
                    with: { path: /confirmations, body: { order: "${input.order}", rows: "${data.rows}" } }
                next: done
              done: { end: completed, output: { order: "${input.order}" } }
            """);
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", _directory.FullName);
        var running = new Dictionary<string, OnexProcess>();
        await StartAsync(stack, running, groups);

        var sent = new List<string>();
        foreach (var (requests, bytes, isCold) in backlogs)
        {
            if (isCold)
            {
                await KillAsync(running);
            }

            var rows = $"[{string.Join(',', Enumerable.Repeat("""{"sku":"tea","quantity":2,"price":12.5}""", bytes / 40))}]";
            var backlog = Enumerable.Range(0, requests).Select(_ => OnexStack.NewId()).ToList();
            sent.AddRange(backlog);
            await Task.WhenAll(backlog.Select(id => stack.Writer.SendAsync(
                stack.Topic("requests"),
                Encoding.UTF8.GetBytes(
                    $"{{\"operation\":\"bulk\",\"correlation_id\":\"{id}\",\"payload\":{{\"order\":\"{id}\",\"rows\":{rows}}}}}"))));
            if (isCold)
            {
                await StartAsync(stack, running, groups);
            }

            var took = await Eventually.Async(
                () => backlog.TrueForAll(id => stack.Responses.For(id).Count > 0) || running.Values.Any(process => !process.IsRunning),
                TimeSpan.FromSeconds(300 + (requests / 100)),
                () => $"{backlog.Count(id => stack.Responses.For(id).Count > 0)} of {requests} requests of {bytes} bytes were answered");
            Assert.All(running.Values, process => Assert.True(process.IsRunning, $"{process.Name} has ended"));
            output.WriteLine(
                $"{requests} requests of {bytes} bytes, {(isCold ? "cold" : "warm")}: {took.TotalSeconds:0.0} s; peak " + string.Join(
                ", ", running.Select(role => $"{role.Key} {role.Value.PeakBytes / MiB} of {limits[role.Key] / MiB} MiB")));
            Assert.All(running, role => Assert.InRange((double)role.Value.PeakBytes, 1, peakMax * limits[role.Key]));
        }

        stack.AssertOneResponseEach(sent);
        Assert.All(sent, id => Assert.Equal("success", stack.Responses.For(id)[0].Field("status")));
        Assert.Equal(0L, await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.dead_letters"));
        Assert.Empty(stack.Services.KeyViolations());
        await Task.WhenAll(running.Values.Select(role => role.ReadyAsync()));
        await KillAsync(running);
    }

    private static async Task StartAsync(OnexStack stack, Dictionary<string, OnexProcess> running, Dictionary<string, MemoryGroup> groups)
    {
        foreach (var role in _limits.Keys)
        {
            running[role] = stack.Start(role, memory: groups[role]);
            if (running.Count == 1)
            {
                await running[role].ReadyAsync();
            }
        }
    }

    private static Task KillAsync(Dictionary<string, OnexProcess> running) =>
        Task.WhenAll(running.Values.Select(process => process.KillAsync()));
}
