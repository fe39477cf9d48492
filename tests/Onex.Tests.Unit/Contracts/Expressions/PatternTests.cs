using System.Text.RegularExpressions;
using CsCheck;
using Onex.Contracts.Expressions.Patterns;

namespace Onex.Tests.Unit.Contracts.Expressions;

/// <summary>Regular expressions of <c>matches</c> (RE2) and of schemas (ECMA-262).</summary>
public sealed class PatternTests
{
    [Theory]
    [InlineData(@"^\p{L}$", "\U00010400", true)]
    [InlineData(@"^\p{Lu}$", "\U00010400", true)]
    [InlineData(@"^\p{Lu}$", "\U00010428", false)]
    [InlineData(@"^\P{L}$", "\U0001F600", true)]
    [InlineData(@"^\P{L}$", "\U00010400", false)]
    [InlineData(@"^[\p{L}\d]+$", "a\U00010400\u4e001", true)]
    [InlineData(@"^[^\p{L}]$", "\U0001F600", true)]
    [InlineData(@"^[^\p{L}]$", "\U00020000", false)]
    [InlineData(@"^[\W]$", "\U0001F600", true)]
    [InlineData(@"^\D\D$", "\U0001F600\U0001F600", true)]
    [InlineData(@"^[\u{1F600}-\u{1F64F}]{2}$", "\U0001F600\U0001F64F", true)]
    [InlineData(@"^[a\u{1F600}]$", "\U0001F600", true)]
    [InlineData("^.{2}$", "\U0001F600\U0001F600", true)]
    [InlineData(@"^\p{So}$", "\U0001F600", true)]
    public void A_class_matches_code_points_in_both_dialects(string pattern, string text, bool matches) => Both(pattern, text, matches);

    [Theory]
    [InlineData(@"\bart\b", "\u00e9art", true)]
    [InlineData(@"\bart\b", "art\u00e9", true)]
    [InlineData(@"\bart\b", "art_", false)]
    [InlineData(@"\bart\b", "an art!", true)]
    [InlineData(@"\Bart", "\u00e9art", false)]
    [InlineData(@"\Bart", "start", true)]
    [InlineData(@"^\B$", "", true)]
    [InlineData(@"\b", "\u00e9\u00e9", false)]
    [InlineData(@"^\B\u00e9\B$", "\u00e9", true)]
    [InlineData(@"a\b.\ba", "a\U0001F600a", true)]
    [InlineData(@"\S\W+\B", "1-- c_c_", true)]
    public void A_word_boundary_is_ASCII_in_both_dialects(string pattern, string text, bool matches) => Both(pattern, text, matches);

    [Theory]
    [InlineData(@"^\p{Script=Greek}+$", "\u03b1\u1f00", true)]
    [InlineData(@"^\p{Script=Greek}+$", "a", false)]
    [InlineData(@"^\p{Script=Greek}$", "\u03b1", true)]
    [InlineData(@"^\p{sc=Grek}$", "\u03b1", true)]
    [InlineData(@"^\p{sc=Han}+$", "\u4e00\U00020000", true)]
    [InlineData(@"^\p{sc=Cyrillic}$", "\u0416", true)]
    [InlineData(@"^\P{sc=Latin}$", "\u0416", true)]
    [InlineData(@"^\p{Any}{3}$", "a\n\U0001F600", true)]
    [InlineData(@"^\p{Alphabetic}+$", "a\u0345\u2160\u24b6", true)]
    [InlineData(@"^\p{Alphabetic}$", "1", false)]
    [InlineData(@"^\p{ASCII}$", "\u0080", false)]
    [InlineData(@"^\p{Assigned}$", "\u0378", false)]
    [InlineData(@"^\p{General_Category=Uppercase_Letter}$", "A", true)]
    [InlineData(@"^\p{gc=Lu}$", "A", true)]
    [InlineData(@"^\p{Initial_Punctuation}\p{Dash_Punctuation}\p{Other_Symbol}$", "\u00ab-\u00a9", true)]
    [InlineData(@"^\p{LC}$", "\u01c5", true)]
    [InlineData(@"^\p{White_Space}$", "\u2003", true)]
    public void Both_dialects_know_scripts_categories_and_properties(string pattern, string text, bool matches) =>
        Both(pattern, text, matches);

    [Theory]
    [InlineData("[[:^alpha:]]", "1", true)]
    [InlineData("^[[:^alpha:]]$", "a", false)]
    [InlineData(@"^\p{Greek}\P{Latin}$", "\u03b1\u0416", true)]
    [InlineData("^(a(?i)b|c)d$", "aBd", true)]
    [InlineData("^(a(?i)b|c)d$", "Cd", true)]
    [InlineData("^(a(?i)b|c)d$", "aBD", false)]
    [InlineData("(?:(?m)a$)b|c$", "c\n", false)]
    [InlineData(@"^a{,2}\@\-[\w-a]]$", "a{,2}@--]", true)]
    [InlineData("^[[:^alpha:]]$", "\U0001F600", true)]
    [InlineData("^[^[:digit:]x]$", "x", false)]
    [InlineData("^[[:word:]]+$", "a_1", true)]
    [InlineData("(?U)^a+$", "aa", true)]
    [InlineData(@"^\p{^Greek}$", "a", true)]
    [InlineData(@"^\pN\PN$", "1a", true)]
    [InlineData("^[]a]$", "]", true)]
    [InlineData("^[^]a]$", "b", true)]
    [InlineData(@"\Aa\z", "a", true)]
    [InlineData(@"^\Qa.b\E$", "a.b", true)]
    [InlineData(@"^\Qab\E+$", "abb", true)]
    [InlineData(@"^\Qa\d\E$", @"a\d", true)]
    [InlineData(@"^\101\x41\x{41}$", "AAA", true)]
    [InlineData("(?P<name>a)(?<other>b)", "ab", true)]
    [InlineData("^.$", "\r", true)]
    [InlineData(@"^\s$", "\v", false)]
    public void Syntax_of_re2_is_supported(string pattern, string text, bool matches) => Assert.Equal(matches, Re2(pattern).IsMatch(text));

    [Theory]
    [InlineData("^[^]$", "\n", true)]
    [InlineData("^[^]{2}$", "\U0001F600\n", true)]
    [InlineData("[]", "a", false)]
    [InlineData("^.$", "\r", false)]
    [InlineData("^.$", "\u2028", false)]
    [InlineData(@"^\s$", "\ufeff", true)]
    [InlineData(@"^\cJ$", "\n", true)]
    [InlineData(@"^[\b]\0$", "\b\0", true)]
    [InlineData(@"^\ud83d\ude00$", "\U0001F600", true)]
    [InlineData("(?m:^b$)", "a\u2028b", true)]
    [InlineData(@"^[{}\-\w-]+\{\/\]$", "{a-}{/]", true)]
    public void Syntax_of_ecma_262_is_supported(string pattern, string text, bool matches) =>
        Assert.Equal(matches, Ecma(pattern).IsMatch(text));

    [Theory]
    [InlineData("^(?i:a)b$", "Ab", true)]
    [InlineData("^(?i:a)b$", "AB", false)]
    [InlineData("^(?i:a(?-i:b)c)$", "AbC", true)]
    [InlineData("^(?i:a(?-i:b)c)$", "ABC", false)]
    [InlineData("(?s:a.b)c.d", "a\nbc\nd", false)]
    [InlineData("(?s:a.b)c.d", "a\nbcxd", true)]
    [InlineData("(?m:^b)", "a\nb", true)]
    [InlineData("(?m:x)?^b", "a\nb", false)]
    [InlineData("(?im-s:^B$)", "a\nb", true)]
    public void A_flag_stays_inside_its_group(string pattern, string text, bool matches) => Both(pattern, text, matches);

    [Theory]
    [InlineData("(?i:^\u03c3$)", "\u03c2", true)]
    [InlineData("(?i:^\u03c2$)", "\u03a3", true)]
    [InlineData("(?i:^s$)", "\u017f", true)]
    [InlineData("(?i:^\u017f$)", "S", true)]
    [InlineData("(?i:^\u00b5$)", "\u03bc", true)]
    [InlineData("(?i:^\u03bc$)", "\u00b5", true)]
    [InlineData("(?i:^k$)", "\u212a", true)]
    [InlineData("(?i:^[a-k]$)", "\u212a", true)]
    [InlineData("(?i:^[^k]$)", "\u212a", false)]
    [InlineData("(?i:^\U00010400$)", "\U00010428", true)]
    [InlineData("(?i:^\u00df$)", "\u1e9e", true)]
    [InlineData("(?i:^i$)", "\u0131", false)]
    [InlineData("(?i:^i$)", "\u0130", false)]
    [InlineData("(?i:^\u01c4$)", "\u01c5", true)]
    public void Case_folding_is_simple_Unicode_folding(string pattern, string text, bool matches) => Both(pattern, text, matches);

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("[")]
    [InlineData("[b-a]")]
    [InlineData("*a")]
    [InlineData("a**")]
    [InlineData("a{2}{3}")]
    [InlineData("a{2,1}")]
    [InlineData(@"\")]
    [InlineData(@"a\")]
    [InlineData(@"[\")]
    [InlineData(@"\y")]
    [InlineData(@"\x4")]
    [InlineData(@"\u{110000}")]
    [InlineData(@"\p{Klingon}")]
    [InlineData(@"\p{Greek")]
    [InlineData(@"\p{sc=Klingon}")]
    [InlineData("(?q)a")]
    [InlineData("(?i")]
    [InlineData("(?=a)")]
    [InlineData("(?!a)")]
    [InlineData("(?<=a)")]
    [InlineData("(?<!a)")]
    [InlineData("(?>a)")]
    [InlineData(@"(a)\1")]
    [InlineData(@"(?<n>a)\k<n>")]
    [InlineData("(?<>a)")]
    [InlineData("a{2001}")]
    [InlineData("(a{50}){50}")]
    [InlineData("(){999999}")]
    [InlineData("a{1000000}")]
    [InlineData("a{1,99999999999999999999}")]
    public void An_invalid_or_nonlinear_pattern_is_an_error(string pattern)
    {
        Assert.Null(Pattern.Compile(pattern, out var problem));
        Assert.Null(Pattern.CompileEcma(pattern, out _));
        Assert.NotNull(problem);
    }

    [Theory]
    [InlineData(@"\Aa", @"'\A' is not an escape")]
    [InlineData(@"a\z", @"'\z' is not an escape")]
    [InlineData(@"[\A]", @"'\A' is not an escape")]
    [InlineData(@"\x{41}", @"'\x' and '\u' need the hexadecimal digits of a character")]
    [InlineData(@"a\@b", @"'\@' is not an escape: write '@'")]
    [InlineData(@"a\-b", @"'\-' is not an escape: write '-'")]
    [InlineData(@"[\@]", @"'\@' is not an escape: write '@'")]
    [InlineData("a{", @"a literal '{' is written '\{'")]
    [InlineData("a{,2}", @"a literal '{' is written '\{'")]
    [InlineData("a}", @"a literal '}' is written '\}'")]
    [InlineData("a]", @"a literal ']' is written '\]'")]
    [InlineData("(?i)a", "flags have no group: write (?i:...) instead of (?i)...")]
    [InlineData("^*a", @"an assertion (^, $, \b, \B) is repeated")]
    [InlineData(@"[\w-a]", "a range in [...] begins or ends with a class: write the '-' last")]
    [InlineData(@"[a-\w]", "a range in [...] begins or ends with a class: write the '-' last")]
    [InlineData(@"\p{Greek}", @"the script 'Greek' is written '\p{Script=Greek}'")]
    public void Syntax_that_ecma_262_does_not_have_is_an_error(string pattern, string expected)
    {
        Assert.Null(Pattern.CompileEcma(pattern, out var problem));
        Assert.Equal(expected, problem);
    }

    [Theory]
    [InlineData("[[:nothing:]]")]
    [InlineData(@"[^]")]
    public void Syntax_that_re2_does_not_have_is_an_error(string pattern) => Assert.Null(Pattern.Compile(pattern, out _));

    // Without \B: the engine of .NET does not backtrack into a repetition before it, so it does not find \W+\B in "- a".
    [Fact]
    public void A_pattern_matches_as_in_the_engine_of_dotnet()
    {
        var part = Gen.OneOf(
            "a", "b", "_", "1", "-", " ", "A", ".", @"\d", @"\w", @"\s", @"\D", @"\W", @"\S", @"\b", "^", "$", "[ab]", "[^a1]", @"[\w-]",
            "[a-c_]", "|", "(", ")",
            "(?:", "*", "+", "?", "{2}", "{0,2}", "{1,}", "*?");
        var pattern = part.Array[1, 9].Select(string.Concat);
        var text = Gen.OneOf('a', 'b', 'c', '_', '1', '-', ' ', 'A').Array[0, 9].Select(characters => new string(characters));
        Gen.Select(pattern, text.Array[4], Gen.Bool).Sample((source, texts, isEcma) =>
        {
            var compiled = isEcma ? Pattern.CompileEcma(source, out _) : Pattern.Compile(source, out _);
            if (!TryCompileInNet(source, out var inNet) || compiled is not { } inOnex)
            {
                return;
            }

            Assert.All(texts, line => Assert.True(inNet.IsMatch(line) == inOnex.IsMatch(line), $"{source} in '{line}'"));
        }, iter: 20_000);
    }

    [Fact]
    public void A_pattern_with_more_states_than_the_cache_holds_still_matches()
    {
        var pattern = Re2("^(a|b)*a(a|b){12}$");
        var random = new Random(1);
        for (var i = 0; i < 50; i++)
        {
            var text = new string([.. Enumerable.Range(0, 400).Select(_ => random.Next(2) == 0 ? 'a' : 'b')]);
            Assert.Equal(text[^13] == 'a', pattern.IsMatch(text));
        }
    }

    private static bool TryCompileInNet(string source, out Regex inNet)
    {
        inNet = null!;
        try
        {
            inNet = new Regex(source, RegexOptions.ECMAScript, TimeSpan.FromSeconds(10));
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    private static void Both(string pattern, string text, bool matches)
    {
        Assert.Equal(matches, Re2(pattern).IsMatch(text));
        Assert.Equal(matches, Ecma(pattern).IsMatch(text));
    }

    private static Pattern Re2(string pattern)
    {
        var compiled = Pattern.Compile(pattern, out var problem);
        Assert.Null(problem);
        return compiled!;
    }

    private static Pattern Ecma(string pattern)
    {
        var compiled = Pattern.CompileEcma(pattern, out var problem);
        Assert.Null(problem);
        return compiled!;
    }
}
