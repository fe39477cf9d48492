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
    public void What_is_held_at_a_time_fits_into_what_the_collector_may_use(long container)
    {
        var heap = MemoryLimit.For(container * MiB * 3 / 4);
        var budget = new MemoryBudget(heap);

        Assert.InRange(heap, 48 * MiB, container * MiB * 3 / 4);
        Assert.True(budget.Intake + budget.Batch + budget.Cache + budget.Unsent + budget.Commands < heap * 3 / 4);
    }

    // A role has used 155 MiB outside of the collector's memory.
    [Theory]
    [InlineData(256)]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(4096)]
    public void What_the_collector_may_use_and_the_rest_of_the_process_stay_below_85_percent_of_the_container(long container) =>
        Assert.InRange(MemoryLimit.For(container * MiB * 3 / 4) + (155 * MiB), 0, container * MiB * 85 / 100);

    [Fact]
    public void A_container_in_which_nothing_is_left_gives_the_collector_48_mebibytes() =>
        Assert.Equal(48 * MiB, MemoryLimit.For(96 * MiB));

    [Fact]
    public void Who_has_much_memory_keeps_all_of_it() => Assert.Equal(24_000 * MiB, MemoryLimit.For(24_000 * MiB));
}
