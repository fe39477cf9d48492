using Onex.Tests.Compliance.Kafka;

namespace Onex.Tests.Integration.Kafka.Memory;

/// <summary>The compliance suite with the in-memory log.</summary>
public sealed class MemoryBatchEndpointTests : BatchEndpointCompliance
{
    protected override TestBus Bus { get; } = new MemoryTestBus();
}

/// <inheritdoc cref="MemoryBatchEndpointTests" />
public sealed class MemoryMembershipTests : MembershipCompliance
{
    protected override TestBus Bus { get; } = new MemoryTestBus();
}

/// <inheritdoc cref="MemoryBatchEndpointTests" />
public sealed class MemoryTopicEndpointTests : TopicEndpointCompliance
{
    protected override TestBus Bus { get; } = new MemoryTestBus();
}

/// <inheritdoc cref="MemoryBatchEndpointTests" />
public sealed class MemoryDeadLetterTests : DeadLetterCompliance
{
    protected override TestBus Bus { get; } = new MemoryTestBus();
}

/// <inheritdoc cref="MemoryBatchEndpointTests" />
public sealed class MemoryProducerTests : ProducerCompliance
{
    protected override TestBus Bus { get; } = new MemoryTestBus();
}
