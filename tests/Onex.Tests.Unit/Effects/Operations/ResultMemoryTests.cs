using Onex.Effects.Operations;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Operations;

/// <summary>The memory bounds how many results of attempts are held at a time.</summary>
public sealed class ResultMemoryTests
{
    private static readonly TimeSpan _soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Results_share_memory_and_oversized_ones_are_read_one_at_a_time()
    {
        var room = new ResultRoom(capacity: 10, largest: 100);
        using var first = room.Begin();
        using var second = room.Begin();
        using var third = room.Begin();
        using var fourth = room.Begin();
        await first.HoldAsync(4, CancellationToken.None);
        await second.HoldAsync(6, CancellationToken.None);

        // All hold memory and need more: one exceeds the limit, and never waits again.
        await first.HoldAsync(40, CancellationToken.None);
        await first.HoldAsync(100, CancellationToken.None);
        var more = second.HoldAsync(20, CancellationToken.None).AsTask();
        var small = third.HoldAsync(1, CancellationToken.None).AsTask();
        Assert.False(more.IsCompleted || small.IsCompleted);

        first.Dispose();
        await more.WaitAsync(_soon);
        Assert.False(small.IsCompleted);
        second.Dispose();
        await small.WaitAsync(_soon);
        await fourth.HoldAsync(9, CancellationToken.None);
        await fourth.HoldAsync(3, CancellationToken.None);
        Assert.Equal((1, 9), (third.Held, fourth.Held));
    }

    [Fact]
    public async Task A_cancelled_wait_for_memory_blocks_nobody()
    {
        var room = new ResultRoom(capacity: 10, largest: 100);
        var (first, second, third) = (room.Begin(), room.Begin(), room.Begin());
        await first.HoldAsync(20, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var gone = second.HoldAsync(20, stop.Token).AsTask();
        var next = third.HoldAsync(5, CancellationToken.None).AsTask();

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        second.Dispose();
        first.Dispose();

        await next.WaitAsync(_soon);
        Assert.Equal(0, second.Held);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_response_waits_for_memory_before_it_is_read(bool saysItsLength)
    {
        await using var outside = await HttpTestServer.StartAsync();
        outside.Answer = async context =>
        {
            context.Response.ContentType = "text/plain";
            context.Response.ContentLength = saysItsLength ? 5_000 : null;
            await context.Response.Body.WriteAsync(new byte[5_000], context.RequestAborted);
        };
        var room = new ResultRoom(capacity: 1_000, largest: 6_000);
        await using var bench = new EffectsHarness($"connections: {{ stock: {{ type: http, url: '{outside.Address}' }} }}", room: room);
        var other = room.Begin();
        await other.HoldAsync(2_000, TestContext.Current.CancellationToken);

        var run = bench.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", "stock"));
        await Eventually.Async(() => room.Waiting == 1, TimeSpan.FromSeconds(30), () => "the answer does not wait");
        Assert.False(run.IsCompleted);
        other.Dispose();

        Assert.Equal(StepOutcomes.Completed, (await run).Outcome);

        // Its memory is released.
        using var after = room.Begin();
        await after.HoldAsync(1_000, CancellationToken.None).AsTask().WaitAsync(_soon, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task A_response_larger_than_the_memory_limit_is_rejected_with_its_status()
    {
        await using var outside = await HttpTestServer.StartAsync();
        outside.AnswerWith(200, "text/plain", new string('x', 3 << 20));
        await using var bench = new EffectsHarness(
            $"connections: {{ stock: {{ type: http, url: '{outside.Address}' }} }}", room: new ResultRoom(1 << 20, 2 << 20));

        var result = await bench.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", "stock"));

        Assert.Equal(("response_too_large", "The response (200) is larger than 2 MiB."), (result.Code, result.Message));
    }
}
