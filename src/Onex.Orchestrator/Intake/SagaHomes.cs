using System.Buffers.Binary;
using System.Security.Cryptography;
using Onex.Contracts.Messages;
using Onex.Kafka.Brokers;
using Onex.Kafka.Producing;
using Onex.Persistence;

namespace Onex.Orchestrator.Intake;

/// <summary>The home partitions of sagas whose request did not come from a record.</summary>
internal sealed class SagaHomes(IRecordProducer producer, Topics topics)
{
    private int _partitions;

    /// <summary>
    /// The saga's home partition. Throws <see cref="StoreUnavailableException"/> until the process has reached the broker for the first
    /// time.
    /// </summary>
    public async Task<int> OfAsync(SagaId sagaId, CancellationToken cancellation)
    {
        if (_partitions == 0)
        {
            try
            {
                // Read once, so that a saga keeps its home if the topic gets more partitions.
                _partitions = await producer.PartitionsAsync(topics.Requests, cancellation);
            }
            catch (BrokerUnavailableException unreachable)
            {
                throw new StoreUnavailableException(
                    $"The partitions of '{topics.Requests}' are not known yet: {unreachable.Message}", unreachable);
            }
        }

        return Of(sagaId, _partitions);
    }

    /// <summary>A saga's home among that many partitions: always the same one.</summary>
    public static int Of(SagaId sagaId, int partitions)
    {
        Span<byte> digest = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(sagaId.Value.ToByteArray(bigEndian: true), digest);
        return (int)(BinaryPrimitives.ReadUInt32BigEndian(digest) % (uint)partitions);
    }
}
