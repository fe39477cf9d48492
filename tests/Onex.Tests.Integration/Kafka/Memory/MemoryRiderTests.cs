namespace Onex.Tests.Integration.Kafka.Memory;

/// <summary>The compliance suite with the in-memory log.</summary>
public sealed class MemoryBatchEndpointTests : BatchEndpointCompliance
{
    private protected override TestBus Bus { get; } = new MemoryTestBus();
}

/// <inheritdoc cref="MemoryBatchEndpointTests" />
public sealed class MemoryMembershipTests : MembershipCompliance
{
    private protected override TestBus Bus { get; } = new MemoryTestBus();
}

/// <inheritdoc cref="MemoryBatchEndpointTests" />
public sealed class MemoryTopicEndpointTests : TopicEndpointCompliance
{
    private protected override TestBus Bus { get; } = new MemoryTestBus();
}

/// <inheritdoc cref="MemoryBatchEndpointTests" />
public sealed class MemoryDeadLetterTests : DeadLetterCompliance
{
    private protected override TestBus Bus { get; } = new MemoryTestBus();
}

/// <inheritdoc cref="MemoryBatchEndpointTests" />
public sealed class MemoryProducerTests : ProducerCompliance
{
    private protected override TestBus Bus { get; } = new MemoryTestBus();
}
