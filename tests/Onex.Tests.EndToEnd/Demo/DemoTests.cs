using System.Diagnostics;

namespace Onex.Tests.EndToEnd.Demo;

/// <summary>The demo of <c>./dev demo</c>, in a directory of its own, with its output piped.</summary>
public sealed class DemoTests : IDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-demo-");

    public DemoTests()
    {
        foreach (var file in Directory.EnumerateFiles(Repository.At("contracts"), "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(_directory.FullName, Path.GetRelativePath(Repository.Root, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task A_killed_demo_continues_its_orders()
    {
        await using (var killed = new DemoProcess(_directory))
        {
            // At this time some orders have ended, some wait, and some have an external call in flight.
            await killed.WaitForLineAsync("awaiting_new_card (waiting)");
            await killed.KillAsync();
        }

        await using var next = new DemoProcess(_directory);

        Assert.True(await next.WaitForEndAsync() == 0, string.Join('\n', next.Lines));
        Assert.Contains(next.Lines, line => line.EndsWith("unfinished orders continue.", StringComparison.Ordinal));
        Assert.Contains(next.Lines, line => line.StartsWith("Every order ended as it should", StringComparison.Ordinal));
        Assert.DoesNotContain(next.Lines, line => line.Contains('\u001b', StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_demo_with_an_unexpected_order_outcome_fails()
    {
        var contract = Path.Combine(_directory.FullName, "contracts", "order-fulfilment.yaml");
        const string Compensates =
            """
                    compensate:
                      effect: http.delete
                      connection: stock
                      with: { path: "/reservations/${result.body.id}" }
                      timeout: 2s
                      # If it is unknown, after the last attempt, whether it took effect: an operator finds out, then retries or skips.
                      when_unknown: block
            """;
        var text = await File.ReadAllTextAsync(contract);
        Assert.Contains(Compensates, text);
        await File.WriteAllTextAsync(
            contract, text.Replace(Compensates, "        compensate: { none: it is missing }", StringComparison.Ordinal));
        await using var run = new DemoProcess(_directory);

        Assert.True(await run.WaitForEndAsync() == 1, string.Join('\n', run.Lines));
        Assert.Contains(run.Lines, line => line.Contains("not compensated: reserve", StringComparison.Ordinal));
    }

    private sealed class DemoProcess : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly string _reaperId;
        private readonly Lock _lock = new();
        private readonly List<string> _lines = [];

        public DemoProcess(DirectoryInfo directory)
        {
            var configuration = Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/'));
            var start = new ProcessStartInfo("dotnet", [Repository.At("artifacts", "bin", "Onex.Demo", configuration, "Onex.Demo.dll")])
            {
                UseShellExecute = false,
                WorkingDirectory = directory.FullName,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            _process = Process.Start(start) ?? throw new InvalidOperationException("dotnet did not start.");
            _reaperId = Reaper.KillAtExit(_process.Id);
            _process.StandardInput.Close();
            _process.OutputDataReceived += (_, line) => AddLine(line.Data);
            _process.ErrorDataReceived += (_, line) => AddLine(line.Data);
            _process.BeginOutputReadLine();
            _process.BeginErrorReadLine();
        }

        public IReadOnlyList<string> Lines
        {
            get
            {
                lock (_lock)
                {
                    return [.. _lines];
                }
            }
        }

        public Task<TimeSpan> WaitForLineAsync(string text) => Eventually.Async(
            () => Lines.Any(line => line.Contains(text, StringComparison.Ordinal)),
            _within,
            () => $"no '{text}' in:\n{string.Join('\n', Lines)}");

        public async Task<int> WaitForEndAsync()
        {
            await Eventually.Async(() => _process.HasExited, _within, () => $"the demo still runs:\n{string.Join('\n', Lines)}");

            // Waits for the last lines of the output, too.
            await _process.WaitForExitAsync();
            return _process.ExitCode;
        }

        public async Task KillAsync()
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited)
            {
                await KillAsync();
            }

            Reaper.Remove(_reaperId);
            _process.Dispose();
        }

        private void AddLine(string? line)
        {
            if (line is not null)
            {
                lock (_lock)
                {
                    _lines.Add(line);
                }
            }
        }
    }
}
