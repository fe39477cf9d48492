using Onex.Orchestrator.Intake;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Intake;

public sealed class RequestHashTests
{
    [Theory]
    [InlineData("""{"a":1,"b":[true,null,"x"]}""", """{ "b": [ true, null, "\u0078" ], "a": 1 }""")]
    [InlineData("""{"n":1}""", """{"n":1.0}""")]
    [InlineData("""{"n":0}""", """{"n":-0.0}""")]
    [InlineData("""{"n":2.5}""", """{"n":25e-1}""")]
    [InlineData("""{"n":1e300}""", """{"n":1.0E300}""")]
    public void The_same_payload_in_another_spelling_has_the_same_hash(string first, string second) =>
        Assert.Equal(Hash(first), Hash(second));

    [Theory]
    [InlineData("""{"n":1}""", """{"n":2}""")]
    [InlineData("""{"n":1}""", """{"n":"1"}""")]
    [InlineData("""{"n":1}""", """{"m":1}""")]
    [InlineData("""{"n":null}""", """{}""")]
    [InlineData("""{"n":true}""", """{"n":false}""")]
    [InlineData("""{"n":9007199254740993}""", """{"n":9007199254740992}""")]
    [InlineData("""{"n":1.5}""", """{"n":1.6}""")]
    [InlineData("""{"n":[1,2]}""", """{"n":[2,1]}""")]
    [InlineData("""{"n":["ab","c"]}""", """{"n":["a","bc"]}""")]
    [InlineData("""{"n":["a","b"]}""", """{"n":["asb"]}""")] // The hash marks a text with an 's'.
    [InlineData("""{"n":[[1],2]}""", """{"n":[[1,2]]}""")]
    [InlineData("""{"n":{"a":{},"b":1}}""", """{"n":{"a":{"b":1}}}""")]
    public void Another_payload_has_another_hash(string first, string second) => Assert.NotEqual(Hash(first), Hash(second));

    [Fact]
    public void Another_operation_or_target_has_another_hash()
    {
        var (requester, payload) = (SagaScenario.Requester("1"), CelValue.Map([]));
        Guid[] hashes =
        [
            RequestHash.ForStart("order", payload),
            RequestHash.ForStart("orders", payload),
            RequestHash.ForEvent("order", "cancel", requester, payload),
            RequestHash.ForEvent("order", "pay", requester, payload),
            RequestHash.ForEvent("order", "cancel", requester with { CorrelationId = Guid.CreateVersion7() }, payload),
            RequestHash.ForEvent("order", "cancel", requester with { Target = new RequestTarget { Key = "k" } }, payload),
            RequestHash.ForEvent(
                "order", "cancel", requester with { Target = new RequestTarget { SagaId = new(Guid.CreateVersion7()) } }, payload),
        ];

        Assert.Equal(hashes.Length, hashes.Distinct().Count());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2_500)]
    [InlineData(4_999)]
    public void The_whole_of_a_large_payload_is_hashed(int changedIndex)
    {
        string Item(char text) => $"\"{new string(text, 100)}\"";
        string Large(char changed) =>
            $$"""{"items":[{{string.Join(',', Enumerable.Range(0, 5_000).Select(i => Item(i == changedIndex ? changed : 'x')))}}]}""";

        Assert.Equal(Hash(Large('a')), Hash(Large('a')));
        Assert.NotEqual(Hash(Large('a')), Hash(Large('b')));
    }

    private static Guid Hash(string payload) =>
        RequestHash.ForStart("order", CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(payload)));
}
