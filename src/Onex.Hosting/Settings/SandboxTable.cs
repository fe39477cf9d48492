using static Onex.Hosting.Settings.SettingKind;

namespace Onex.Hosting.Settings;

/// <summary>The settings of scripts and modules, which are part of <see cref="SettingsTable"/>.</summary>
public static class SandboxTable
{
    public static readonly Setting Timeout = new(SettingsTable.FileOnly, null, Duration, "10s",
        "How long a script or module may run. Its process is then killed and its attempt fails (`time_exceeded`). A step can set a lower "
        + "limit, as for the other limits below.")
    {
        FileKey = "sandbox.timeout",
        DurationRange = (TimeSpan.FromMilliseconds(1), TimeSpan.FromHours(1)),
    };

    public static readonly Setting Memory = new(SettingsTable.FileOnly, null, Number, "64",
        "The memory that a script or module may hold, in MiB. Each runs in a process of its own beside the worker, which takes up to twice "
        + "as much plus 128 MiB. One that needs more is rejected (`memory_exceeded`).")
    {
        FileKey = "sandbox.memory_mb",
        Range = (1, 4096),
    };

    public static readonly Setting Statements = new(SettingsTable.FileOnly, null, Number, "10000000",
        "How many statements a script may execute. Ten million take seconds. One that needs more is rejected (`statements_exceeded`).")
    {
        FileKey = "sandbox.statements",
        Range = (1, int.MaxValue),
    };

    public static readonly Setting Recursion = new(SettingsTable.FileOnly, null, Number, "1000",
        "How deep the functions of a script may call each other. Deeper calls are rejected (`recursion_exceeded`).")
    {
        FileKey = "sandbox.recursion",
        Range = (1, 10_000),
    };

    public static readonly Setting Fuel = new(SettingsTable.FileOnly, null, Number, "10000",
        "How many instructions a module may execute, in millions. A thousand millions take about a second. One that needs more is rejected "
        + "(`fuel_exceeded`).")
    {
        FileKey = "sandbox.fuel_millions",
        Range = (1, 1_000_000_000),
    };

    public static readonly Setting Modules = new(SettingsTable.FileOnly, null, Text, null,
        "The folder whose WebAssembly modules `wasm.run` may run. It must exist, with the same modules on every worker.")
    {
        FileKey = "sandbox.modules",
        DefaultInWords = "none",
    };

    /// <summary>All of them, in the order of the document.</summary>
    public static IReadOnlyList<Setting> All { get; } = [Timeout, Memory, Statements, Recursion, Fuel, Modules];
}
