using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;

namespace Onex.Tests.Unit.Contracts.Diagnostics;

public sealed class DiagnosticTests
{
    [Fact]
    public void A_diagnostic_is_rendered_with_the_marked_line_and_the_remedy()
    {
        var diagnostic = new Diagnostic(
            "ONEX1023",
            Severity.Error,
            "order.yaml",
            6,
            13,
            4,
            "there is no state 'doen'.",
            "Did you mean 'done'?",
            "    next:   doen # why");

        Assert.Equal(
            """
            order.yaml:6:13: error ONEX1023: there is no state 'doen'.
                6 |     next:   doen # why
                  |             ^^^^
                  Did you mean 'done'?

            """,
            diagnostic.Render());
    }

    [Fact]
    public void Tabs_before_the_marker_stay_tabs()
    {
        var diagnostic = new Diagnostic("ONEX1001", Severity.Warning, "a.json", 2, 3, 1, "p.", "r.", "\t\t}");

        Assert.Equal("a.json:2:3: warning ONEX1001: p.\n    2 | \t\t}\n      | \t\t^\n      r.\n", diagnostic.Render());
    }

    [Fact]
    public void A_long_line_is_cut_around_the_marker()
    {
        var line = new string('a', 5000) + "!" + new string('b', 5000);
        var rendered = new Diagnostic("ONEX1001", Severity.Error, "a.yaml", 1, 5001, 1, "p.", "r.", line).Render().Split('\n');

        // 160 characters of the line after "    1 | ".
        Assert.Equal(160 + 8, rendered[1].Length);
        Assert.Equal('!', rendered[1][rendered[2].IndexOf('^')]);
    }

    [Fact]
    public void No_control_character_reaches_the_terminal()
    {
        var rendered = new Diagnostic("ONEX1001", Severity.Error, "a.yaml", 1, 1, 1, "a\u001b[31mb", "c\rd", "e\u001b]0;f\u0007").Render();

        Assert.DoesNotContain(rendered, character => char.IsControl(character) && character != '\n');
    }

    [Theory]
    [InlineData("next: do\u200Bne")]
    [InlineData("next:\u00A0done")]
    [InlineData("next: \u202Edone")]
    public void A_character_that_shows_nothing_or_a_blank_is_made_visible(string line)
    {
        var rendered = new Diagnostic("ONEX1001", Severity.Error, "a.yaml", 1, 1, 1, "p.", "r.", line).Render();

        Assert.Equal(line.Length, rendered.Split('\n')[1].Length - "    1 | ".Length);
        Assert.Single(rendered, '\uFFFD');
    }

    [Theory]
    [InlineData("chrage", "charge")]
    [InlineData("Charge", "charge")]
    [InlineData("charg", "charge")]
    [InlineData("refudn", "refund")]
    [InlineData("x", null)]
    [InlineData("something", null)]
    public void The_closest_name_is_suggested(string misspelt, string? expected)
    {
        Assert.Equal(expected, Spelling.Nearest(misspelt, ["charge", "refund", "pack"]));
    }

    // Two swapped characters count as one error. Two errors are too many in a short name, unless it has the same characters, or begins
    // and ends with the same ones.
    [Theory]
    [InlineData("retires", "retries")]
    [InlineData("payed", "paid")]
    [InlineData("mane", "name")]
    [InlineData("recieve", "receive")]
    [InlineData("nmae", "name")]
    [InlineData("pane", null)]
    [InlineData("dose", null)]
    [InlineData("zz", null)]
    public void A_similar_name_is_suggested_for_each_type_of_misspelling(string misspelt, string? expected) =>
        Assert.Equal(expected, Spelling.Nearest(misspelt, ["retries", "paid", "name", "receive", "data"]));

    [Theory]
    [InlineData("len", "size")]
    [InlineData("length", "size")]
    [InlineData("toUpperCase", "upper")]
    [InlineData("greatest", "max")]
    [InlineData("uppr", "upper")]
    public void Synonyms_are_suggested_too(string other, string expected) =>
        Assert.Equal(expected, Spelling.Nearest(other, ["lower", "max", "size", "upper"]));

    [Theory]
    [InlineData(0, "contract", "0 contracts")]
    [InlineData(1, "contract", "1 contract")]
    [InlineData(2, "reply", "2 replies")]
    [InlineData(3, "batch", "3 batches")]
    [InlineData(1000, "key", "1,000 keys")]
    public void A_count_is_singular_or_plural(int count, string one, string expected) => Assert.Equal(expected, Plural.Format(count, one));
}
