using Onex.Kafka.Producing;

namespace Onex.Tests.Unit.Effects.Kafka;

/// <summary>Records that steps produce: their content, and the topics that are forbidden.</summary>
public sealed class ProduceOperationTests
{
    [Fact]
    public async Task A_record_carries_the_command_id_whatever_headers_the_step_sets()
    {
        await using var effects = new EffectsHarness();
        var command = EffectsHarness.Command(
            "kafka.produce",
            """{"topic":"orders.confirmed","key":"o-1","value":{"parcels":["b-1"]},"headers":{"kind":"order","message_id":"mine"}}""");

        var result = await RunAsync(effects, command);

        Assert.Equal((StepOutcomes.Completed, """{"topic":"orders.confirmed","key":"o-1"}"""), (result.Outcome, result.Result.ToString()));
        var record = Written(effects);
        Assert.Equal(
            ("orders.confirmed", "o-1", """{"parcels":["b-1"]}"""), (record.Topic, record.Key, Encoding.UTF8.GetString(record.Value.Span)));
        var headers = record.Headers.ToDictionary();
        Assert.Equal(("order", command.CommandId.ToString()), (headers["kind"], headers[HeaderNames.MessageId]));
        Assert.Equal(
            (command.CorrelationId.ToString(), "application/json"), (headers[HeaderNames.CorrelationId], headers[HeaderNames.ContentType]));
    }

    [Fact]
    public async Task Text_is_sent_unchanged_and_the_default_key_is_the_correlation_id()
    {
        await using var effects = new EffectsHarness();
        var command = EffectsHarness.Command("kafka.produce", """{"topic":"notes","value":"plain \"text\""}""");

        await RunAsync(effects, command);

        Assert.Equal(
            (command.CorrelationId.ToString(), "plain \"text\""),
            (Written(effects).Key, Encoding.UTF8.GetString(Written(effects).Value.Span)));
    }

    [Theory]
    [InlineData("requests")]
    [InlineData("saga-events")]
    [InlineData("responses.dlq")]
    [InlineData("orders.confirmed.dlq")]
    public async Task A_step_cannot_produce_to_runtime_or_dead_letter_topics(string topic)
    {
        await using var effects = new EffectsHarness();

        var result = await effects.RunAsync(EffectsHarness.Command("kafka.produce", $$"""{"topic":"{{topic}}","value":1}"""));

        Assert.Equal((StepOutcomes.Rejected, "topic_refused"), (result.Outcome, result.Code));
        Assert.DoesNotContain(effects.Produced.Records, record => record.Topic == topic);
    }

    private static async Task<StepResult> RunAsync(EffectsHarness effects, StepCommand command)
    {
        await effects.Runner.RunAsync(command, null, null, TestContext.Current.CancellationToken);
        return effects.Ledger.Recorded(command.CommandId)!;
    }

    private static ProducedRecord Written(EffectsHarness effects) =>
        effects.Produced.Records.Single(record => record.Topic != "effect-responses");
}
