using System.Diagnostics;

namespace Onex.Tests.EndToEnd.Workers;

/// <summary>
/// A running worker of <c>samples/</c>, or of a changed copy. If its language is missing, the test is skipped with the reason.
/// </summary>
internal sealed class SampleWorker : IAsyncDisposable
{
    private static readonly string[] _pythons = ["python3", "/usr/bin/python3"];

    private readonly Process _process;
    private readonly string _reaperId;

    private SampleWorker(Process process) => (_process, _reaperId) = (process, Reaper.KillAtExit(process.Id));

    public static async Task<SampleWorker> StartAsync(string language, OnexStack stack, string? pythonFile = null)
    {
        var (program, file) = language == "python" ? await PythonAsync(pythonFile) : Node();
        var start = new ProcessStartInfo(program, [file])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        };
        start.Environment["KAFKA_BOOTSTRAP_SERVERS"] = stack.Broker.BootstrapServers;
        start.Environment["ONEX_TOPIC_PREFIX"] = stack.Settings["ONEX_TOPIC_PREFIX"];
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start.");
        var worker = new SampleWorker(process);
        var ready = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) => ready.TrySetResult(line.Data);
        process.BeginOutputReadLine();
        Assert.Equal("ready", await ready.Task);
        return worker;
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        Reaper.Remove(_reaperId);
    }

    private static async Task<(string Program, string File)> PythonAsync(string? file)
    {
        foreach (var python in _pythons.Where(python => python[0] == '/' ? File.Exists(python) : Shell.Which(python) is not null))
        {
            if ((await Shell.RunAsync(python, "-c", "import confluent_kafka")).Code == 0)
            {
                return (python, file ?? Repository.At("samples", "worker-python", "worker.py"));
            }
        }

        Assert.Skip("No Python with confluent_kafka: apt-get install python3-confluent-kafka.");
        throw new UnreachableException();
    }

    private static (string Program, string File) Node()
    {
        var built = Repository.At("samples", "worker-typescript", "dist", "worker.js");
        Assert.SkipWhen(Shell.Which("node") is null, "No Node: install it.");
        Assert.SkipUnless(
            File.Exists(built),
            "The sample is not built: run 'npm install && npx tsc' in samples/worker-typescript, as ./dev test e2e does.");
        return ("node", built);
    }
}
