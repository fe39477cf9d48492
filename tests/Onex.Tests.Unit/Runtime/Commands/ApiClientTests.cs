using Onex.Hosting.Running;
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

    [Theory]
    [InlineData("ops:operate:5e1f0b2c7a9d4483\ndash:read:8c6b1a2f3d4e5f60")]
    [InlineData("dépôt-0123456789")]
    public async Task A_token_that_a_header_cannot_carry_is_reported_without_showing_it(string setting)
    {
        var error = await Assert.ThrowsAsync<ConfigurationException>(
            () => ApiClient.CreateAsync("http://localhost:1", new Dictionary<string, string> { ["ONEX_API_TOKEN"] = setting }));

        Assert.StartsWith("ONEX_API_TOKEN has a line break or a character", Assert.Single(error.Lines), StringComparison.Ordinal);
        Assert.DoesNotContain(setting[^8..], error.Lines[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_are_as_wide_as_their_widest_cell() =>
        Assert.Equal(["id  state", "1   reserving", "20"], TableOutput.Columns([["id", "state"], ["1", "reserving"], ["20", ""]]));

    [Theory]
    [InlineData("")]
    [InlineData("{'text': 1}")]
    public async Task A_file_of_data_that_is_not_JSON_is_named(string content)
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, content, TestContext.Current.CancellationToken);
            var inFile = await Assert.ThrowsAsync<CommandException>(
                () => ApiOptions.ReadDataAsync($"@{file}", TestContext.Current.CancellationToken));
            Assert.StartsWith($"{file} is not readable JSON (line 1, byte ", inFile.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("shell", inFile.Message, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(file);
        }

        var onTheLine = await Assert.ThrowsAsync<CommandException>(
            () => ApiOptions.ReadDataAsync(content, TestContext.Current.CancellationToken));
        Assert.Contains("In a shell", onTheLine.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_that_is_nested_too_deeply_is_rejected_with_the_limit()
    {
        var tooDeep = await Assert.ThrowsAsync<CommandException>(
            () => ApiOptions.ReadDataAsync(new string('[', 2000) + new string(']', 2000), TestContext.Current.CancellationToken));

        Assert.Contains("at most 1000 levels deep", tooDeep.Message, StringComparison.Ordinal);
    }

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
