using Onex.Kafka.Consuming;

namespace Onex.Tests.Unit.Kafka.Consuming;

public sealed class MemoryGateTests
{
    [Fact]
    public async Task Work_that_does_not_fit_waits_and_oversized_work_runs_alone()
    {
        var gate = new MemoryGate(10);
        var first = await gate.EnterAsync(6, CancellationToken.None);
        var second = await gate.EnterAsync(4, CancellationToken.None);
        var heavy = gate.EnterAsync(1_000, CancellationToken.None).AsTask();
        var light = gate.EnterAsync(1, CancellationToken.None).AsTask();
        Assert.False(heavy.IsCompleted);

        first.Dispose();
        first.Dispose();

        // Light work waits behind heavy work although there is room for it. Otherwise light work could delay heavy work for ever.
        var late = gate.EnterAsync(1, CancellationToken.None).AsTask();
        Assert.False(heavy.IsCompleted || light.IsCompleted || late.IsCompleted);
        second.Dispose();
        var alone = await heavy.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.False(light.IsCompleted);
        alone.Dispose();
        (await light.WaitAsync(TimeSpan.FromSeconds(10))).Dispose();
        (await late.WaitAsync(TimeSpan.FromSeconds(10))).Dispose();
    }

    [Fact]
    public async Task A_cancelled_wait_blocks_nobody()
    {
        var gate = new MemoryGate(10);
        var inside = await gate.EnterAsync(10, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var cancelled = gate.EnterAsync(10, stop.Token).AsTask();
        var next = gate.EnterAsync(10, CancellationToken.None).AsTask();

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        inside.Dispose();

        (await next.WaitAsync(TimeSpan.FromSeconds(10))).Dispose();
        (await gate.EnterAsync(10, CancellationToken.None)).Dispose();
    }
}
