using System.Runtime.ExceptionServices;
using Onex.Tests.Support;
using Xunit.Sdk;

namespace Onex.Tests.EndToEnd;

/// <summary>
/// A stack that the tests of a class share. Where the machine lacks what it needs, each of them is skipped with the reason.
/// </summary>
public abstract class StackFixture : IAsyncLifetime
{
    private OnexStack? _stack;
    private ExceptionDispatchInfo? _skip;

    /// <summary>What runs.</summary>
    public OnexStack Stack
    {
        get
        {
            _skip?.Throw();
            return _stack ?? throw new InvalidOperationException("Not started yet.");
        }
    }

    /// <inheritdoc />
    public async ValueTask InitializeAsync()
    {
        try
        {
            _stack = await OnexStack.CreateAsync();
        }
        catch (SkipException missing)
        {
            // Thrown again in each test: xunit reports a skip in a fixture as a failure.
            _skip = ExceptionDispatchInfo.Capture(missing);
            return;
        }

        await StartAsync(_stack);
    }

    /// <inheritdoc />
    public virtual async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_stack is not null)
        {
            await _stack.DisposeAsync();
        }
    }

    /// <summary>Starts the processes.</summary>
    protected abstract Task StartAsync(OnexStack stack);
}
