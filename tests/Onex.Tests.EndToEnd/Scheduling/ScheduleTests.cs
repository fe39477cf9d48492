using System.Globalization;

namespace Onex.Tests.EndToEnd.Scheduling;

/// <summary>Scheduled sagas, in separate processes.</summary>
public sealed class ScheduleTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Two_orchestrators_start_one_saga_per_scheduled_time()
    {
        Write("beat", "schedule: { every: 1s, overlap: allow }", "steps: [{ wait: 1500ms }]");
        await using var stack = await StackAsync();
        await stack.StartReadyAsync("main", "main");

        var times = await StartedAsync(stack, "beat", atLeast: 8);

        Assert.Equal(times.Distinct(), times);
        Assert.Equal(Enumerable.Range(0, times.Count).Select(number => times[0].AddSeconds(number)), times);
        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas WHERE status = 'completed'") >= 8,
            TimeSpan.FromMinutes(1),
            () => "the sagas have not completed");
        Assert.Empty(stack.Responses.Records);
        stack.AssertNoLoggedErrors();
    }

    [Fact]
    public async Task Starts_that_a_killed_orchestrator_did_not_record_are_not_repeated()
    {
        Write("beat", "schedule: { every: 1s, overlap: allow }", "steps: [{ wait: 1500ms }]");
        await using var stack = await StackAsync();
        var first = (await stack.StartReadyAsync("main"))[0];
        await StartedAsync(stack, "beat", atLeast: 3);
        await first.KillAsync();
        await stack.Database.ExecuteAsync("UPDATE onex.schedules SET last_due_at = last_due_at - interval '3 seconds'");
        await stack.StartReadyAsync("main");

        var times = await StartedAsync(stack, "beat", atLeast: 12);

        // No start is repeated, and none is lost while no orchestrator runs, because each is late by less than a minute.
        Assert.Equal(Enumerable.Range(0, times.Count).Select(number => times[0].AddSeconds(number)), times);
    }

    [Fact]
    public async Task Only_the_last_missed_time_starts_a_saga_and_none_does_with_skip()
    {
        Write("latest", "schedule: { every: 1h }", "steps: [{ wait: 1ms }]");
        Write("skipping", "schedule: { every: 1h, missed: skip }", "steps: [{ wait: 1ms }]");
        await using var stack = await StackAsync();
        var first = (await stack.StartReadyAsync("main"))[0];
        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>(
                "SELECT count(*) FROM onex.schedules") == 2, TimeSpan.FromMinutes(1), () => "the schedules have not begun");
        Assert.Equal(0, await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas"));
        using var http = new HttpClient();
        var listed = await http.GetStringAsync(new Uri($"http://127.0.0.1:{first.HttpPort}/api/v1/contracts"));
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Count(listed, "\"schedule\":\"every 1h\",\"next_at\":\""));
        await first.KillAsync();
        await stack.Database.ExecuteAsync("UPDATE onex.schedules SET last_due_at = last_due_at - interval '10 hours 30 minutes'");
        var lastMissed = await stack.Database.QueryAsync(
            "SELECT last_due_at + interval '10 hours' FROM onex.schedules WHERE contract = 'latest'");

        await stack.StartReadyAsync("main");
        var times = await StartedAsync(stack, "latest", atLeast: 1);
        await Eventually.Async(
            async () => (await stack.Database.QueryAsync("SELECT last_due_at FROM onex.schedules")).Distinct().SequenceEqual(lastMissed),
            TimeSpan.FromMinutes(1),
            () => "the schedules have not advanced");

        Assert.Single(times);
        Assert.Equal(lastMissed, await stack.Database.QueryAsync("SELECT replace(source, 'schedule:', '')::timestamptz FROM onex.sagas"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("key: '\"nightly\"'\non_duplicate: join\n")]
    public async Task No_saga_starts_while_the_saga_of_an_earlier_time_is_live(string key)
    {
        Write(
            "long",
            $"{key}events: {{ enough: {{ }} }}\nschedule: {{ every: 1s }}",
            "on_event: [{ event: enough, next: done }]",
            next: false);
        await using var stack = await StackAsync();
        await stack.StartReadyAsync("main", "main");
        await StartedAsync(stack, "long", atLeast: 1);
        var hasAdvanced = "SELECT max(last_due_at) - min(s.started_at) > interval '4 seconds' FROM onex.schedules, onex.sagas s";
        await Eventually.Async(
            () => stack.Database.ScalarAsync<bool>(hasAdvanced), TimeSpan.FromMinutes(1), () => "the schedule has not advanced");
        Assert.Equal(["1|"], await stack.Database.QueryAsync("SELECT count(*), string_agg(waiters::text, '') FROM onex.sagas"));

        await stack.EventAsync("long.enough", key.Length == 0 ? "schedule" : "nightly", []);

        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>(
                "SELECT count(*) FROM onex.sagas") == 2, TimeSpan.FromMinutes(1), () => "no other saga has started");
        Assert.Contains(
            stack.Processes.SelectMany(process => process.Output), line => line.Contains("starts nothing for", StringComparison.Ordinal));
        stack.AssertNoLoggedErrors();
    }

    private static async Task<IReadOnlyList<DateTimeOffset>> StartedAsync(OnexStack stack, string contract, int atLeast)
    {
        IReadOnlyList<string> sources = [];
        await Eventually.Async(
            async () =>
            {
                sources = await stack.Database.QueryAsync($"SELECT source FROM onex.sagas WHERE contract = '{contract}' ORDER BY source");
                return sources.Count >= atLeast;
            },
            TimeSpan.FromSeconds(60),
            () => $"{sources.Count} sagas have started");
        return [.. sources.Select(source => DateTimeOffset.Parse(source["schedule:".Length..], CultureInfo.InvariantCulture))];
    }

    private async Task<OnexStack> StackAsync()
    {
        var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", _directory.FullName);
        return stack;
    }

    private void Write(string name, string head, string working, bool next = true) => File.WriteAllText(
        Path.Combine(_directory.FullName, $"{name}.yaml"),
        $$"""
        contract: {{name}}
        version: 1.0.0
        input: {}
        {{head}}
        initial: working
        states:
          working:
            {{working}}
            {{(next ? "next: done" : "")}}
          done: { end: completed }
        """);
}
