using Onex.Kafka.Consuming;
using Onex.Kafka.Records;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Outbox;

namespace Onex.Tests.Unit.Orchestrator.Intake;

public sealed class SagaHomesTests
{
    private readonly SagaHomes _homes = new(producer: null!, Topics.Default);

    [Fact]
    public void A_request_alone_is_at_home_where_it_is() => Assert.Equal(7, _homes.ForBatch([Request(7)]));

    [Fact]
    public void A_call_alone_is_at_home_where_it_is() => Assert.Equal(7, _homes.ForBatch([Record(Topics.Default.SagaEvents, 7)]));

    [Fact]
    public void Batches_of_many_partitions_are_at_home_on_each_in_turn()
    {
        BatchEntry[] batch = [Request(0), Request(1), Request(2)];

        var homes = Enumerable.Range(0, 6).Select(_ => _homes.ForBatch(batch)).ToList();

        Assert.Equal([0, 0, 1, 1, 2, 2], homes.Order());
    }

    [Fact]
    public void Results_do_not_draw_sagas_to_their_partition()
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
