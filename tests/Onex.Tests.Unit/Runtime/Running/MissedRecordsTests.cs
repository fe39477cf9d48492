using Confluent.Kafka;
using Onex.Hosting.Health;
using Onex.Kafka.Consuming;
using Onex.Runtime.Running;

namespace Onex.Tests.Unit.Runtime.Running;

public sealed class MissedRecordsTests
{
    [Fact]
    public async Task Unread_deleted_records_degrade_the_role_and_are_reported_by_topic()
    {
        var missed = new MissedRecordsCount();
        var component = new MissedRecordsComponent(missed);
        Assert.Equal(ComponentState.Healthy, (await component.ProbeAsync(CancellationToken.None)).State);

        missed.Add(new MissedRecords(new TopicPartition("requests", 0), 10, 910));
        missed.Add(new MissedRecords(new TopicPartition("requests", 3), 7, 8));
        missed.Add(new MissedRecords(new TopicPartition("effect-responses", 0), 0, 2));

        var report = await component.ProbeAsync(CancellationToken.None);
        Assert.False(component.NeededForReadiness);
        Assert.Equal(
            (
                ComponentState.Degraded,
                "deleted before they were read, since the process began: 2 records of effect-responses, 901 records of requests"),
            (report.State, report.Error));
    }
}
