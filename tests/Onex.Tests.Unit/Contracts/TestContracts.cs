namespace Onex.Tests.Unit.Contracts;

/// <summary>Compiles small contracts that consist of a valid head and the part that a test is about.</summary>
internal static class TestContracts
{
    public const string Head = "contract: small\nversion: 1.0.0\ninput: {}\n";

    /// <summary>The plan of a head and the rest; fails with the diagnostics if there are any.</summary>
    public static Plan Compile(string rest)
    {
        var compilation = Check(Head + rest);
        Assert.Equal("", string.Concat(compilation.Diagnostics.Select(diagnostic => diagnostic.Render())));
        return compilation.Plans.Single();
    }

    public static Compilation Check(string text) =>
        ContractCompiler.Compile(
            new ContractSource("small.yaml", text, ImmutableSortedDictionary<string, string>.Empty), TestCatalogue.Context);

    /// <summary>The codes of the diagnostics for a head and the rest.</summary>
    public static IEnumerable<string> Codes(string rest) => Check(Head + rest).Diagnostics.Select(diagnostic => diagnostic.Code);
}
