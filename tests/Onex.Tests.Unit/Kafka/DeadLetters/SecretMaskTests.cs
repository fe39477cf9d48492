using Onex.Kafka;
using Onex.Kafka.DeadLetters;

namespace Onex.Tests.Unit.Kafka.DeadLetters;

public sealed class SecretMaskTests
{
    [Theory]
    [InlineData("Authorization")]
    [InlineData("set-cookie")]
    [InlineData("x-api-key")]
    [InlineData("accessToken")]
    [InlineData("DB_PASSWORD")]
    [InlineData("client_secret")]
    public void Secrets_are_recognized_by_parts_of_their_names(string name) => Assert.True(SecretMask.IsSecret(name));

    [Fact]
    public void Secret_fields_of_json_are_masked_at_any_depth() => Assert.Equal(
        """{"user":"ann","login":[{"password":"***"},{"n":1.50}],"token":"***"}""",
        SecretMask.Apply("""{"user":"ann","login":[{"password":"hunter2"},{"n":1.50}],"token":{"a":1}}"""));

    [Theory]
    [InlineData("""{ "say":  "my password is a word here" }""")]
    [InlineData("password=hunter2")]
    [InlineData("")]
    [InlineData("{\"password\":\"\\ud800\",")]
    public void Text_without_secret_fields_and_text_that_is_not_JSON_is_unchanged(string text) =>
        Assert.Equal(text, SecretMask.Apply(text));

    [Fact]
    public void Printed_settings_never_contain_the_password()
    {
        var settings = new KafkaSettings { BootstrapServers = "b:1", ClientId = "onex-main", SaslPassword = "hunter2" };

        Assert.DoesNotContain("hunter2", settings.ToString(), StringComparison.Ordinal);
        Assert.Contains("b:1", settings.ToString(), StringComparison.Ordinal);
    }
}
