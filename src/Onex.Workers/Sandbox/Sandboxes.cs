using Onex.Hosting.Settings;

namespace Onex.Workers.Sandbox;

/// <summary>The processes for scripts and those for modules. They are separate, so that each loads only its own engine.</summary>
internal sealed class Sandboxes(SandboxSettings settings, SandboxCommand command, TimeProvider time) : IDisposable
{
    public SandboxSettings Settings { get; } = settings;

    public SandboxPool Scripts { get; } = new(command, SandboxChild.Script, settings, time);

    public SandboxPool Modules { get; } = new(command, SandboxChild.Wasm, settings, time);

    public void Dispose()
    {
        Scripts.Dispose();
        Modules.Dispose();
    }
}
