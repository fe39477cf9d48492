namespace Onex.Tests.EndToEnd.Starting;

/// <summary>A role completes the messages in flight before it stops.</summary>
public sealed class StopTests
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task A_role_drains_on_SIGTERM_and_exits_with_0()
    {
        await using var stack = await OnexStack.CreateAsync();
        stack.Services.Usual = new Treatment { Latency = TimeSpan.FromMilliseconds(200) };
        var roles = await stack.StartReadyAsync("main", "effects", "workers");
        var correlationIds = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => stack.OrderAsync(Names.Next("stop"))));
        await Eventually.Async(() => stack.Services.Calls.Count > 15, _timeout, () => $"{stack.Services.Calls.Count} calls were made");

        // Under load: each role has messages in flight.
        var before = roles.Select(role => role.Output.Count).ToList();
        var codes = await Task.WhenAll(roles.Select(role => role.TerminateAsync()));
        Assert.Equal([0, 0, 0], codes);
        var answered = correlationIds.Count(id => stack.Responses.For(id).Count > 0);
        Assert.DoesNotContain(
            roles.SelectMany((role, index) => role.Output.Skip(before[index])),
            line => line.Contains(" is unavailable", StringComparison.Ordinal));
        Assert.True(answered < correlationIds.Length, "all orders had ended before the roles were asked to stop: nothing was proved");

        await stack.StartReadyAsync("main", "effects", "workers");
        foreach (var correlationId in correlationIds)
        {
            Assert.Equal("success", (await stack.Responses.ReadAsync(correlationId, _timeout)).Field("status"));
        }

        stack.AssertOneResponseEach(correlationIds);
        Assert.Empty(stack.Services.KeyViolations());
        stack.AssertNoLoggedErrors();
    }
}
