using Onex.Workers.Operations;

namespace Onex.Workers.Sandbox;

/// <summary>Runs scripts or modules, inside a sandbox.</summary>
internal interface ISandboxEngine
{
    /// <summary>Runs something small, so that the first run does not wait for the JIT compiler of .NET.</summary>
    void WarmUp();

    /// <summary>Whether it can run a request without being sent the module, because it has it or needs none.</summary>
    bool HasModule(SandboxRequest request);

    /// <summary>
    /// Runs a request and returns its result. Throws a <see cref="ComputeRejectedException"/> or <see cref="ComputeFailedException"/> with
    /// one of <see cref="SandboxCodes"/>.
    /// </summary>
    ReadOnlyMemory<byte> Run(SandboxRequest request, byte[] input, byte[]? module);
}
