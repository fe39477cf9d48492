using Onex.Hosting.Http;

namespace Onex.Tests.Unit.Hosting.Http;

public sealed class ApiTokenTests
{
    private const string Long = "0123456789abcdef";

    [Fact]
    public void Several_tokens_are_separated_by_commas()
    {
        var (tokens, problems) = ApiToken.Parse("ONEX_API_TOKEN", $"dash:read:{Long}, ops:operate:{Long}:with:colons");

        Assert.Empty(problems);
        Assert.Equal(["dash:read", "ops:operate"], tokens.Select(token => token.ToString()));
        Assert.True(tokens[1].Matches($"{Long}:with:colons"));
        Assert.False(tokens[1].Matches(Long));
    }

    [Fact]
    public void All_token_errors_are_reported_at_once_and_no_token_is_shown()
    {
        var (tokens, problems) = ApiToken.Parse(
            "ONEX_API_TOKEN", $"bare-secret-token-1,x:write:{Long},y:read:short,z:read:{Long},z:read:{Long},"
            + $"m:read:{Long}\nn:read:{Long},e:read:{Long}é");

        Assert.Single(tokens);
        Assert.Equal(6, problems.Count);
        Assert.All(problems, problem => Assert.StartsWith("ONEX_API_TOKEN, entry ", problem.Problem));
        Assert.All(problems, problem => Assert.DoesNotContain(Long, problem.ToString()));
        Assert.All(problems, problem => Assert.DoesNotContain("bare-secret", problem.ToString()));
        Assert.All(problems, problem => Assert.DoesNotContain("short", problem.ToString()));
    }

    [Fact]
    public void The_text_of_a_token_does_not_contain_the_token() =>
        Assert.DoesNotContain(Long, ApiToken.Parse("ONEX_API_TOKEN", $"ops:operate:{Long}").Tokens[0].ToString());
}
