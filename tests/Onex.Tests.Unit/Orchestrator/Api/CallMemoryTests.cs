using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Api;

namespace Onex.Tests.Unit.Orchestrator.Api;

public sealed class CallMemoryTests
{
    private const int BodyContent = 7;
    private readonly FakeTimeProvider _time = new();
    private readonly TaskCompletionSource<int> _handled = new();

    [Fact]
    public async Task Requests_over_HTTP_wait_for_memory_for_a_limited_time()
    {
        var memory = new CallMemory(new MemoryGate(JsonWeight.Handled(1_500L)), _time);
        var first = memory.HandleAsync(Call(1_000), 1_000, ReadAsync, _ => _handled.Task);
        var second = memory.HandleAsync(Call(1_000), 1_000, ReadAsync, Task.FromResult);
        var ofUnknownLength = memory.HandleAsync(Call(null), 1_000, ReadAsync, Task.FromResult);
        Assert.False(first.IsCompleted || second.IsCompleted || ofUnknownLength.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(11));
        var rejected = await Assert.ThrowsAsync<CallException>(() => second);
        await Assert.ThrowsAsync<CallException>(() => ofUnknownLength);
        Assert.Equal((503, ErrorCodes.NotEnoughMemory), (rejected.Problem.Status, rejected.Problem.Code));

        var third = memory.HandleAsync(Call(1_000), 1_000, ReadAsync, Task.FromResult);
        _handled.SetResult(1);
        Assert.Equal((1, BodyContent), (await first, await third));
    }

    [Fact]
    public async Task A_body_that_does_not_arrive_releases_its_memory()
    {
        var memory = new CallMemory(new MemoryGate(JsonWeight.Handled(1_000L)), _time);
        var slow = memory.HandleAsync(
            Call(1_000),
            1_000,
            cancellation => Task.Delay(Timeout.InfiniteTimeSpan, _time, cancellation).ContinueWith(_ => 0, cancellation),
            Task.FromResult);

        _time.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(408, (await Assert.ThrowsAsync<CallException>(() => slow)).Problem.Status);
        Assert.Equal(BodyContent, await memory.HandleAsync(Call(1_000), 1_000, ReadAsync, Task.FromResult));
    }

    private static Task<int> ReadAsync(CancellationToken cancellation) => Task.FromResult(BodyContent);

    private static ApiCall Call(long? length)
    {
        var http = new DefaultHttpContext();
        http.Request.ContentLength = length;
        return new ApiCall(http, ApiRoutes.Submit, "tester");
    }
}
