using System.Runtime.CompilerServices;
using Onex.Kafka;

namespace Onex.Tests.Compliance.Kafka;

/// <summary>
/// The behaviour of the rider on every bus. One class per bus inherits each suite: <c>KafkaRiderTests.cs</c> and
/// <c>MemoryRiderTests.cs</c>.
/// </summary>
public abstract class RiderCompliance
{
    /// <summary>A bus that no other test's topics are on.</summary>
    protected abstract TestBus Bus { get; }

    /// <summary>A topic name that no other test has.</summary>
    protected static string NewTopic([CallerMemberName] string test = "") => TestBus.NewTopic(test);

    /// <summary>A member that is ready and reads one topic, in the group of the same name.</summary>
    protected async Task<RiderMember> StartAsync(
        string topic, int partitions, RecordingHandler handler, Func<KafkaSettings, KafkaSettings>? change = null)
    {
        await Bus.MakeAsync(partitions, topic);
        var member = await Bus.StartAsync(k => k.BatchEndpoint("test", [topic], topic, _ => handler), change);
        await member.WaitUntilReadyAsync();
        return member;
    }
}
