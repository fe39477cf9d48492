using System.Collections.Concurrent;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;

namespace Onex.Tests.Unit.Hosting.Plugins;

public sealed class PluginRunsTests
{
    private readonly RoleHealth _health = new();
    private readonly PluginRuns _runs;

    public PluginRunsTests() => _runs = new PluginRuns("acme.hang", "Acme", _health);

    [Fact]
    public async Task No_more_attempts_are_started_while_many_run_on_after_their_time_limit()
    {
        var hanging = Enumerable.Range(0, PluginRuns.AbandonedMax).Select(_ => new TaskCompletionSource<int>()).ToList();
        foreach (var attempt in hanging)
        {
            using var limit = new CancellationTokenSource();
            var running = _runs.RunAsync(() => attempt.Task, limit.Token);
            await limit.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        }

        var stuck = await Assert.ThrowsAsync<PluginException>(() => _runs.RunAsync(() => Task.FromResult(1), default));

        Assert.Equal(StepCodes.OperationStuck, stuck.Code);
        Assert.StartsWith(
            "acme.hang (plug-in Acme): 8 earlier attempts have passed their time limit and still run", stuck.Message,
            StringComparison.Ordinal);

        var failure = Assert.Single(_health.Failures);
        Assert.Equal(("acme.hang", true), (failure.Handler, failure.Error.StartsWith("8 earlier attempts", StringComparison.Ordinal)));

        hanging[0].SetException(new InvalidOperationException());
        await Eventually.Async(RunsAsync, TimeSpan.FromSeconds(20), () => "No attempt is started although one has ended.");
        hanging.ForEach(attempt => attempt.TrySetResult(0));

        async Task<bool> RunsAsync()
        {
            try
            {
                return await _runs.RunAsync(() => Task.FromResult(2), default) == 2 && _health.Failures.Count == 0;
            }
            catch (PluginException)
            {
                return false;
            }
        }
    }

    [Fact]
    public async Task A_result_that_comes_as_the_cancellation_fires_is_kept()
    {
        var attempt = new TaskCompletionSource<int>();
        using var limit = new CancellationTokenSource();
        var late = new LateContinuations();
        var started = new TaskCompletionSource();
        var running = late.Call(() => _runs.RunAsync(
            () =>
            {
                started.SetResult();
                return attempt.Task;
            },
            limit.Token));
        await started.Task;

        await limit.CancelAsync();
        attempt.SetResult(5);

        // Until the thread that started the attempt has noted its end.
        await Task.Delay(TimeSpan.FromMilliseconds(500), TimeProvider.System, TestContext.Current.CancellationToken);
        late.Run();

        Assert.Equal(5, await running);
    }

    [Fact]
    public async Task An_exception_is_reported_without_its_message_unless_something_cannot_be_loaded()
    {
        var thrown = await Assert.ThrowsAsync<PluginException>(
            () => _runs.RunAsync<int>(() => throw new InvalidOperationException("secret"), default));
        var notLoaded = await Assert.ThrowsAsync<PluginException>(
            () => _runs.RunAsync<int>(() => throw new MissingMethodException("Acme.Parts", "Turn"), default));

        Assert.Equal(StepCodes.OperationFailed, thrown.Code);
        Assert.Equal("acme.hang (plug-in Acme) threw InvalidOperationException.", thrown.Message);
        Assert.Contains("threw MissingMethodException: ", notLoaded.Message, StringComparison.Ordinal);
    }

    // Runs the continuations of a call only when Run is called.
    private sealed class LateContinuations : SynchronizationContext
    {
        private readonly BlockingCollection<Action> _continuations = [];

        public override void Post(SendOrPostCallback d, object? state) => _continuations.Add(() => d(state));

        public T Call<T>(Func<T> function)
        {
            var before = Current;
            SetSynchronizationContext(this);
            try
            {
                return function();
            }
            finally
            {
                SetSynchronizationContext(before);
            }
        }

        public void Run() => _continuations.Take()();
    }
}
