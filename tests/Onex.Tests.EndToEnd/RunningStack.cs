namespace Onex.Tests.EndToEnd;

/// <summary>One process of each role, which the tests of a class share.</summary>
public sealed class RunningStack : StackFixture
{
    /// <inheritdoc />
    protected override Task StartAsync(OnexStack stack) => stack.StartReadyAsync("main", "effects", "workers");
}
