using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Routing;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Routing;

public sealed class BatchOrderTests
{
    // s is a start and e an event, each followed by its correlation id, or by its business key as a capital; r is any other message.
    [Theory]
    [InlineData("s1 r s2", "s1 r s2")]
    [InlineData("s1 e1 r e1", "s1 e1 r e1")]
    [InlineData("e1 s2 e2 s3", "e1 s2 e2 s3")]
    [InlineData("e1 s1 e1", "e1|s1 e1")]
    [InlineData("e1 s1 s1 e1 s1", "e1|s1 s1 e1|s1")]
    [InlineData("eA sA", "eA|sA")]
    [InlineData("eB sA", "eB sA")]
    public void An_event_is_not_for_a_saga_that_starts_after_it(string batch, string parts)
    {
        var items = batch.Split(' ').Select(name => (Name: name, Item: Item(name))).ToList();

        Assert.Equal(
            parts,
            string.Join('|', BatchOrder.Split([.. items.Select(entry => entry.Item)])
                .Select(part => string.Join(' ', part.Select(item => items.Find(entry => entry.Item == item).Name)))));
    }

    [Fact]
    public void Different_events_with_one_identity_are_in_different_parts()
    {
        Delivery WithHash(char hash) => Event(
            SagaScenario.Requester("1") with { RequestHash = new Guid($"{new string(hash, 8)}-0000-0000-0000-000000000000") });
        Delivery[] items = [WithHash('a'), WithHash('a'), WithHash('b'), WithHash('a')];

        Assert.Equal([2, 1, 1], BatchOrder.Split(items).Select(part => part.Count));
    }

    private static Delivery Event(Requester requester) =>
        Delivery.For(new EventRequest("story", "cancel", CelValue.Null, requester), OutcomeSink.None);

    private static Delivery Item(string name)
    {
        var key = name.Length > 1 && char.IsUpper(name[1]) ? name[1..] : null;
        var requester = SagaScenario.Requester(key is null ? name[1..] : name) with
        {
            Target = key is null ? null : new RequestTarget { Key = key },
        };
        return name[0] switch
        {
            'e' => Event(requester),
            's' => Delivery.For(
                new AcceptedRequest.Start(new SagaFacts
                {
                    SagaId = new(Guid.CreateVersion7(DateTimeOffset.UnixEpoch)),
                    Contract = "story",
                    ContractVersion = "1.0.0",
                    ContractHash = "",
                    HomePartition = 0,
                    StartedAt = DateTimeOffset.UnixEpoch,
                    Requester = requester,
                    BusinessKey = key,
                    Input = CelValue.Null,
                }),
                OutcomeSink.None),
            _ =>
                new Delivery(
                    new ResendRequested { SagaId = new(Guid.CreateVersion7(DateTimeOffset.UnixEpoch)), CausedBy = default },
                    OutcomeSink.None),
        };
    }
}
