namespace Onex.Tests.Compliance.Kafka;

/// <summary>Waits for a condition instead of a fixed time.</summary>
public static class Condition
{
    public static Task HoldsAsync(Func<bool> condition, Func<string>? state = null, TimeSpan? within = null) =>
        HoldsAsync(() => Task.FromResult(condition()), state, within);

    public static async Task HoldsAsync(Func<Task<bool>> condition, Func<string>? state = null, TimeSpan? within = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < (within ?? TimeSpan.FromMinutes(1)), "never came true: " + state?.Invoke());
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System, TestContext.Current.CancellationToken);
        }
    }
}
