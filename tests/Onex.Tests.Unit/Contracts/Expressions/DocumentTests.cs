using Onex.Contracts.Expressions.Evaluation;

namespace Onex.Tests.Unit.Contracts.Expressions;

public class DocumentTests
{
    [Fact]
    public void Every_function_and_macro_is_in_the_document()
    {
        var document = Document();
        Assert.All(Functions.AllNames, name => Assert.Contains($"| `{name}` |", document, StringComparison.Ordinal));
    }

    internal static string Document()
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "Onex.sln")))
        {
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return File.ReadAllText(Path.Combine(root, "docs", "expressions.md"));
    }
}
