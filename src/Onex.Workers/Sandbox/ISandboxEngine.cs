using Onex.Workers.Operations;

namespace Onex.Workers.Sandbox;

/// <summary>Runs scripts or modules, inside a sandbox.</summary>
internal interface ISandboxEngine
{
    /// <summary>Runs something small, so that the first run does not wait for the JIT compiler of .NET.</summary>
    void WarmUp();

    /// <summary>Whether the request can be run as it is: it is a script, or the engine still has its module.</summary>
    bool HasModule(SandboxRequest request);

    /// <summary>
    /// Runs a request and returns its result. Throws a <see cref="ComputeRejectedException"/> or <see cref="ComputeFailedException"/> with
    /// one of <see cref="SandboxCodes"/> or <see cref="ComputeRejectedException.ResultTooLarge"/>.
    /// </summary>
    ReadOnlyMemory<byte> Run(SandboxRequest request, byte[] input, byte[]? module);
}
