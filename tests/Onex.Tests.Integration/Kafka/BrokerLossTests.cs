using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using MassTransit;
using Onex.Kafka.Consuming;

namespace Onex.Tests.Integration.Kafka;

/// <summary>On a broker of their own, which they may kill: <c>ONEX_KAFKA_TOOL</c> names the tool that starts it.</summary>
public sealed class BrokerLossTests : IAsyncLifetime
{
    private static readonly TimeSpan _told = TimeSpan.FromSeconds(2);

    private readonly string? _tool = Environment.GetEnvironmentVariable("ONEX_KAFKA_TOOL");
    private readonly int _port = FreePort();

    public async ValueTask InitializeAsync()
    {
        Assert.SkipUnless(!string.IsNullOrEmpty(_tool), "ONEX_KAFKA_TOOL names no tool that starts a broker.");
        await ToolAsync("start");
    }

    public async ValueTask DisposeAsync()
    {
        if (!string.IsNullOrEmpty(_tool))
        {
            await ToolAsync("resume");
            await ToolAsync("wipe");
        }
    }

    [Fact]
    public async Task A_frozen_broker_makes_the_endpoints_unhealthy_at_once_and_a_thawed_one_healthy_again()
    {
        var (topic, handler) = ("frozen", Remembering.Settling);
        await using var member = await StartAsync(topic, handler);

        await ToolAsync("pause");
        await Eventually.TrueAsync(() => member.Endpoints is [BusHealthStatus.Unhealthy], within: _told);
        Assert.False(member.Broker.IsReachable);
        Assert.NotEqual(BusHealthStatus.Healthy, member.Health.Status);

        await ToolAsync("resume");
        await Eventually.TrueAsync(() => member.Health.Status == BusHealthStatus.Healthy, within: _told + _told);
        await StaysHealthyAsync(member);
        await WorksAsync(member, topic, handler);
    }

    [Fact]
    public async Task A_killed_broker_makes_the_endpoints_unhealthy_at_once_and_nothing_is_lost_when_it_returns()
    {
        var (topic, handler) = ("killed", Remembering.Settling);
        await using var member = await StartAsync(topic, handler);
        await member.ProduceAsync(topic, 0, "before");
        await Eventually.TrueAsync(() => handler.Given.Count == 1);

        await ToolAsync("kill");
        await Eventually.TrueAsync(() => member.Endpoints is [BusHealthStatus.Unhealthy], within: _told);
        var meanwhile = member.ProduceAsync(topic, 0, "meanwhile");

        await ToolAsync("start");
        await Eventually.TrueAsync(() => member.Health.Status == BusHealthStatus.Healthy, within: TimeSpan.FromSeconds(10));
        await StaysHealthyAsync(member);
        Assert.Equal(Onex.Kafka.Producing.Delivery.Acknowledged, (await meanwhile)[0].Delivery);
        await WorksAsync(member, topic, handler);
        Assert.Contains("meanwhile", handler.Values);
    }

    [Fact]
    public async Task A_member_ends_in_time_although_the_broker_is_gone()
    {
        var (topic, handler) = ("ending", Remembering.Settling);
        await using var member = await StartAsync(topic, handler);
        await member.ProduceAsync(topic, 0, "one");
        await Eventually.TrueAsync(() => handler.Given.Count == 1);

        await ToolAsync("kill");

        await member.StopAsync().WaitAsync(TimeSpan.FromSeconds(15));
    }

    private static async Task WorksAsync(RiderMember member, string topic, Remembering handler)
    {
        await member.ProduceAsync(topic, 0, "after");
        await Eventually.TrueAsync(() => handler.Values.Contains("after"), within: TimeSpan.FromSeconds(40));
    }

    // No flapping: what is told for the next seconds is one and the same.
    private static async Task StaysHealthyAsync(RiderMember member)
    {
        for (var i = 0; i < 30; i++)
        {
            Assert.Equal(BusHealthStatus.Healthy, member.Health.Status);
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }
    }

    private async Task<RiderMember> StartAsync(string topic, IRecordBatchHandler handler)
    {
        var bus = new KafkaTestBus($"127.0.0.1:{_port}");
        await bus.MakeAsync(1, topic);
        var member = await bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => handler));
        await member.WaitUntilReadyAsync();
        return member;
    }

    private async Task ToolAsync(string verb)
    {
        var start = new ProcessStartInfo(_tool!, verb) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["PORT"] = _port.ToString(CultureInfo.InvariantCulture);
        start.Environment["STATE"] = Path.Combine(Path.GetTempPath(), $"onex-kafka-{_port}");
        using var process = Process.Start(start)!;
        await process.WaitForExitAsync();
        Assert.Equal(0, process.ExitCode);
    }

    private static int FreePort()
    {
        // The broker's controller listens 20000 above, so stay below the ports that the system hands out.
        for (var port = 21_000 + (Environment.ProcessId % 1000); ; port++)
        {
            try
            {
                using var listener = new TcpListener(IPAddress.Loopback, port);
                listener.Start();
                return port;
            }
            catch (SocketException)
            {
                // Taken: try the next.
            }
        }
    }
}
