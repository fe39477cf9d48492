using Onex.Contracts.Messages;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;
using Onex.Persistence;
using Onex.Persistence.Outbox;

namespace Onex.Orchestrator.Intake;

/// <summary>Chooses the home partitions of sagas.</summary>
internal sealed class SagaHomes(IRecordProducer producer, Topics topics)
{
    // The number of partitions of the topic of requests; 0 until it is known.
    private int _partitions;
    private uint _batches;

    /// <summary>
    /// The home partition of all sagas that a batch of records starts: the partition of one of the records that may start one, of another
    /// in each batch, so that the partitions get equal shares. Sagas that start together have one home, because their results then share
    /// requests to the broker. <see cref="OutgoingMessage.NoHome"/> if no record of the batch may start a saga.
    /// </summary>
    public int ForBatch(IReadOnlyList<BatchEntry> batch)
    {
        var starts = batch.Count(MayStart);
        return starts == 0
            ? OutgoingMessage.NoHome
            : batch.Where(MayStart).ElementAt((int)(Interlocked.Increment(ref _batches) % (uint)starts)).Record.Partition;
    }

    /// <summary>
    /// The home partition of a saga that no record starts. Throws <see cref="StoreUnavailableException"/> if the broker cannot be reached,
    /// until this has succeeded once.
    /// </summary>
    public async Task<int> FindAsync(SagaId sagaId, CancellationToken cancellation)
    {
        if (_partitions == 0)
        {
            try
            {
                // Read once per process. A saga keeps its home even if the topic gets more partitions: its row has it.
                _partitions = await producer.PartitionsAsync(topics.Requests, cancellation);
            }
            catch (BrokerUnavailableException unreachable)
            {
                throw new StoreUnavailableException(
                    $"The partitions of '{topics.Requests}' are not known yet: {unreachable.Message}", unreachable);
            }
        }

        return Identity.HomePartition(sagaId, _partitions);
    }

    private bool MayStart(BatchEntry entry) => entry.Record.Topic == topics.Requests || entry.Record.Topic == topics.SagaEvents;
}
