using Onex.Effects.Operations;

namespace Onex.Tests.Unit.Effects.Vault;

/// <summary>No form of a used secret remains in an outcome.</summary>
public sealed class SecretMaskTests
{
    private const string Secret = "s3cret/\"välue\"+=&";

    public static TheoryData<string> Forms() =>
    [
        Secret,
        $"Bearer {Secret}!",
        Uri.EscapeDataString(Secret),
        "a=" + System.Net.WebUtility.UrlEncode(Secret),
        JsonSerializer.Serialize(new { password = Secret }),
        Convert.ToBase64String(Encoding.UTF8.GetBytes(Secret)),
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"u:{Secret}")),
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"us:{Secret}:more")),
        Convert.ToBase64String(Encoding.UTF8.GetBytes($"use:{Secret}")).Replace('+', '-').Replace('/', '_'),
    ];

    [Theory]
    [MemberData(nameof(Forms))]
    public void Every_form_is_hidden_in_texts_names_and_JSON(string text)
    {
        var mask = SecretMask.For([Secret]);
        var json = new RawJson(JsonSerializer.SerializeToUtf8Bytes(
            new Dictionary<string, object> { [text] = new object?[] { text, 1.5, true, null } }));

        var masked = mask.Apply(text)!;
        var maskedJson = mask.Apply(json);

        Assert.Contains(SecretMask.Hidden, masked, StringComparison.Ordinal);
        var name = Assert.Single(JsonElement.Parse(maskedJson.ToString()).EnumerateObject());
        Assert.Equal((masked, masked), (name.Name, name.Value[0].GetString()));
        Assert.Equal("1.5,True,", string.Join(',', name.Value.EnumerateArray().Skip(1).Select(each => each.ToString())));
        Assert.DoesNotContain("cret", masked, StringComparison.Ordinal);
    }

    // As Python, PHP, Go and JavaScript write the secret in JSON, and as JavaScript and a lower-case encoder write it in addresses.
    [Theory]
    [InlineData("""s3cret/\"v\u00e4lue\"+=&\\ \ud83d\ude00<""")]
    [InlineData("""s3cret\/\"v\u00e4lue\"+=&\\ \ud83d\ude00<""")]
    [InlineData("""s3cret/\"välue\"+=\u0026\\ 😀\u003c""")]
    [InlineData("""s3cret/\"välue\"+=&\\ 😀<""")]
    [InlineData("s3cret/%22v%C3%A4lue%22+=&%5C%20%F0%9F%98%80%3C")]
    [InlineData("s3cret%2f%22v%c3%a4lue%22%2b%3d%26%5c+%f0%9f%98%80%3c")]
    public void A_secret_is_hidden_however_its_characters_are_escaped(string text) =>
        Assert.Equal("<***>", SecretMask.For(["s3cret/\"välue\"+=&\\ 😀<"]).Apply($"<{text}>"));

    [Fact]
    public void A_number_that_is_a_secret_is_hidden()
    {
        var masked = SecretMask.For(["98765432"]).Apply(RawJson.FromText("""{"pin":98765432,"n":12}"""));

        Assert.Equal("""{"pin":"***","n":12}""", masked.ToString());
    }

    [Fact]
    public void Short_values_and_other_texts_stay()
    {
        var mask = SecretMask.For(["app", Secret]);

        Assert.Equal("an application", mask.Apply("an application"));
        Assert.Null(mask.Apply((string?)null));
    }
}
