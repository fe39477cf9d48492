using MassTransit;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Kafka;

/// <summary>Tests with a private broker that they may kill. <c>ONEX_KAFKA_TOOL</c> names the tool that starts it.</summary>
public sealed class BrokerLossTests : IAsyncLifetime
{
    // Without the health probe, a client would notice only after a minute.
    private static readonly TimeSpan _detectionTimeout = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan _recoveryTimeout = TimeSpan.FromMinutes(1);

    private KafkaBroker? _own;

    private KafkaBroker Broker => _own ?? throw new InvalidOperationException("Not started yet.");

    public async ValueTask InitializeAsync() => _own = await KafkaBroker.StartOwnAsync();

    public async ValueTask DisposeAsync()
    {
        if (_own is not null)
        {
            await _own.DisposeAsync();
        }
    }

    [Fact]
    public async Task A_frozen_broker_makes_the_endpoints_unhealthy_until_it_resumes()
    {
        var (topic, handler) = ("frozen", RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, handler);

        await Broker.PauseAsync();
        await Condition.HoldsAsync(() => member.Endpoints is [BusHealthStatus.Unhealthy], within: _detectionTimeout);
        Assert.False(member.Broker.IsReachable);
        Assert.NotEqual(BusHealthStatus.Healthy, member.Health.Status);

        await Broker.ResumeAsync();
        await Condition.HoldsAsync(() => member.Health.Status == BusHealthStatus.Healthy, within: _recoveryTimeout);
        await StaysHealthyAsync(member);
        await WorksAsync(member, topic, handler);
    }

    [Fact]
    public async Task A_killed_broker_makes_the_endpoints_unhealthy_and_nothing_is_lost_when_it_restarts()
    {
        var (topic, handler) = ("killed", RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, handler);
        await member.ProduceAsync(topic, 0, "before");
        await Condition.HoldsAsync(() => handler.Received.Count == 1);

        await Broker.KillAsync();
        await Condition.HoldsAsync(() => member.Endpoints is [BusHealthStatus.Unhealthy], within: _detectionTimeout);
        var delivery = DeliverAsync(member, topic, "meanwhile");

        await Broker.StartAsync();
        await Condition.HoldsAsync(() => member.Health.Status == BusHealthStatus.Healthy, within: _recoveryTimeout);
        await StaysHealthyAsync(member);
        Assert.Equal(DeliveryStatus.Acknowledged, await delivery);
        await WorksAsync(member, topic, handler);
        Assert.Contains("meanwhile", handler.Values);
    }

    [Fact]
    public async Task A_member_stops_in_time_without_a_broker()
    {
        var (topic, handler) = ("ending", RecordingHandler.Acknowledging);
        await using var member = await StartAsync(topic, handler);
        await member.ProduceAsync(topic, 0, "one");
        await Condition.HoldsAsync(() => handler.Received.Count == 1);

        await Broker.KillAsync();

        await member.StopAsync().WaitAsync(_recoveryTimeout);
    }

    private static async Task WorksAsync(RiderMember member, string topic, RecordingHandler handler)
    {
        await member.ProduceAsync(topic, 0, "after");
        await Condition.HoldsAsync(() => handler.Values.Contains("after"), within: _recoveryTimeout);
    }

    // Waits until the member has been healthy for three seconds without interruption.
    private static Task StaysHealthyAsync(RiderMember member)
    {
        var healthySince = TimeProvider.System.GetUtcNow();
        return Condition.HoldsAsync(
            () =>
            {
                var now = TimeProvider.System.GetUtcNow();
                healthySince = member.Health.Status == BusHealthStatus.Healthy ? healthySince : now;
                return now - healthySince > TimeSpan.FromSeconds(3);
            },
            within: _recoveryTimeout);
    }

    private async Task<RiderMember> StartAsync(string topic, IRecordBatchHandler handler)
    {
        var bus = new KafkaTestBus(Broker.BootstrapServers);
        await bus.CreateAsync(1, topic);
        var member = await bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => handler));
        await member.WaitUntilReadyAsync();
        return member;
    }

    // Sends the record again, as the outbox does, until it is delivered: on a busy machine the broker may start late.
    private static async Task<DeliveryStatus> DeliverAsync(RiderMember member, string topic, string value)
    {
        DeliveryStatus status;
        do
        {
            status = (await member.ProduceAsync(topic, 0, value))[0].Delivery;
        }
        while (status == DeliveryStatus.Unavailable && !TestContext.Current.CancellationToken.IsCancellationRequested);

        return status;
    }
}
