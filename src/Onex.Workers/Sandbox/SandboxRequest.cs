namespace Onex.Workers.Sandbox;

/// <summary>What a sandbox must run. Its input follows in a frame of its own, and then the module, if it is sent.</summary>
internal sealed record SandboxRequest
{
    /// <summary>The text of the script, or null for a module.</summary>
    public string? Script { get; init; }

    /// <summary>The SHA-256 of the module, or null for a script.</summary>
    public string? Module { get; init; }

    /// <summary>Whether the module is sent, because the sandbox does not have it yet.</summary>
    public bool ModuleFollows { get; init; }

    public required int TimeoutMs { get; init; }

    public required int MemoryMb { get; init; }

    /// <summary>The statements that a script may execute.</summary>
    public int Statements { get; init; }

    /// <summary>How deep the functions of a script may call each other.</summary>
    public int Recursion { get; init; }

    /// <summary>The instructions that a module may execute, in millions.</summary>
    public int FuelMillions { get; init; }

    public long MemoryBytes() => MemoryMb * 1024L * 1024;
}
