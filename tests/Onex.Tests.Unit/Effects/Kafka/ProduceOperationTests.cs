using Onex.Effects.Kafka;
using Onex.Kafka.Producing;
using Names = Onex.Tests.Support.Names;

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
        var record = FindWritten(effects);
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
            (FindWritten(effects).Key, Encoding.UTF8.GetString(FindWritten(effects).Value.Span)));
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

    [Fact]
    public async Task A_record_goes_to_the_broker_of_its_connection_and_not_to_the_runtimes()
    {
        var broker = await KafkaBroker.SharedAsync();
        var topic = Names.Next("produced-elsewhere");
        await broker.CreateTopicAsync(topic, 1);
        await using var effects = new EffectsHarness(
            $"connections: {{ other: {{ type: kafka, brokers: '{broker.BootstrapServers}' }} }}");
        await using var reader = new TopicReader(broker.BootstrapServers, topic);

        var written = await RunAsync(
            effects, EffectsHarness.Command("kafka.produce", $$$"""{"topic":"{{{topic}}}","key":"k","value":{"a":1}}""", "other"));
        var rejected = await RunAsync(
            effects, EffectsHarness.Command("kafka.produce", """{"topic":"saga-events","value":1}""", "other"));

        Assert.Equal((StepOutcomes.Completed, $$"""{"topic":"{{topic}}","key":"k"}"""), (written.Outcome, written.Result.ToString()));
        var record = await reader.ReadAsync(_ => true, TimeSpan.FromSeconds(30), "the record");
        Assert.Equal(("k", """{"a":1}"""), (record.Key, record.Text));
        Assert.DoesNotContain(effects.Produced.Records, each => each.Topic == topic);
        Assert.Equal((StepOutcomes.Rejected, "topic_refused"), (rejected.Outcome, rejected.Code));
    }

    [Fact]
    public async Task An_unreachable_broker_fails_the_attempt()
    {
        await using var effects = new EffectsHarness(
            $"connections: {{ other: {{ type: kafka, brokers: '127.0.0.1:{FreePort.Next()}' }} }}");

        var result = await RunAsync(
            effects, EffectsHarness.Command("kafka.produce", """{"topic":"t","value":1}""", "other", timeoutMs: 500));

        Assert.Equal((StepOutcomes.Failed, "step_timed_out", StepReaches.Sent), (result.Outcome, result.Code, result.Reach));
    }

    [Fact]
    public async Task A_certificate_that_is_gone_when_the_client_opens_fails_each_attempt_before_it_is_sent()
    {
        using var certificates = new TestCertificates();
        await using var effects = new EffectsHarness($$"""
            connections:
              other:
                type: kafka
                brokers: '127.0.0.1:{{FreePort.Next()}}'
                security_protocol: SSL
                ca_file: {{certificates.CaFile}}
            """);
        File.Delete(certificates.CaFile);

        for (var attempt = 0; attempt < 2; attempt++)
        {
            var result = await RunAsync(
                effects, EffectsHarness.Command("kafka.produce", """{"topic":"t","value":1}""", "other", timeoutMs: 10_000));

            Assert.Equal((StepOutcomes.Failed, "broker_unavailable", StepReaches.NotSent), (result.Outcome, result.Code, result.Reach));
        }
    }

    [Fact]
    public void A_connection_has_its_own_address_user_and_certificates()
    {
        using var certificates = new TestCertificates();
        var connections = EffectsHarness.Read(
            $$"""
            connections:
              other:
                type: kafka
                brokers: "k1:9093,k2:9093"
                security_protocol: SASL_SSL
                sasl_mechanism: SCRAM-SHA-512
                user: onex
                password: "${secret:KAFKA_SECRET}"
                ca_file: {{certificates.CaFile}}
                client_certificate: {{certificates.ClientFile}}
            """,
            new() { ["KAFKA_SECRET"] = "hidden" });

        var settings = KafkaProducers.CreateSettings(connections["other"]);

        Assert.Equal(
            ("k1:9093,k2:9093", "SASL_SSL", "SCRAM-SHA-512"),
            (settings.BootstrapServers, settings.SecurityProtocol, settings.SaslMechanism));
        Assert.Equal(("onex", "hidden"), (settings.SaslUsername, settings.SaslPassword));
        Assert.Equal((certificates.CaFile, certificates.ClientFile), (settings.SslCaFile, settings.SslCertificateFile));
        Assert.DoesNotContain("hidden", settings.ToString(), StringComparison.Ordinal);
    }

    private static async Task<StepResult> RunAsync(EffectsHarness effects, StepCommand command)
    {
        await effects.Runner.RunAsync(command, null, TestContext.Current.CancellationToken);
        return effects.Ledger.Recorded(command.CommandId)!;
    }

    private static ProducedRecord FindWritten(EffectsHarness effects) =>
        effects.Produced.Records.Single(record => record.Topic != "effect-responses");
}
