using System.Runtime.ExceptionServices;
using Xunit.Sdk;

namespace Onex.Tests.EndToEnd;

/// <summary>A stack shared by the tests of a class. If the machine lacks a dependency, each test is skipped with the reason.</summary>
public abstract class StackFixture : IAsyncLifetime
{
    private OnexStack? _stack;
    private ExceptionDispatchInfo? _skip;

    /// <summary>The running stack.</summary>
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
