using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text.Json;
using Onex.Workers.Operations;

namespace Onex.Workers.Sandbox;

/// <summary>
/// The process in which scripts or modules run, one at a time. A worker starts it, writes requests to its standard input and reads
/// responses from its standard output. It ends as soon as its standard input does, so that it never outlives the worker.
/// </summary>
public static class SandboxChild
{
    /// <summary>The command that starts the process. It is for workers only, so the help does not list it.</summary>
    public const string Verb = "sandbox";

    // The engines.
    internal const string Script = "script";
    internal const string Wasm = "wasm";

    /// <summary>The stack of a run. An overflow that the engine does not prevent ends the process.</summary>
    internal const int StackBytes = 16 * 1024 * 1024;

    /// <summary>Runs requests until standard input ends.</summary>
    /// <param name="engine">The engine: <c>script</c> or <c>wasm</c>.</param>
    public static int Run(string engine)
    {
        // A signal to the whole group, such as Ctrl+C, is for the worker, which lets computations finish.
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, signal => signal.Cancel = true);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);
        RaiseOomScore();
        using var input = Console.OpenStandardInput();
        using var output = Console.OpenStandardOutput();
        ISandboxEngine sandbox = engine == Wasm ? new WasmEngine() : new ScriptEngine();
        Job? current = null;
        using var ready = new SemaphoreSlim(0);
        new Thread(
            () =>
            {
                sandbox.WarmUp();
                // The worker waits for this frame before it sends a request.
                SandboxFrames.Write(output, []);
                while (true)
                {
                    ready.Wait();
                    Answer(sandbox, current!, output);
                }
            },
            StackBytes)
        {
            IsBackground = true,
            Name = "onex sandbox",
        }.Start();

        // This thread reads while the other one computes, so that it notices the end at any time.
        while (ReadJob(input) is { } next)
        {
            current = next;
            ready.Release();
        }

        // Not an orderly exit, which could wait for the computation.
        using var self = Process.GetCurrentProcess();
        self.Kill();
        return 0;
    }

    private static Job? ReadJob(Stream input)
    {
        if (SandboxFrames.Read(input) is not { } head || SandboxFrames.Read(input) is not { } inputJson)
        {
            return null;
        }

        var request = JsonSerializer.Deserialize(head, SandboxJson.Default.SandboxRequest)!;
        var module = request.ModuleFollows ? SandboxFrames.Read(input) : null;
        return request.ModuleFollows && module is null ? null : new Job(request, inputJson, module);
    }

    private static void Answer(ISandboxEngine engine, Job job, Stream output)
    {
        var (response, result) = Answer(engine, job);
        SandboxFrames.Write(output, JsonSerializer.SerializeToUtf8Bytes(response, SandboxJson.Default.SandboxResponse));
        if (response == SandboxResponse.Completed)
        {
            SandboxFrames.Write(output, result.Span);
        }
    }

    private static (SandboxResponse Response, ReadOnlyMemory<byte> Result) Answer(ISandboxEngine engine, Job job)
    {
        if (job.Module is null && !engine.HasModule(job.Request))
        {
            return (SandboxResponse.WithoutModule, default);
        }

        try
        {
            return (SandboxResponse.Completed, engine.Run(job.Request, job.Input, job.Module));
        }
        catch (ComputeRejectedException rejected)
        {
            return (new SandboxResponse { Code = rejected.Code, Message = rejected.Message }, default);
        }
        catch (ComputeFailedException failed)
        {
            return (new SandboxResponse { Code = failed.Code, Message = failed.Message }, default);
        }
        catch (OutOfMemoryException)
        {
            var problem = $"it needs more memory than its {job.Request.MemoryMb} MiB";
            return (new SandboxResponse { Code = SandboxCodes.MemoryExceeded, Message = problem }, default);
        }
    }

    // The highest score makes the kernel end the sandbox, not the worker, if the container is out of memory.
    private static void RaiseOomScore()
    {
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", "1000");
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
        }
    }

    private sealed record Job(SandboxRequest Request, byte[] Input, byte[]? Module);
}
