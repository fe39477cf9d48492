namespace Onex.Hosting.Settings;

/// <summary>The limits of a script or module (<c>sandbox.*</c>). A step may set lower ones for itself.</summary>
public sealed record SandboxSettings
{
    /// <summary><c>sandbox.timeout</c>.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary><c>sandbox.memory_mb</c>.</summary>
    public required int MemoryMb { get; init; }

    /// <summary><c>sandbox.statements</c>.</summary>
    public required int Statements { get; init; }

    /// <summary><c>sandbox.recursion</c>.</summary>
    public required int Recursion { get; init; }

    /// <summary><c>sandbox.fuel_millions</c>.</summary>
    public required int FuelMillions { get; init; }

    /// <summary><c>sandbox.modules</c>, or null.</summary>
    public string? ModulesDirectory { get; init; }
}
