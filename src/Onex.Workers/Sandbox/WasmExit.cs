namespace Onex.Workers.Sandbox;

/// <summary>The module called <c>proc_exit</c>.</summary>
/// <param name="code">Its exit code.</param>
internal sealed class WasmExit(int code) : Exception
{
    public int Code { get; } = code;
}
