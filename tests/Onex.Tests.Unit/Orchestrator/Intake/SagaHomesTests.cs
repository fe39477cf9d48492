using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Outbox;

namespace Onex.Tests.Unit.Orchestrator.Intake;

public sealed class SagaHomesTests
{
    private readonly SagaHomes _homes = new(producer: null!, Topics.Default);

    [Fact]
    public void The_home_is_the_partition_of_a_single_request() => Assert.Equal(7, _homes.ForBatch([Request(7)]));

    [Fact]
    public void The_home_is_the_partition_of_a_single_call() => Assert.Equal(7, _homes.ForBatch([Record(Topics.Default.SagaEvents, 7)]));

    [Fact]
    public void Successive_batches_have_the_partitions_of_their_requests_as_home_in_turn()
    {
        BatchEntry[] batch = [Request(0), Request(1), Request(2)];

        var homes = Enumerable.Range(0, 6).Select(_ => _homes.ForBatch(batch)).ToList();

        Assert.Equal([0, 0, 1, 1, 2, 2], homes.Order());
    }

    [Fact]
    public void The_partition_of_a_result_is_no_home()
    {
        BatchEntry[] batch = [Record(Topics.Default.EffectResponses, 1), Record(Topics.Default.WorkerResponses, 2), Request(7)];

        Assert.All(Enumerable.Range(0, 3), _ => Assert.Equal(7, _homes.ForBatch(batch)));
    }

    [Fact]
    public void A_batch_that_starts_no_saga_needs_no_home() =>
        Assert.Equal(OutgoingMessage.NoHome, _homes.ForBatch([Record(Topics.Default.EffectResponses, 1)]));

    private static BatchEntry Request(int partition) => Record(Topics.Default.Requests, partition);

    private static BatchEntry Record(string topic, int partition) => new(
        new ConsumedRecord { Topic = topic, Partition = partition, Offset = 0, Value = [], Headers = [] }, (_, _) => { });
}
