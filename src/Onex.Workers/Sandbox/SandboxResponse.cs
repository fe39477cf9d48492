namespace Onex.Workers.Sandbox;

/// <summary>How a run in a sandbox ended. If it completed, its result follows in a frame of its own.</summary>
internal sealed record SandboxResponse
{
    /// <summary>The run completed.</summary>
    public static readonly SandboxResponse Completed = new();

    /// <summary>The sandbox does not have the module, and did not run it.</summary>
    public static readonly SandboxResponse WithoutModule = new() { NeedsModule = true };

    /// <summary>Whether the module must be sent.</summary>
    public bool NeedsModule { get; init; }

    /// <summary>Why it did not complete: one of <see cref="SandboxCodes"/>. Null if it completed.</summary>
    public string? Code { get; init; }

    /// <summary>Why it did not complete, in words, without the full stop. Null if it completed.</summary>
    public string? Message { get; init; }
}
