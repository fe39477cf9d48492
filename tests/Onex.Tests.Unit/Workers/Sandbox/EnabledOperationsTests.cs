using Microsoft.Extensions.DependencyInjection;
using Onex.Workers;
using Onex.Workers.Operations;
using Onex.Workers.Sandbox;

namespace Onex.Tests.Unit.Workers.Sandbox;

/// <summary>Operations that run code are off unless they are named.</summary>
public sealed class EnabledOperationsTests
{
    [Theory]
    [InlineData(null, "script.run", false)]
    [InlineData(null, "wasm.run", false)]
    [InlineData(null, "hash.sha256", true)]
    [InlineData("hash", "script.run", false)]
    [InlineData("hash,script", "script.run", true)]
    [InlineData("hash,script", "wasm.run", false)]
    [InlineData("hash", "transform", false)]
    [InlineData("database", "db.query", true)]
    public void A_runtime_serves_what_is_enabled(string? enabled, string operation, bool served) =>
        Assert.Equal(served, EnabledOperations.Includes(enabled?.Split(','), operation));

    [Fact]
    public void The_compiler_knows_each_code_of_a_sandbox()
    {
        var operations = ComputeOperations.Descriptors.Where(operation => EnabledOperations.MustBeNamed(operation.Name)).ToList();
        var codes = typeof(SandboxCodes).GetFields().Where(field => field.IsLiteral).Select(field => (string)field.GetValue(null)!);

        Assert.Equal(2, operations.Count);
        Assert.All(codes, code => Assert.True(
            SandboxCodes.Exception(code, "") is ComputeFailedException
                ? RejectionCodes.IsAttemptCode(code)
                : operations.Exists(operation => RejectionCodes.Allow(operation, code)),
            code));
    }

    [Fact]
    public async Task A_worker_does_not_run_an_operation_that_only_the_orchestrator_enables()
    {
        var result = await new ComputeHarness().RunAsync("script.run", """{"script":"return 1"}""");

        Assert.Equal((StepOutcomes.Failed, "operation_unknown"), (result.Outcome, result.Code));
    }

    [Fact]
    public void Of_the_operations_that_run_code_a_worker_has_only_the_named_ones()
    {
        using var sandboxes = new Sandboxes(TestSandboxes.SettingsWith(null), TestSandboxes.Command, TimeProvider.System);
        using var services = new ServiceCollection().AddSingleton(TimeProvider.System).AddSingleton(sandboxes).BuildServiceProvider();

        var operations = ComputeOperations.Create(services, ["wasm"]);

        Assert.Contains("wasm.run", operations.Keys);
        Assert.DoesNotContain("script.run", operations.Keys);
        Assert.Contains("hash.sha256", operations.Keys);
    }
}
