using System.Net;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Starting;

/// <summary>Contracts and connections that change while the process runs.</summary>
public sealed class ReloadTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_new_version_starts_new_sagas_and_running_ones_stay_on_theirs()
    {
        Write("greeting", "1.0.0", "old");
        await using var onex = await EmbeddedOnex.StartAsync(_directory);
        var (_, running) = await onex.RequestAsync("""{"operation":"greeting","payload":{}}""");
        var sagaId = (string)running["saga_id"]!;
        await onex.UntilAsync(sagaId, "waiting");

        Write("greeting", "1.1.0", "new");
        Write("parting", "1.0.0", "bye");
        await HangUpAndWaitForAsync(onex, "Contracts were reloaded: greeting 1.1.0 added, parting 1.0.0 added, greeting 1.0.0 removed.");

        Assert.Equal("new", await AnswerAsync(onex, "greeting"));
        Assert.Equal("bye", await AnswerAsync(onex, "parting"));
        await onex.RequestAsync($$"""{"operation":"greeting.go","payload":{},"target":{"saga_id":"{{sagaId}}"} }""");
        await onex.UntilAsync(sagaId, "done");
        Assert.Equal("old", (string?)(await onex.GetAsync($"/api/v1/sagas/{sagaId}/response"))["payload"]!["text"]);

        File.Delete(PathOf("parting"));
        await HangUpAndWaitForAsync(onex, "Contracts were reloaded: parting 1.0.0 removed.");
        var (status, answer) = await onex.RequestAsync("""{"operation":"parting","payload":{}}""");
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.Equal("ONEX3004", (string?)answer["code"]);
    }

    [Fact]
    public async Task Contracts_with_errors_or_changed_content_under_the_same_version_are_not_used()
    {
        Write("greeting", "1.0.0", "good");
        await using var onex = await EmbeddedOnex.StartAsync(_directory);

        File.WriteAllText(PathOf("greeting"), "contract: greeting\nversion: 1.0.1\ninitial: nowhere\n");
        await onex.HangUpAsync();
        await WaitUntilDegradedAsync(onex, PathOf("greeting"));
        Assert.Equal("good", await AnswerAsync(onex, "greeting"));
        Assert.Contains(onex.Output, line => line.Contains("ONEX1", StringComparison.Ordinal) && line.Contains("7006"));

        Write("greeting", "1.0.0", "changed");
        await onex.HangUpAsync();
        await WaitUntilDegradedAsync(onex, _directory.FullName);
        Assert.Contains("ONEX_CONTRACTS_MUTABLE", (await onex.GetAsync("/health")).ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("good", await AnswerAsync(onex, "greeting"));

        Write("greeting", "1.0.2", "fixed");
        await HangUpAndWaitForAsync(onex, "The changed files have no errors any more and are in use.");
        await Eventually.Async(
            async () => (string?)(await onex.GetAsync("/health"))["status"] == "healthy",
            TimeSpan.FromMinutes(1),
            () => "/health is still degraded");
        Assert.Equal("fixed", await AnswerAsync(onex, "greeting"));
    }

    [Fact]
    public async Task A_changed_file_is_noticed_without_a_signal_and_a_contract_may_be_mutable()
    {
        Write("greeting", "1.0.0", "first");
        await using var onex = await EmbeddedOnex.StartAsync(_directory, ("ONEX_CONTRACTS_MUTABLE", "true"));

        Write("greeting", "1.0.0", "second");
        await Eventually.Async(
            async () => await AnswerAsync(onex, "greeting") == "second", TimeSpan.FromMinutes(1), () => "the changed contract is not used");
    }

    private static async Task<string?> AnswerAsync(EmbeddedOnex onex, string contract)
    {
        var (_, answer) = await onex.RequestAsync($$"""{"operation":"{{contract}}","payload":{"now":true} }""", "?wait=30s");
        return (string?)answer["payload"]?["text"];
    }

    private static async Task HangUpAndWaitForAsync(EmbeddedOnex onex, string line)
    {
        await onex.HangUpAsync();
        await Eventually.Async(
            () => onex.Output.Any(logged => logged.Contains(line, StringComparison.Ordinal)),
            TimeSpan.FromMinutes(1),
            () => $"no line '{line}':\n{string.Join('\n', onex.Output.TakeLast(10))}");
    }

    private static Task<TimeSpan> WaitUntilDegradedAsync(EmbeddedOnex onex, string file) => Eventually.Async(
        async () => await onex.GetAsync("/health") is var health
            && (string?)health["status"] == "degraded"
            && health["details"]!["handlers"]!["failed"]!.AsArray().Any(failed => (string?)failed == file),
        TimeSpan.FromMinutes(1),
        () => $"/health does not name {file}");

    private string PathOf(string contract) => Path.Combine(_directory.FullName, $"{contract}.yaml");

    private void Write(string contract, string version, string text) => File.WriteAllText(PathOf(contract), $$"""
        contract: {{contract}}
        version: {{version}}
        description: Answers at once, or after the event go.
        input: { type: object, properties: { now: { type: boolean } } }
        events: { go: {} }
        initial: start
        states:
          start:
            choose: [ { when: has(input.now), next: done }, { next: waiting } ]
          waiting:
            on_event: [ { event: go, next: done } ]
            timeout: { after: 1h, next: done }
          done:
            end: completed
            output: { text: {{text}} }
        """);
}
