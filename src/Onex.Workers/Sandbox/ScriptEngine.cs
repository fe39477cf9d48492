using System.Globalization;
using System.Text.RegularExpressions;
using Jint;
using Jint.Native.Json;
using Jint.Runtime;
using Jint.Runtime.Interop;
using Onex.Workers.Operations;
using JintEngine = Jint.Engine;

namespace Onex.Workers.Sandbox;

/// <summary>
/// Runs scripts with Jint: without access to .NET, modules, files or the network, and without anything that gives another result for the
/// same input, such as a clock. Each run has an engine of its own.
/// </summary>
internal sealed class ScriptEngine : ISandboxEngine
{
    // Intl reads the clock. FinalizationRegistry and WeakRef depend on the garbage collector. Atomics and SharedArrayBuffer are for
    // threads. A ShadowRealm has global objects of its own, so it would have all of these.
    private static readonly string[] _removed =
        ["Atomics", "FinalizationRegistry", "Intl", "ShadowRealm", "SharedArrayBuffer", "WeakRef"];

    // The memory that an item of an array takes at least.
    private const int ArrayItemBytes = 8;

    private const int MessageMax = 500;

    public void WarmUp() => Run(
        new SandboxRequest
        {
            Script = "return { sum: input.items.map(item => item.n).reduce((sum, n) => sum + n, 0), text: `${input.text}` };",
            TimeoutMs = 10_000,
            MemoryMb = 16,
            Statements = 1_000,
            Recursion = 10,
        },
        """{"items":[{"n":1},{"n":2.5}],"text":"warm"}"""u8.ToArray(),
        null);

    public bool HasModule(SandboxRequest request) => true;

    public ReadOnlyMemory<byte> Run(SandboxRequest request, byte[] input, byte[]? module)
    {
        try
        {
            var script = Parse(request);
            using var engine = Create(request);
            engine.SetValue("input", new JsonParser(engine).Parse((ReadOnlySpan<byte>)input));
            return ScriptResult.Write(engine.Evaluate(script));
        }
        catch (Exception exception) when (exception is InsufficientExecutionStackException
            || (exception is JavaScriptException && exception.Message.StartsWith("Maximum call stack size", StringComparison.Ordinal)))
        {
            throw SandboxCodes.Exception(
                SandboxCodes.RecursionExceeded, $"it needs a larger stack than its {SandboxChild.StackBytes / (1024 * 1024)} MiB");
        }
        catch (JavaScriptException thrown)
        {
            throw SandboxCodes.Exception(SandboxCodes.ScriptFailed, Describe(thrown));
        }
        catch (RecursionDepthOverflowException)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.RecursionExceeded, $"its functions call each other more than {request.Recursion:N0} deep");
        }
        catch (StatementsCountOverflowException)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.StatementsExceeded, $"it executes more than {request.Statements:N0} statements");
        }
        catch (MemoryLimitExceededException exception)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.MemoryExceeded, $"it needs more memory than its {request.MemoryMb} MiB: {exception.Message.TrimEnd('.')}");
        }
        catch (RegexMatchTimeoutException)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.TimeExceeded, $"one of its regular expressions did not end within {request.TimeoutMs} ms");
        }
        catch (Exception exception) when (exception is not (OutOfMemoryException or ComputeRejectedException or ComputeFailedException))
        {
            // A feature that is off, such as import, or a defect of the engine.
            throw SandboxCodes.Exception(SandboxCodes.ScriptFailed, Clip(exception.Message.TrimEnd('.')));
        }
    }

    private static Prepared<Acornima.Ast.Script> Parse(SandboxRequest request)
    {
        try
        {
            return JintEngine.PrepareScript(request.Script!, "script", strict: true);
        }
        catch (ScriptPreparationException exception)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.ScriptInvalid, Clip((exception.InnerException ?? exception).Message.TrimEnd('.')));
        }
    }

    private static JintEngine Create(SandboxRequest request)
    {
        var engine = new JintEngine(options =>
        {
            options.Strict()
                .DisableStringCompilation()
                .LimitRecursion(request.Recursion)
                .MaxStatements(request.Statements)
                .Constraint(new ScriptMemory(request.MemoryMb))
                .Culture(CultureInfo.InvariantCulture)
                .LocalTimeZone(TimeZoneInfo.Utc);
            options.TimeSystem = new NoClock();
            options.Constraints.StackOverflowGuard = true;
            options.Constraints.MaxArraySize = (uint)(request.MemoryBytes() / ArrayItemBytes);
            options.Constraints.RegexTimeout = TimeSpan.FromMilliseconds(request.TimeoutMs);
        });
        foreach (var name in _removed)
        {
            engine.Global.Delete(name);
        }

        engine.Global.Get("Math").AsObject().FastSetDataProperty(
            "random", new ClrFunction(engine, "random", static (_, _) => throw NoClock.NotDeterministic("Math.random")));
        return engine;
    }

    private static string Describe(JavaScriptException thrown)
    {
        var message = thrown.Error.IsObject() && thrown.Message is "undefined" or "" ? "it threw an object" : thrown.Message;
        var at = thrown.Location.Start;
        return Clip(
            at.Line == 0
                ? message
                : string.Create(CultureInfo.InvariantCulture, $"{message.TrimEnd('.')} (line {at.Line}, column {at.Column + 1})"));
    }

    private static string Clip(string text) => text.Length > MessageMax ? text[..MessageMax] : text;
}
