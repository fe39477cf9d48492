namespace Onex.Tests.EndToEnd.Events;

/// <summary>Sagas that wait while the orchestrator is killed and started again.</summary>
public sealed class WaitingTests
{
    private static string Contract(string name, string timeout) => $$"""
        contract: {{name}}
        version: 1.0.0
        description: Waits for an approval, or for time.
        input: { type: object, required: [id], properties: { id: { type: string } } }
        key: input.id
        events:
          approve: { data: { by: string }, early: 5m }
        data: { by: string? }
        initial: waiting
        states:
          waiting:
            on_event:
              - { event: approve, set: { by: event.by }, next: approved }
            timeout: { after: {{timeout}}, next: too_late }
          approved: { end: completed, output: { by: "${data.by}" } }
          too_late: { end: failed, output: { why: "${fault.code}" } }
        """;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task A_waiting_saga_with_a_timeout_survives_the_death_of_its_orchestrator()
    {
        var contracts = Directory.CreateTempSubdirectory("onex-contracts-");
        await File.WriteAllTextAsync(Path.Combine(contracts.FullName, "patience.yaml"), Contract("patience", "1h"));

        // Just over a minute, so that the wait is stored as a timer.
        await File.WriteAllTextAsync(Path.Combine(contracts.FullName, "impatience.yaml"), Contract("impatience", "75s"));
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("CONTRACTS_DIR", contracts.FullName);
        var main = (await stack.StartReadyAsync("main"))[0];
        var late = await stack.RequestAsync("impatience", new JsonObject { ["id"] = "late" });
        var inTime = await stack.RequestAsync("patience", new JsonObject { ["id"] = "in time" });
        await stack.InStateAsync("late", "waiting", _within);
        await stack.InStateAsync("in time", "waiting", _within);

        Assert.Equal(
            ["2"], await stack.Database.QueryAsync("SELECT count(*) FROM onex.timers JOIN onex.sagas ON id = saga_id WHERE parked"));
        await stack.AssertNothingIsStuckAsync();
        await main.KillAsync();
        await stack.StartReadyAsync("main");

        // This event arrives before its saga exists.
        await stack.EventAsync("patience.approve", "early", new JsonObject { ["by"] = "early bird" });
        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.early_events") == 1,
            _within,
            () => "the early event is not stored");
        var early = await stack.RequestAsync("patience", new JsonObject { ["id"] = "early" });
        await stack.EventAsync("patience.approve", "in time", new JsonObject { ["by"] = "the boss" });

        Assert.Equal(
            "the boss", (await stack.Responses.ReadAsync(inTime, _within)).Json.GetProperty("payload").GetProperty("by").GetString());
        Assert.Equal(
            "early bird", (await stack.Responses.ReadAsync(early, _within)).Json.GetProperty("payload").GetProperty("by").GetString());
        Assert.Equal("state_timed_out", (await stack.Responses.ReadAsync(late, _within)).Field("code"));
        Assert.Equal(
            ["0|0"],
            await stack.Database.QueryAsync("SELECT (SELECT count(*) FROM onex.timers), (SELECT count(*) FROM onex.early_events)"));
        contracts.Delete(recursive: true);
    }
}
