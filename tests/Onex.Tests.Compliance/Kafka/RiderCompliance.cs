using System.Runtime.CompilerServices;
using Onex.Kafka;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>
/// The rider on every bus. Each suite that inherits this class has a subclass per bus: <c>KafkaRiderTests.cs</c> and
/// <c>MemoryRiderTests.cs</c>.
/// </summary>
public abstract class RiderCompliance
{
    /// <summary>The bus. Each test has topics of its own.</summary>
    protected abstract TestBus Bus { get; }

    /// <summary>A topic name that is unique to the test.</summary>
    protected static string NewTopic([CallerMemberName] string test = "") => TestBus.NewTopic(test);

    /// <summary>Starts a member that reads one topic, in the group of the same name, and waits until it is ready.</summary>
    protected async Task<RiderMember> StartAsync(
        string topic, int partitions, RecordingHandler handler, Func<KafkaSettings, KafkaSettings>? change = null)
    {
        await Bus.CreateAsync(partitions, topic);
        var member = await Bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => handler), change);
        await member.WaitUntilReadyAsync();
        return member;
    }
}
