using Onex.Hosting.Settings;
using Onex.Workers.Sandbox;

namespace Onex.Tests.Unit.Workers.Sandbox;

/// <summary>Sandboxes whose processes are the built executable. The tests of a class share them, as commands of a worker do.</summary>
public sealed class TestSandboxes : IDisposable
{
    private readonly Sandboxes _sandboxes;

    public TestSandboxes()
        : this(SettingsWith(null))
    {
    }

    private TestSandboxes(SandboxSettings settings)
    {
        Modules = Directory.CreateTempSubdirectory("onex-modules-").FullName;
        _sandboxes = new Sandboxes(settings with { ModulesDirectory = Modules }, Command, TimeProvider.System);
    }

    /// <summary>Sandboxes of their own, with another limit of statements.</summary>
    internal static TestSandboxes WithStatements(int statements) => new(SettingsWith(null) with { Statements = statements });

    /// <summary>How the executable is started.</summary>
    internal static SandboxCommand Command { get; } = new("dotnet", [Repository.OnexAssembly]);

    public string Modules { get; }

    internal ComputeHarness Worker => new() { Sandboxes = _sandboxes };

    public void Dispose()
    {
        _sandboxes.Dispose();
        Directory.Delete(Modules, recursive: true);
    }

    /// <summary>Asserts that the operation completes with a value in JSON.</summary>
    internal async Task CompletesAsync(string operation, string arguments, string expected)
    {
        var result = await Worker.RunAsync(operation, arguments, timeoutMs: 40_000);
        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Message));
        Assert.Equal($$"""{"value":{{expected}}}""", result.Result!.Value.ToString());
    }

    /// <summary>Asserts that the operation ends with an outcome, a code and a message that contains a text.</summary>
    internal async Task EndsAsync(string operation, string arguments, string outcome, string code, string messagePart)
    {
        var result = await Worker.RunAsync(operation, arguments, timeoutMs: 40_000);
        Assert.Equal((outcome, code), (result.Outcome, result.Code));
        Assert.Contains(messagePart, result.Message, StringComparison.Ordinal);
    }

    /// <summary>Settings with limits that tests reach quickly, and a folder of modules, or null.</summary>
    internal static SandboxSettings SettingsWith(string? modules) => new()
    {
        Timeout = TimeSpan.FromSeconds(30),
        MemoryMb = 32,
        Statements = 1_000_000,
        Recursion = 500,
        FuelMillions = 50,
        ModulesDirectory = modules,
    };
}
