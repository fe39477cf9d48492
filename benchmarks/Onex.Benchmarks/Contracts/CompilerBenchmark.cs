using BenchmarkDotNet.Attributes;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Effects;
using Onex.Workers;

namespace Onex.Benchmarks.Contracts;

/// <summary>
/// Reads and compiles a directory of a thousand contracts: copies of the last example of the tutorial, or of
/// contracts/order-fulfilment.yaml, which is nearly twice as long.
/// </summary>
[MemoryDiagnoser]
public class CompilerBenchmark
{
    private const int Contracts = 1_000;

    private static readonly CompilerContext _context = new(
        new OperationCatalogue([.. EffectOperations.Descriptors, .. ComputeOperations.Descriptors]),
        new[] { "stock", "warehouse", "payments", "orders", "fraud" }.ToDictionary(
            name => name, name => new ConnectionDescriptor(name, "http", null, null)));

    private DirectoryInfo _directory = null!;

    /// <summary>The directory of the contract that is copied. It also has its schemas.</summary>
    [Params("tests/contracts/valid/order-fulfilment-full", "contracts")]
    public string Source { get; set; } = "";

    /// <summary>Writes the files.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        _directory = Directory.CreateTempSubdirectory("onex-bench-");
        var schemas = _directory.CreateSubdirectory("schemas");
        var source = Path.Combine(Root(), Source);
        foreach (var schema in Directory.EnumerateFiles(Path.Combine(source, "schemas")))
        {
            File.Copy(schema, Path.Combine(schemas.FullName, Path.GetFileName(schema)));
        }

        var text = File.ReadAllText(Path.Combine(source, "order-fulfilment.yaml"));
        for (var number = 0; number < Contracts; number++)
        {
            File.WriteAllText(
                Path.Combine(_directory.FullName, $"order-fulfilment-{number}.yaml"),
                text.Replace("contract: order-fulfilment\n", $"contract: order-fulfilment-{number}\n", StringComparison.Ordinal));
        }
    }

    /// <summary>Deletes the files.</summary>
    [GlobalCleanup]
    public void CleanUp() => _directory.Delete(recursive: true);

    /// <summary>Compiles all contracts.</summary>
    [Benchmark(Description = "1,000 contracts")]
    public int Compile()
    {
        var compilation = ContractCompiler.CompileDirectory(_directory.FullName, _context);
        return compilation is { HasErrors: false, Plans.Count: Contracts }
            ? compilation.Plans.Count
            : throw new InvalidOperationException(compilation.Diagnostics[0].Render());
    }

    private static string Root()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Onex.sln")))
        {
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("The benchmark does not run inside the repository.");
        }

        return root;
    }
}
