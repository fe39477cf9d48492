using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.Consuming;
using Onex.Orchestrator.Api;

namespace Onex.Tests.Unit.Orchestrator.Api;

/// <summary>Requests over HTTP are bounded by memory.</summary>
public sealed class CallMemoryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly TaskCompletionSource<int> _taken = new();

    [Fact]
    public async Task Requests_over_HTTP_wait_for_memory_for_a_limited_time()
    {
        var room = new CallRoom(new MemoryGate(JsonWeight.Handled(1_500L)), _time);
        var first = room.TakeAsync(Call(1_000), 1_000, Read, _ => _taken.Task);
        var second = room.TakeAsync(Call(1_000), 1_000, Read, Task.FromResult);
        var unknown = room.TakeAsync(Call(null), 1_000, Read, Task.FromResult);
        Assert.False(first.IsCompleted || second.IsCompleted || unknown.IsCompleted);

        _time.Advance(TimeSpan.FromSeconds(11));
        var rejected = await Assert.ThrowsAsync<CallException>(() => second);
        await Assert.ThrowsAsync<CallException>(() => unknown);
        Assert.Equal((503, ErrorCodes.CallsTooMany), (rejected.Problem.Status, rejected.Problem.Code));

        var third = room.TakeAsync(Call(1_000), 1_000, Read, Task.FromResult);
        _taken.SetResult(1);
        Assert.Equal((1, 7), (await first, await third));
    }

    [Fact]
    public async Task A_body_that_does_not_arrive_releases_its_memory()
    {
        var room = new CallRoom(new MemoryGate(JsonWeight.Handled(1_000L)), _time);
        var slow = room.TakeAsync(
            Call(1_000), 1_000, until => Task.Delay(Timeout.InfiniteTimeSpan, _time, until).ContinueWith(_ => 0, until), Task.FromResult);

        _time.Advance(TimeSpan.FromSeconds(31));

        Assert.Equal(408, (await Assert.ThrowsAsync<CallException>(() => slow)).Problem.Status);
        Assert.Equal(7, await room.TakeAsync(Call(1_000), 1_000, Read, Task.FromResult));
    }

    private static Task<int> Read(CancellationToken until) => Task.FromResult(7);

    private static ApiCall Call(long? length)
    {
        var http = new DefaultHttpContext();
        http.Request.ContentLength = length;
        return new ApiCall(http, ApiRoutes.Submit, "tester");
    }
}
