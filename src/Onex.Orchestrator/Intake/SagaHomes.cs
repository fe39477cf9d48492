using Onex.Contracts.Messages;
using Onex.Kafka.Brokers;
using Onex.Kafka.Producing;
using Onex.Persistence;

namespace Onex.Orchestrator.Intake;

/// <summary>Chooses the home partitions of sagas whose request did not come from a record.</summary>
internal sealed class SagaHomes(IRecordProducer producer, Topics topics)
{
    // The number of partitions of the topic of requests; 0 until it is known.
    private int _partitions;

    /// <summary>
    /// The saga's home partition. Throws <see cref="StoreUnavailableException"/> until the process has reached the broker for the first
    /// time.
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
}
