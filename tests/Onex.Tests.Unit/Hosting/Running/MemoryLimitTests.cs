using Onex.Hosting.Running;
using Onex.Kafka.Consuming;

namespace Onex.Tests.Unit.Hosting.Running;

public sealed class MemoryLimitTests
{
    private const long MiB = 1 << 20;

    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(4096)]
    public void Concurrently_held_memory_fits_into_the_GC_heap_limit(long container)
    {
        var heap = MemoryLimit.For(DefaultLimit(container));
        var budget = new MemoryBudget(heap);

        Assert.InRange(heap, 48 * MiB, DefaultLimit(container));
        Assert.True(budget.Intake + budget.Batch + budget.Cache + budget.Unsent + budget.Commands < heap * 3 / 4);
    }

    // A role has used 155 MiB outside of the collector's memory.
    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(4096)]
    public void The_GC_heap_limit_and_the_rest_stay_below_85_percent_of_the_container(long container) =>
        Assert.InRange(MemoryLimit.For(DefaultLimit(container)) + (155 * MiB), 0, container * MiB * 85 / 100);

    [Fact]
    public void A_container_that_is_too_small_gives_the_GC_heap_48_MiB() =>
        Assert.Equal(48 * MiB, MemoryLimit.For(96 * MiB));

    [Fact]
    public void A_large_container_keeps_the_default_limit() => Assert.Equal(24_000 * MiB, MemoryLimit.For(24_000 * MiB));

    // Without MemoryLimit .NET lets the collector use three quarters of the container.
    private static long DefaultLimit(long container) => container * MiB * 3 / 4;
}
