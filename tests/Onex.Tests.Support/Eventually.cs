using System.Diagnostics;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>Waits for a condition, with a deadline.</summary>
public static class Eventually
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(50);

    /// <summary>
    /// Polls until <paramref name="condition"/> holds; fails with the text of <paramref name="describe"/>: what was awaited, or what was
    /// seen instead.
    /// </summary>
    /// <returns>How long it took.</returns>
    public static async Task<TimeSpan> Async(Func<Task<bool>> condition, TimeSpan within, Func<string> describe)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            if (await condition())
            {
                return clock.Elapsed;
            }

            if (clock.Elapsed > within)
            {
                Assert.Fail($"Not within {within.TotalSeconds:0.#} s: {describe()}");
            }

            await Task.Delay(_pause, TimeProvider.System);
        }
    }

    /// <summary>The same, for a synchronous condition.</summary>
    public static Task<TimeSpan> Async(Func<bool> condition, TimeSpan within, Func<string> describe) =>
        Async(() => Task.FromResult(condition()), within, describe);

    /// <summary>Polls until <paramref name="get"/> gives something other than null, and returns it.</summary>
    public static async Task<T> GetAsync<T>(Func<Task<T?>> get, TimeSpan within, Func<string> describe)
        where T : class
    {
        T? found = null;
        await Async(async () => (found = await get()) is not null, within, describe);
        return found!;
    }
}
