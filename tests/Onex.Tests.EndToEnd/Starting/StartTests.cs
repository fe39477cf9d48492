namespace Onex.Tests.EndToEnd.Starting;

/// <summary>Start errors are reported together, each with its remedy.</summary>
public sealed class StartTests
{
    private const int BadConfiguration = 78;

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task All_start_errors_are_reported_together()
    {
        await using var stack = await OnexStack.CreateAsync();
        var contracts = CopyOfContracts(stack);
        var file = Path.Combine(contracts, "order-fulfilment.yaml");
        await File.WriteAllTextAsync(file, (await File.ReadAllTextAsync(file)).Replace("next: packing", "next: pakcing"));
        var settings = new Dictionary<string, string>(stack.Settings)
        {
            ["VAULT_TOKEN"] = "__REPLACE_WITH_VAULT_TOKEN__",
            ["KAFKA_SECURITY_PROTOCOL"] = "CARRIER_PIGEON",
            ["CONTRACTS_DIR"] = contracts,
        };
        settings.Remove("POSTGRES_PASSWORD");

        await using var process = OnexProcess.Start("main", settings);

        Assert.Equal(BadConfiguration, await process.WaitForExitAsync(_timeout));
        var errors = string.Join('\n', process.Errors);
        Assert.Contains("POSTGRES_PASSWORD", errors, StringComparison.Ordinal);
        Assert.Contains("VAULT_TOKEN", errors, StringComparison.Ordinal);
        Assert.Contains("KAFKA_SECURITY_PROTOCOL", errors, StringComparison.Ordinal);
        Assert.Contains("CARRIER_PIGEON", errors, StringComparison.Ordinal);
        Assert.Matches(@"order-fulfilment\.yaml:\d+:\d+", errors);
        Assert.Contains("pakcing", errors, StringComparison.Ordinal);
        Assert.Contains("packing", errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_wrong_password_is_reported_on_one_line_with_the_remedy()
    {
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("POSTGRES_PASSWORD", "certainly wrong");

        var line = await OneLineAsync(stack);

        Assert.Contains("POSTGRES_PASSWORD", line, StringComparison.Ordinal);
        Assert.DoesNotContain("certainly wrong", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_database_is_reported_on_one_line_with_the_statement_that_creates_it()
    {
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("POSTGRES_DATABASE", "nobody_made_this");

        var line = await OneLineAsync(stack);

        Assert.Contains("CREATE DATABASE", line, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("nobody_made_this", line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_registered_version_with_different_content_is_rejected()
    {
        await using var stack = await OnexStack.CreateAsync();
        var first = stack.Start("main");
        await first.ReadyAsync();
        Assert.Equal(0, await first.TerminateAsync());
        var contracts = CopyOfContracts(stack);
        var file = Path.Combine(contracts, "order-fulfilment.yaml");
        await File.WriteAllTextAsync(
            file, (await File.ReadAllTextAsync(file)).Replace("attempts: 5", "attempts: 4", StringComparison.Ordinal));

        await using var second = stack.Start("main", new Dictionary<string, string> { ["CONTRACTS_DIR"] = contracts });

        Assert.Equal(BadConfiguration, await second.WaitForExitAsync(_timeout));
        var errors = string.Join('\n', second.Errors);
        Assert.Contains("order-fulfilment", errors, StringComparison.Ordinal);
        Assert.Contains("2.0.0", errors, StringComparison.Ordinal);
        Assert.Contains("ONEX_CONTRACTS_MUTABLE", errors, StringComparison.Ordinal);
    }

    private static async Task<string> OneLineAsync(OnexStack stack)
    {
        var process = stack.Start("main");
        Assert.Equal(BadConfiguration, await process.WaitForExitAsync(_timeout));
        return Assert.Single(process.Errors, line => line.Length > 0);
    }

    private static string CopyOfContracts(OnexStack stack)
    {
        var source = Repository.At("contracts");
        var target = Repository.At("artifacts", "test-logs", stack.Name, "contracts");
        foreach (var file in Directory.EnumerateFiles(source, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(target, Path.GetRelativePath(source, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        return target;
    }
}
