using System.Reflection;

namespace Onex.Tests.Unit.House;

/// <summary>Every error code has its page, and the numbers of decisions are consecutive.</summary>
public sealed class DocumentTests
{
    private static readonly string[] _sections = ["## Cause", "## Example", "## Remedy"];

    public static TheoryData<string> Codes() =>
    [
        .. typeof(ErrorCodes).GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.IsLiteral)
            .Select(field => (string)field.GetRawConstantValue()!),
    ];

    [Theory]
    [MemberData(nameof(Codes))]
    public void Every_error_code_has_a_page_with_cause_example_and_remedy(string code)
    {
        var page = Repository.At("docs", "errors", $"{code}.md");
        Assert.True(File.Exists(page), $"docs/errors/{code}.md is missing");

        var text = File.ReadAllText(page);
        Assert.StartsWith($"# {code}: ", text, StringComparison.Ordinal);
        Assert.All(_sections, section => Assert.Contains(section, text, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_run_time_error_page_has_its_code() =>
        Assert.Equal(
            Codes().Select(code => code.Data).Order(StringComparer.Ordinal),
            Directory.EnumerateFiles(Repository.At("docs", "errors"), "ONEX*.md")
                .Select(path => Path.GetFileNameWithoutExtension(path)!)
                .Where(code => code[4] is '3' or '4')
                .Order(StringComparer.Ordinal));

    [Fact]
    public void Error_codes_are_unique() =>
        Assert.Equal(Codes().Count, Codes().Select(code => code.Data).Distinct().Count());

    [Fact]
    public void ADR_numbers_are_unique_and_consecutive()
    {
        var numbers = Directory.EnumerateFiles(Repository.At("docs", "adr"), "*.md")
            .Select(path => Path.GetFileName(path))
            .Where(name => char.IsAsciiDigit(name[0]))
            .Order(StringComparer.Ordinal)
            .Select(name => int.Parse(name.AsSpan(0, 4)))
            .ToList();
        Assert.NotEmpty(numbers);
        Assert.Equal(Enumerable.Range(1, numbers.Count), numbers);
    }
}
