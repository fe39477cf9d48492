namespace Onex.Tests.EndToEnd.Events;

/// <summary>Steps that write records to the broker.</summary>
public sealed class ProduceTests : IDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_produced_record_carries_the_command_id()
    {
        await using var stack = await OnexStack.CreateAsync();
        var topic = Write(stack);
        await stack.Broker.PrepareAsync([topic], OnexStack.Partitions);
        await stack.StartReadyAsync("main", "effects");
        await using var reader = new TopicReader(stack.Broker.BootstrapServers, topic);

        var correlationId = await stack.RequestAsync("telling", new JsonObject { ["id"] = "o-1" });

        var record = await reader.ReadAsync(_ => true, _within, "a record");
        Assert.Equal(
            ("o-1", """{"id":"o-1"}""", "announcement", correlationId), (
                record.Key, record.Text, record.Headers["kind"], record.Headers["correlation_id"]));
        Assert.Equal(
            [record.MessageId!],
            await stack.Database.QueryAsync("SELECT command_id::text FROM onex.effect_ledger WHERE operation = 'kafka.produce'"));
        Assert.Equal("success", (await stack.Responses.ReadAsync(correlationId, _within)).Field("status"));
    }

    private string Write(OnexStack stack)
    {
        var topic = stack.Topic("announcements");
        File.WriteAllText(
            Path.Combine(_directory.FullName, "telling.yaml"),
            $$"""
            contract: telling
            version: 1.0.0
            input: { type: object, required: [id], properties: { id: { type: string } } }
            initial: telling
            states:
              telling:
                pivot: true
                steps:
                  - id: tell
                    effect: kafka.produce
                    with: { topic: {{topic}}, key: "${input.id}", value: { id: "${input.id}" }, headers: { kind: announcement } }
                next: done
              done: { end: completed }
            """);
        stack.Set("CONTRACTS_DIR", _directory.FullName);
        return topic;
    }
}
