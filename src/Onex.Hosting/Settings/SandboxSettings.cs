namespace Onex.Hosting.Settings;

/// <summary>
/// The settings of scripts and modules (<c>sandbox.*</c>): the limits of one run, which a step may lower for itself, and the folder of
/// modules.
/// </summary>
public sealed record SandboxSettings
{
    /// <summary><c>sandbox.timeout</c>: the longest time of a run.</summary>
    public required TimeSpan Timeout { get; init; }

    /// <summary><c>sandbox.memory_mb</c>: the most memory that a run may hold, in MiB.</summary>
    public required int MemoryMb { get; init; }

    /// <summary><c>sandbox.statements</c>: the most statements that a script may execute.</summary>
    public required int Statements { get; init; }

    /// <summary><c>sandbox.recursion</c>: how deep the functions of a script may call each other.</summary>
    public required int Recursion { get; init; }

    /// <summary><c>sandbox.fuel_millions</c>: the most instructions that a module may execute, in millions.</summary>
    public required int FuelMillions { get; init; }

    /// <summary><c>sandbox.modules</c>; null if no module may run.</summary>
    public string? ModulesDirectory { get; init; }
}
