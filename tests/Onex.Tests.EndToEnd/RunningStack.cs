using Onex.Tests.Support;

namespace Onex.Tests.EndToEnd;

/// <summary>One main, one effects and one workers process, which the tests of a class share.</summary>
public sealed class RunningStack : IAsyncLifetime
{
    /// <summary>What runs.</summary>
    public OnexStack Stack { get; private set; } = null!;

    /// <inheritdoc />
    public async ValueTask InitializeAsync()
    {
        Stack = await OnexStack.CreateAsync();
        await Stack.StartReadyAsync("main", "effects", "workers");
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => Stack is null ? ValueTask.CompletedTask : Stack.DisposeAsync();
}
