namespace Onex.Tests.Unit.Workers.Operations;

/// <summary>A compute that makes too much is rejected, and one that goes on for too long ends when it is cancelled.</summary>
public sealed class ComputeLimitsTests
{
    [Fact]
    public async Task A_join_with_too_many_rows_is_rejected()
    {
        var items = string.Join(',', Enumerable.Repeat("1", 1_001));

        await ComputeHarness.RejectsAsync(
            "join", $$"""{"left":[{{items}}],"right":[{{items}}],"left_key":"item","right_key":"item"}""",
            "result_too_large", "more than 1,000,000 rows");
    }

    [Fact]
    public async Task A_result_that_is_too_large_is_rejected()
    {
        var text = new string('x', 100_000);
        var many = string.Join(',', Enumerable.Repeat("1", 600));

        await ComputeHarness.RejectsAsync(
            "join", $$"""{"left":["{{text}}"],"right":[{{many}}],"left_key":"1","right_key":"1"}""",
            "result_too_large", "larger than 50 MiB");
    }

    [Theory]
    [InlineData("filter", """{"items":[ITEMS],"where":"values.a.exists(a, a < 0)","values":{"a":[NUMBERS]}}""")]
    [InlineData("sort", """{"items":[ITEMS],"by":[{"ascending":"values.a.exists(a, a < 0)"}],"values":{"a":[NUMBERS]}}""")]
    [InlineData("aggregate", """{"items":[ITEMS],"fields":{"x":{"count":"values.a.exists(a, a < 0)"}},"values":{"a":[NUMBERS]}}""")]
    [InlineData("merge", """{"lists":[[ITEMS]],"key":"values.a.exists(a, a < 0)","values":{"a":[NUMBERS]}}""")]
    [InlineData(
        "join", """{"left":[ITEMS],"right":[],"left_key":"values.a.exists(a, a < 0)","right_key":"1","values":{"a":[NUMBERS]}}""")]
    public async Task A_long_computation_ends_when_it_is_cancelled(string operation, string arguments)
    {
        // The work would take seconds. The operation itself must end, not only the wait for it.
        using var timer = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        var json = RawJson.FromText(arguments
            .Replace("ITEMS", string.Join(',', Enumerable.Repeat("1", 100_000)), StringComparison.Ordinal)
            .Replace("NUMBERS", string.Join(',', Enumerable.Range(0, 200)), StringComparison.Ordinal));

        await Assert.ThrowsAsync<OperationCanceledException>(
            () => ComputeHarness.CreateOperation(operation).RunAsync(json, new Onex.Workers.Operations.ComputeContext(timer.Token)));
    }
}
