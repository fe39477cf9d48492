using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Onex.Hosting.Logging;

/// <summary>
/// Also writes log lines to a file, one per host, because replicas share a directory. The format is JSON, because machines read it later.
/// Lines that cannot be written are lost and counted on stderr: logging must neither stop nor delay the process.
/// </summary>
internal sealed class LogFile : ILoggerProvider, ISupportExternalScope
{
    /// <summary>A file that grows beyond this is renamed to <c>.log.1</c>, which replaces the previous one.</summary>
    public const int FileBytesMax = 16 * 1024 * 1024;

    private const int LinesQueuedMax = 8192;

    private static readonly TimeSpan _flushMax = TimeSpan.FromSeconds(2);

    private readonly JsonLogFormatter _formatter;
    private readonly BlockingCollection<string> _lines = new(LinesQueuedMax);
    private readonly LogFileWriter _file;
    private readonly Thread _writer;
    private IExternalScopeProvider? _scopes;
    private int _droppedLines;

    public LogFile(string directory, TimeProvider time, TextWriter errors, string? host = null, int fileBytesMax = FileBytesMax)
    {
        _formatter = new JsonLogFormatter(time);
        _file = new LogFileWriter(Path.Combine(directory, $"{host ?? Environment.MachineName}.log"), fileBytesMax, time, errors);

        // A separate thread, because a disk that hangs must not block others.
        _writer = new Thread(WriteAll) { IsBackground = true, Name = "log file" };
        _writer.Start();
    }

    public ILogger CreateLogger(string categoryName) => new Logger(this, categoryName);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => _scopes = scopeProvider;

    public void Dispose()
    {
        if (!_lines.IsAddingCompleted)
        {
            _lines.CompleteAdding();
            _writer.Join(_flushMax);
        }
    }

    private void WriteAll()
    {
        using (_file)
        {
            foreach (var line in _lines.GetConsumingEnumerable())
            {
                _file.Write(line, Interlocked.Exchange(ref _droppedLines, 0), flush: _lines.Count == 0);
            }
        }
    }

    private void Enqueue(string line)
    {
        try
        {
            if (!_lines.TryAdd(line))
            {
                Interlocked.Increment(ref _droppedLines);
            }
        }
        catch (InvalidOperationException)
        {
            // The line was logged after Dispose. The console has it.
        }
    }

    private sealed class Logger(LogFile file, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => file._scopes?.Push(state);

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var text = new StringWriter();
            file._formatter.Write(new LogEntry<TState>(logLevel, category, eventId, state, exception, formatter), file._scopes, text);
            file.Enqueue(text.ToString());
        }
    }
}

/// <summary>The file of <see cref="LogFile"/>: opened at the first write, and reopened after an error.</summary>
internal sealed class LogFileWriter(string path, int fileBytesMax, TimeProvider time, TextWriter errors) : IDisposable
{
    private static readonly TimeSpan _retryAfter = TimeSpan.FromMinutes(1);

    private FileStream? _stream;
    private DateTimeOffset _notBefore;
    private long _lost;

    /// <summary>Writes a line, or counts it as lost, together with lines that were dropped before it.</summary>
    public void Write(string line, int droppedBefore, bool flush)
    {
        _lost += droppedBefore;
        if (time.GetUtcNow() < _notBefore)
        {
            _lost++;
            return;
        }

        try
        {
            if (_stream?.Position >= fileBytesMax)
            {
                Rotate();
            }

            _stream ??= Open();
            _stream.Write(Encoding.UTF8.GetBytes(line));
            if (flush)
            {
                _stream.Flush();
            }

            ReportLost();
        }
        catch (Exception failure)
        {
            // Every exception is caught here, because it would otherwise end the process.
            Close();
            _lost++;
            _notBefore = time.GetUtcNow() + _retryAfter;
            Warn(
                $"warning: log lines cannot be written to {path} ({failure.Message}). Make room, or make it writable; it is retried every "
                + "minute. The console has every line.");
        }
    }

    public void Dispose() => Close();

    private FileStream Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);

        // An advisory lock, which readers such as tail ignore: two processes that write one file would overwrite each other's lines.
        return new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.None);
    }

    private void Rotate()
    {
        _stream!.Dispose();
        _stream = null;
        File.Move(path, path + ".1", overwrite: true);
    }

    private void ReportLost()
    {
        if (_lost > 0)
        {
            Warn($"warning: {_lost} log lines are missing in {path}. The console has every line.");
            _lost = 0;
        }
    }

    private void Warn(string text)
    {
        try
        {
            errors.WriteLine(text);
        }
        catch (IOException)
        {
            // Stderr is on the full disk, too.
        }
    }

    private void Close()
    {
        try
        {
            _stream?.Dispose();
        }
        catch (IOException)
        {
            // The disk is full, and the rest of the buffer is lost.
        }

        _stream = null;
    }
}
