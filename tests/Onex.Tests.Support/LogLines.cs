using Microsoft.Extensions.Logging;

namespace Onex.Tests.Support;

/// <summary>Collects what is logged, as <c>Warning: the text</c>.</summary>
public sealed class LogLines<T> : ILogger<T>
{
    private readonly List<string> _all = [];

    /// <summary>The lines so far.</summary>
    public IReadOnlyList<string> All
    {
        get
        {
            lock (_all)
            {
                return [.. _all];
            }
        }
    }

    /// <summary>The number of lines of a level.</summary>
    public int Count(string level) => All.Count(line => line.StartsWith(level, StringComparison.Ordinal));

    /// <inheritdoc />
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    /// <inheritdoc />
    public bool IsEnabled(LogLevel logLevel) => true;

    /// <inheritdoc />
    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_all)
        {
            _all.Add($"{logLevel}: {formatter(state, exception)}");
        }
    }
}
