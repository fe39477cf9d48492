namespace Onex.Tests.EndToEnd.Orchestrators;

/// <summary>Two orchestrators, and many concurrent requests with the same business keys.</summary>
public sealed class OverlappingKeysTests
{
    private const int Keys = 20;
    private const int Rounds = 15;
    private const string DeadlockDetected = "40P01";

    [Fact]
    public async Task Overlapping_keys_have_one_live_saga_each_and_cause_no_deadlock()
    {
        await using var stack = await OnexStack.CreateAsync();
        stack.Services.Usual = new Treatment { Latency = TimeSpan.FromMilliseconds(20) };
        await stack.StartReadyAsync("main", "main", "effects", "workers");
        var orders = Enumerable.Range(0, Keys).Select(number => Names.Next($"key{number}")).ToList();

        // Sends all rounds at once, each with every key, in alternating order and on partitions of both orchestrators.
        var requests = Enumerable.Range(0, Rounds).SelectMany(round =>
            (round % 2 == 0 ? orders : Enumerable.Reverse(orders)).Select((order, index) =>
                stack.OrderAsync(order, partition: (round + index) % OnexStack.Partitions)));
        var correlationIds = await Task.WhenAll(requests);
        var moreThanOne = new List<string>();
        await Eventually.Async(
            async () =>
            {
                moreThanOne.AddRange(await stack.Database.QueryAsync(
                    "SELECT business_key, count(*) FROM onex.sagas WHERE ended_at IS NULL GROUP BY 1 HAVING count(*) > 1"));
                return correlationIds.All(id => stack.Responses.For(id).Count > 0);
            },
            TimeSpan.FromSeconds(120),
            () => $"{correlationIds.Count(id => stack.Responses.For(id).Count > 0)} of {correlationIds.Length} requests were answered");

        Assert.Empty(moreThanOne);
        stack.AssertOneResponseEach(correlationIds);
        var answers = correlationIds.Select(id => stack.Responses.For(id)[0]).ToList();
        Assert.All(answers, answer => Assert.True(
            answer.Field("status") == "success" || answer.Field("code") == "ONEX3009", answer.Text));
        var started = answers.Count(answer => answer.Field("status") == "success");
        Assert.Equal(started, await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas"));

        // At least one request met a live saga.
        Assert.InRange(started, Keys, correlationIds.Length - 1);
        stack.AssertNoLoggedErrors();
        Assert.DoesNotContain(
            stack.Processes.SelectMany(process => process.Output.Concat(process.Errors)),
            line => line.Contains(DeadlockDetected, StringComparison.Ordinal)
                && line.Contains("error", StringComparison.OrdinalIgnoreCase));
    }
}
