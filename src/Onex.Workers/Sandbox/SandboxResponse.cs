namespace Onex.Workers.Sandbox;

/// <summary>The answer to a request. If its run completed, the result follows in a frame of its own.</summary>
internal sealed record SandboxResponse
{
    /// <summary>The run completed.</summary>
    public static readonly SandboxResponse Completed = new();

    /// <summary>The sandbox does not have the module, and did not run it.</summary>
    public static readonly SandboxResponse WithoutModule = new() { NeedsModule = true };

    /// <summary>Whether the request must be sent again with its module: it was not run.</summary>
    public bool NeedsModule { get; init; }

    /// <summary>The code of the run's rejection or failure; null if it completed or needs its module.</summary>
    public string? Code { get; init; }

    /// <summary>The reason of the rejection or failure in words, without the full stop; null if there is no code.</summary>
    public string? Message { get; init; }
}
