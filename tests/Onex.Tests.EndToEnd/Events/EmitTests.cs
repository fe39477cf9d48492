namespace Onex.Tests.EndToEnd.Events;

/// <summary>Domain events on the broker.</summary>
public sealed class EmitTests : IDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task An_emitted_event_that_the_broker_rejects_becomes_a_dead_letter_and_blocks_nothing()
    {
        await using var stack = await OnexStack.CreateAsync();
        stack.Broker.NeedsReal("accepts records of any size");
        var topic = Write(stack, stack.Topic("packed"));
        await stack.StartReadyAsync("main");
        await using var reader = new TopicReader(stack.Broker.BootstrapServers, topic);

        var small = await stack.RequestAsync("packing", new JsonObject { ["id"] = "o-1", ["text"] = "a" });
        var large = await stack.RequestAsync("packing", new JsonObject { ["id"] = "o-2", ["text"] = new string('x', 700_000) });

        Assert.Equal("success", (await stack.Responses.ReadAsync(small, _within)).Field("status"));
        Assert.Equal("success", (await stack.Responses.ReadAsync(large, _within)).Field("status"));
        var record = await reader.ReadAsync(_ => true, _within, "an event");
        Assert.Equal(("o-1", "aa", "onex.domain-event", "packing", "tell", small), (
            record.Key, record.Field("text"), record.Headers["event_type"], record.Headers["contract"],
            record.Headers["step"], record.Headers["correlation_id"]));
        await Eventually.Async(
            async () =>
                (await stack.Database.QueryAsync("SELECT topic, key, status, (length(value) > 1400000)::text FROM onex.dead_letters"))
                    .SequenceEqual([$"{topic}|o-2|open|true"])
                && await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.outbox") == 0,
            _within,
            () => "the event that is too large has not become a dead letter");
        Assert.Single(reader.Records);
    }

    [Fact]
    public async Task Emitting_to_a_runtime_topic_fails_the_start()
    {
        await using var stack = await OnexStack.CreateAsync();
        Write(stack, stack.Topic("effect-responses"));

        await using var process = stack.Start("main");

        Assert.Equal(78, await process.WaitForExitAsync(_within));
        var errors = string.Join('\n', process.Errors);
        Assert.Contains(
            $"contract 'packing' 1.0.0 emits to '{stack.Topic("effect-responses")}' (step 'tell')", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    private string Write(OnexStack stack, string topic)
    {
        File.WriteAllText(
            Path.Combine(_directory.FullName, "packing.yaml"),
            $$"""
            contract: packing
            version: 1.0.0
            input: { type: object, required: [id, text], properties: { id: { type: string }, text: { type: string } } }
            initial: working
            states:
              working:
                steps:
                  - id: tell
                    emit: {{topic}}
                    with: { key: "${input.id}", value: { text: "${input.text}${input.text}" } }
                next: done
              done: { end: completed }
            """);
        stack.Set("CONTRACTS_DIR", _directory.FullName);
        return topic;
    }
}
