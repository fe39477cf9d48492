using Onex.Hosting.Settings;

namespace Onex.Workers.Sandbox;

/// <summary>
/// The processes of one engine, as many as there are runs at a time; the worker bounds that number. A process is started when it is needed,
/// used again, and ended after one to two minutes without work.
/// </summary>
internal sealed class SandboxPool : IDisposable
{
    private static readonly TimeSpan _idleMax = TimeSpan.FromMinutes(1);

    private readonly SandboxCommand _command;
    private readonly string _engine;
    private readonly int _memoryMb;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private readonly Lock _lock = new();
    private readonly Stack<SandboxProcess> _idle = [];
    private readonly HashSet<SandboxProcess> _running = [];
    private bool _disposed;

    public SandboxPool(SandboxCommand command, string engine, SandboxSettings settings, TimeProvider time)
    {
        _command = command;
        _engine = engine;
        _memoryMb = settings.MemoryMb;
        _time = time;
        _timer = time.CreateTimer(static pool => ((SandboxPool)pool!).EndIdle(), this, _idleMax, _idleMax);
    }

    /// <summary>The ids of its processes that wait for work.</summary>
    public IReadOnlyList<int> IdleProcessIds
    {
        get
        {
            lock (_lock)
            {
                return [.. _idle.Select(process => process.Id)];
            }
        }
    }

    /// <summary>Runs a request as <see cref="SandboxProcess.RunAsync"/> does, in a process that runs nothing else meanwhile.</summary>
    public async Task<ReadOnlyMemory<byte>> RunAsync(
        SandboxRequest request, ReadOnlyMemory<byte> input, ReadOnlyMemory<byte>? module, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        var process = Take() ?? await StartAsync(cancellation);
        try
        {
            return await process.RunAsync(request, input, module, cancellation);
        }
        finally
        {
            Return(process);
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        lock (_lock)
        {
            _disposed = true;
            foreach (var process in _running)
            {
                process.Kill();
            }

            foreach (var process in _idle)
            {
                process.Dispose();
            }

            _idle.Clear();
        }
    }

    private SandboxProcess? Take()
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            while (_idle.TryPop(out var process))
            {
                if (process.IsUsable)
                {
                    _running.Add(process);
                    return process;
                }

                // It ended while it was idle: the kernel ends sandboxes first if memory is short.
                process.Dispose();
            }

            return null;
        }
    }

    private async Task<SandboxProcess> StartAsync(CancellationToken cancellation)
    {
        var process = await SandboxProcess.StartAsync(_command, _engine, _memoryMb, _time, cancellation);
        lock (_lock)
        {
            if (!_disposed)
            {
                _running.Add(process);
                return process;
            }
        }

        process.Dispose();
        throw new ObjectDisposedException(nameof(SandboxPool));
    }

    private void Return(SandboxProcess process)
    {
        lock (_lock)
        {
            _running.Remove(process);
            if (process.IsUsable && !_disposed)
            {
                _idle.Push(process);
                return;
            }
        }

        process.Dispose();
    }

    private void EndIdle()
    {
        List<SandboxProcess> ended;
        lock (_lock)
        {
            ended = [.. _idle.Where(process => _time.GetElapsedTime(process.UsedAt) >= _idleMax)];
            var stillIdle = _idle.Except(ended).Reverse().ToList();
            _idle.Clear();
            stillIdle.ForEach(_idle.Push);
        }

        ended.ForEach(process => process.Dispose());
    }
}
