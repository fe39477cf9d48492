using Onex.Effects.Operations;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Operations;

/// <summary>A limit of memory bounds how many results of attempts are read at a time.</summary>
public sealed class ResultMemoryTests
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Results_share_memory_and_oversized_ones_are_read_one_at_a_time()
    {
        var memory = new ResultMemory(capacity: 10, largest: 100);
        using var first = memory.Begin();
        using var second = memory.Begin();
        using var third = memory.Begin();
        using var fourth = memory.Begin();
        await first.ReserveAsync(4, CancellationToken.None);
        await second.ReserveAsync(6, CancellationToken.None);

        // Both hold memory and need more: one exceeds the limit, and never waits again.
        await first.ReserveAsync(40, CancellationToken.None);
        await first.ReserveAsync(100, CancellationToken.None);
        var more = second.ReserveAsync(20, CancellationToken.None).AsTask();
        var small = third.ReserveAsync(1, CancellationToken.None).AsTask();
        Assert.False(more.IsCompleted || small.IsCompleted);

        first.Dispose();
        await more.WaitAsync(_soon);
        Assert.False(small.IsCompleted);
        second.Dispose();
        await small.WaitAsync(_soon);
        await fourth.ReserveAsync(9, CancellationToken.None);
        await fourth.ReserveAsync(3, CancellationToken.None);
        Assert.Equal((1, 9), (third.Bytes, fourth.Bytes));
    }

    [Fact]
    public async Task A_cancelled_wait_for_memory_blocks_nobody()
    {
        var memory = new ResultMemory(capacity: 10, largest: 100);
        var (first, second, third) = (memory.Begin(), memory.Begin(), memory.Begin());
        await first.ReserveAsync(20, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var cancelled = second.ReserveAsync(20, stop.Token).AsTask();
        var next = third.ReserveAsync(5, CancellationToken.None).AsTask();

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        second.Dispose();
        first.Dispose();

        await next.WaitAsync(_soon);
        Assert.Equal(0, second.Bytes);
    }

    [Fact]
    public async Task A_reservation_that_is_disposed_of_while_it_waits_takes_no_memory()
    {
        var memory = new ResultMemory(capacity: 10, largest: 100);
        var (first, second, third) = (memory.Begin(), memory.Begin(), memory.Begin());
        await first.ReserveAsync(20, CancellationToken.None);
        var waiting = second.ReserveAsync(20, CancellationToken.None).AsTask();

        second.Dispose();
        first.Dispose();

        await waiting.WaitAsync(_soon);
        await third.ReserveAsync(20, CancellationToken.None).AsTask().WaitAsync(_soon);
        Assert.Equal((0, 20), (second.Bytes, third.Bytes));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_response_waits_for_memory_before_it_is_read(bool hasContentLength)
    {
        await using var server = await HttpTestServer.StartAsync();
        server.Answer = async context =>
        {
            context.Response.ContentType = "text/plain";
            context.Response.ContentLength = hasContentLength ? 5_000 : null;
            await context.Response.Body.WriteAsync(new byte[5_000], context.RequestAborted);
        };
        var memory = new ResultMemory(capacity: 1_000, largest: 6_000);
        await using var effects = new EffectsHarness(
            $"connections: {{ stock: {{ type: http, url: '{server.Address}' }} }}", resultMemory: memory);
        var other = memory.Begin();
        await other.ReserveAsync(2_000, TestContext.Current.CancellationToken);

        var run = effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", "stock"));
        await Eventually.Async(() => memory.Waiting == 1, TimeSpan.FromSeconds(30), () => "the answer does not wait");
        Assert.False(run.IsCompleted);
        other.Dispose();

        Assert.Equal(StepOutcomes.Completed, (await run).Outcome);

        // The attempt has released its memory.
        using var after = memory.Begin();
        await after.ReserveAsync(1_000, CancellationToken.None).AsTask().WaitAsync(_soon, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_response_larger_than_the_memory_limit_is_rejected_with_its_status()
    {
        await using var server = await HttpTestServer.StartAsync();
        server.AnswerWith(200, "text/plain", new string('x', 3 << 20));
        await using var effects = new EffectsHarness(
            $"connections: {{ stock: {{ type: http, url: '{server.Address}' }} }}", resultMemory: new ResultMemory(1 << 20, 2 << 20));

        var result = await effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", "stock"));

        Assert.Equal(("response_too_large", "The response (200) is larger than 2 MiB."), (result.Code, result.Message));
    }
}
