using Onex.Runtime.Commands;

namespace Onex.Tests.Unit.Runtime;

public sealed class ApiClientTests
{
    [Theory]
    [InlineData("t-1", "t-1")]
    [InlineData("dash:read:t-1,ops:operate:t-2", "t-2")]
    [InlineData("dash:read:t-1", "t-1")]
    [InlineData("ops:operate:a:b", "a:b")]
    [InlineData(" ", null)]
    public void A_token_alone_and_the_runtimes_own_list_both_do(string given, string? token) =>
        Assert.Equal(token, ApiClient.Token(new Dictionary<string, string> { ["ONEX_API_TOKEN"] = given }));

    [Fact]
    public void Columns_are_as_wide_as_their_widest_cell() =>
        Assert.Equal(["id  state", "1   reserving", "20"], Show.Columns([["id", "state"], ["1", "reserving"], ["20", ""]]));
}
