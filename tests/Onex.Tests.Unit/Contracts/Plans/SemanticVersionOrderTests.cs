namespace Onex.Tests.Unit.Contracts.Plans;

public sealed class SemanticVersionOrderTests
{
    [Theory]
    [InlineData("1.10.0", "1.9.9")]
    [InlineData("2.0.0", "1.99.99")]
    [InlineData("1.0.0", "1.0.0-rc.1")]
    [InlineData("1.0.0-rc.2", "1.0.0-rc.1")]
    [InlineData("1.0.0-rc.10", "1.0.0-rc.9")]
    [InlineData("1.0.0-beta", "1.0.0-2")]
    [InlineData("1.0.0-a.b", "1.0.0-a")]
    [InlineData("9223372036854775808.0.0", "9223372036854775807.0.0")]
    [InlineData("1.0.10000000000000000000", "1.0.9999999999999999999")]
    [InlineData("1.0.0-9223372036854775808", "1.0.0-9223372036854775807")]
    [InlineData("1.0.0-a", "1.0.0-9223372036854775808")]
    [InlineData("1.0.0--1", "1.0.0-2")]
    [InlineData("1.0.0-10", "1.0.0-09")]
    public void The_first_version_is_higher(string higher, string lower)
    {
        Assert.True(SemanticVersionOrder.Instance.Compare(higher, lower) > 0);
        Assert.True(SemanticVersionOrder.Instance.Compare(lower, higher) < 0);
    }

    [Fact]
    public void Build_metadata_is_ignored() => Assert.Equal(0, SemanticVersionOrder.Instance.Compare("1.0.0+one", "1.0.0+two"));
}
