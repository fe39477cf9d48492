namespace Onex.Tests.EndToEnd.Blocks;

/// <summary>Sagas that call sagas, on the broker and the database.</summary>
public sealed class ChildTests : IAsyncLifetime
{
    private const string Journey = """
        contract: journey
        version: 1.0.0
        input: { type: object, required: [id, leg], properties: { id: { type: string }, leg: { type: string } } }
        key: input.id
        events: { stop: {} }
        initial: travelling
        states:
          travelling:
            steps:
              - parallel:
                  branches:
                    - id: first
                      saga: leg
                      with: { id: "${input.id}/1", kind: good }
                      compensate: { saga: way-back, with: { ticket: "${result.ticket}" } }
                    - id: second
                      saga: leg
                      with: { id: "${input.id}/2", kind: "${input.leg}" }
                      compensate: { saga: way-back, with: { ticket: "${result.ticket}" } }
              - saga: way-back
                detached: true
                with: { ticket: souvenir }
            on_event: [{ event: stop, next: unwinding }]
            next: there
          unwinding: { compensate: all, next: home }
          there: { end: completed, output: { tickets: ["${steps.first.ticket}", "${steps.second.ticket}"] } }
          home: { end: failed, output: { reason: "${fault.code}" } }
        on_failure: unwinding
        """;

    private const string Leg = """
        contract: leg
        version: 1.0.0
        input: { type: object, required: [id, kind], properties: { id: { type: string }, kind: { type: string } } }
        key: input.id
        events: { arrived: {} }
        initial: choosing
        states:
          choosing:
            choose:
              - { when: input.kind == "slow", next: riding }
              - { when: input.kind == "bad", next: stranded, fault: stranded }
              - next: done
          riding:
            on_event: [{ event: arrived, next: done }]
            timeout: { after: 1h, next: stranded }
          done: { end: completed, output: { ticket: "t-${input.id}" } }
          stranded: { end: failed }
        """;

    private const string WayBack = """
        contract: way-back
        version: 1.0.0
        input: { type: object, required: [ticket], properties: { ticket: { type: string } } }
        initial: done
        states:
          done: { end: completed }
        """;

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _contracts = Directory.CreateTempSubdirectory("onex-contracts-");
    private OnexStack _stack = null!;

    public async ValueTask InitializeAsync()
    {
        foreach (var (name, text) in new[] { ("journey", Journey), ("leg", Leg), ("way-back", WayBack) })
        {
            await File.WriteAllTextAsync(Path.Combine(_contracts.FullName, $"{name}.yaml"), text);
        }

        _stack = await OnexStack.CreateAsync();
        _stack.Set("CONTRACTS_DIR", _contracts.FullName);
    }

    public async ValueTask DisposeAsync()
    {
        await _stack.DisposeAsync();
        _contracts.Delete(recursive: true);
    }

    [Fact]
    public async Task A_parent_awaits_compensates_and_cancels_its_children()
    {
        await _stack.StartReadyAsync("main", "main");
        var good = await RequestAsync("good", "good");
        var bad = await RequestAsync("bad", "bad");
        var stopped = await RequestAsync("stopped", "slow");
        var slow = await RequestAsync("slow", "slow");
        await _stack.InStateAsync("stopped/2", "riding", _within);
        await _stack.InStateAsync("slow/2", "riding", _within);
        await _stack.EventAsync("journey.stop", "stopped", []);
        await _stack.EventAsync("leg.arrived", "slow/2", []);

        Assert.Equal("t-good/2", (await ReadAsync(good)).Json.GetProperty("payload").GetProperty("tickets")[1].GetString());
        Assert.Equal("stranded", (await ReadAsync(bad)).Field("code"));
        Assert.Equal("stop", (await ReadAsync(stopped)).Field("code"));
        Assert.Equal("t-slow/2", (await ReadAsync(slow)).Json.GetProperty("payload").GetProperty("tickets")[1].GetString());

        // A detached child may start after its parent has ended, so the test waits for it. The first leg of the failed and of the stopped
        // saga was compensated, and each child has its parent.
        const string Souvenirs =
            "contract = 'way-back' AND parent_id IN (SELECT id FROM onex.sagas WHERE business_key IN ('good', 'slow'))";
        await Eventually.Async(
            async () => await CountAsync(Souvenirs) == "2" && await CountAsync("ended_at IS NULL") == "0",
            _within,
            () => "a child still lives");
        const string Compensations =
            "contract = 'way-back' AND parent_id IN (SELECT id FROM onex.sagas WHERE business_key IN ('bad', 'stopped'))";
        Assert.Equal("2", await CountAsync(Compensations));
        Assert.Equal("2", await CountAsync(Souvenirs));
        Assert.Equal("cancelled", (await _stack.Database.QueryAsync("SELECT status FROM onex.sagas WHERE business_key = 'stopped/2'"))[0]);
        Assert.Equal("0", await CountAsync("contract = 'leg' AND parent_id IS NULL"));
    }

    [Fact]
    public async Task Children_continue_after_every_process_was_killed()
    {
        var orchestrators = await _stack.StartReadyAsync("main", "main");
        var answers = new List<string>();
        for (var number = 0; number < 20; number++)
        {
            answers.Add(await RequestAsync($"j{number}", number % 2 == 0 ? "good" : "slow"));
        }

        await _stack.InStateAsync("j1/2", "riding", _within);
        await Task.WhenAll(orchestrators.Select(orchestrator => orchestrator.KillAsync()));
        await _stack.StartReadyAsync("main");
        for (var number = 1; number < 20; number += 2)
        {
            await _stack.InStateAsync($"j{number}/2", "riding", _within);
            await _stack.EventAsync("leg.arrived", $"j{number}/2", []);
        }

        foreach (var answer in answers)
        {
            Assert.Equal("success", (await ReadAsync(answer)).Field("status"));
        }

        Assert.Equal("40", await CountAsync("contract = 'leg'"));
    }

    private Task<string> RequestAsync(string id, string leg) =>
        _stack.RequestAsync("journey", new JsonObject { ["id"] = id, ["leg"] = leg });

    private Task<ReadRecord> ReadAsync(string correlationId) => _stack.Responses.ReadAsync(correlationId, _within);

    private async Task<string> CountAsync(string condition) =>
        (await _stack.Database.QueryAsync($"SELECT count(*) FROM onex.sagas WHERE {condition}"))[0];
}
