using Onex.Runtime.Commands;

namespace Onex.Tests.Unit.Runtime.Commands;

public sealed class ApiClientTests
{
    [Theory]
    [InlineData("t-1", "t-1")]
    [InlineData("dash:read:t-1,ops:operate:t-2", "t-2")]
    [InlineData("dash:read:t-1", "t-1")]
    [InlineData("ops:operate:a:b", "a:b")]
    [InlineData(" ", null)]
    public void A_single_token_and_a_token_list_are_accepted(string setting, string? token) =>
        Assert.Equal(token, ApiClient.ChooseToken(setting));

    [Fact]
    public void Columns_are_as_wide_as_their_widest_cell() =>
        Assert.Equal(["id  state", "1   reserving", "20"], TableOutput.Columns([["id", "state"], ["1", "reserving"], ["20", ""]]));

    [Fact]
    public async Task Data_that_is_not_valid_Unicode_is_rejected()
    {
        var file = Path.GetTempFileName();
        try
        {
            foreach (var mark in (byte[][])[[], Encoding.UTF8.GetPreamble(), Encoding.Unicode.GetPreamble()])
            {
                await File.WriteAllBytesAsync(
                    file, [.. mark, .. "{\"text\":\""u8, 0xFF, .. "\"}"u8], TestContext.Current.CancellationToken);
                var notUtf8 = await Assert.ThrowsAsync<CommandException>(
                    () => ApiOptions.ReadDataAsync($"@{file}", TestContext.Current.CancellationToken));
                Assert.Equal($"{file} is not UTF-8. Encode it as UTF-8.", notUtf8.Message);
            }

            await File.WriteAllTextAsync(file, "{\"text\":\"\u00e9\"}", TestContext.Current.CancellationToken);
            Assert.Equal(
                "\u00e9",
                (await ApiOptions.ReadDataAsync($"@{file}", TestContext.Current.CancellationToken))!.Value.GetProperty("text").GetString());
        }
        finally
        {
            File.Delete(file);
        }

        var halfPair = await Assert.ThrowsAsync<CommandException>(
            () => ApiOptions.ReadDataAsync("""{"text":"\ud800"}""", TestContext.Current.CancellationToken));
        Assert.Contains("half of a surrogate pair", halfPair.Message, StringComparison.Ordinal);
    }
}
