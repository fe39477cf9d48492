using Onex.Engine.Examples;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.Engine;

/// <summary>The order of docs/tutorial.md, compiled from its file and run to each of its ends.</summary>
public sealed class ExampleOrderTests
{
    private static readonly Plan _order = ContractCompiler
        .CompileDirectory(Repository.At("tests", "contracts", "valid", "order-fulfilment-full"), TestCatalogue.OrderFulfilmentContext)
        .Plans.Single();

    [Fact]
    public void The_order_examples_hold() =>
        Assert.All(ContractExamples.Run(_order).Examples, example => Assert.Empty(example.Problems));

    [Fact]
    public void An_order_waits_for_another_card_after_a_declined_one_and_completes()
    {
        var scenario = Charging().Answered("charge", 402).IsIn("awaiting_new_card", SagaStatus.Waiting)
            .Receives("card_updated").Sends("charge")
            .Answered("charge", 200, """{"ref":"p-1"}""").Sends("fraud", "seal")
            .Answered("fraud", 200, """{"score":3}""").Sends()
            .Completes("seal", """{"hex":"ab12"}""").Sends("pack")
            .Answered("pack", 200, """{"parcel":"box-1"}""")
            .Wakes().Sends("confirm")
            .Completes("confirm", """{"topic":"orders.confirmed","key":"o1"}""")
                .IsIn("done", SagaStatus.Completed);

        Assert.Equal("""{"topic":"orders.confirmed","key":"o1","value":{"parcels":["box-1"]}}""", scenario.Arguments("confirm"));
        Assert.Equal("""{"order_id":"o1","parcels":["box-1"]}""", scenario.Answers.Single().Output.ToString());
        Assert.Equal(2, scenario.Saga.Visits["charging"]);
    }

    [Fact]
    public void An_order_cancelled_while_waiting_for_a_card_releases_its_stock()
    {
        var scenario = Charging()
            .Answered("charge", 402)
            .Receives("cancel", """{"reason":"changed mind"}""").Sends("-reserve")
            .Answered("reserve", 204).IsIn("unwound", SagaStatus.Failed);

        Assert.Equal("""{"order_id":"o1","reason":"cancel"}""", scenario.Answers.Single().Output.ToString());
    }

    [Fact]
    public void An_order_that_waits_too_long_for_a_card_releases_its_stock()
    {
        var scenario = Charging()
            .Answered("charge", 402)
            .Wakes().Sends("-reserve")
            .Answered("reserve", 204).IsIn("unwound", SagaStatus.Failed);

        Assert.Equal("""{"order_id":"o1","reason":"state_timed_out"}""", scenario.Answers.Single().Output.ToString());
    }

    [Fact]
    public void An_order_cancelled_during_its_charge_is_refunded_if_the_charge_happened() =>
        Cancelled()
            .Answered("charge", 200, """{"ref":"p-1"}""").Sends("-charge")
            .Answered("charge", 200).Sends("-reserve")
            .Answered("reserve", 204).IsIn("unwound", SagaStatus.Failed);

    [Fact]
    public void An_order_cancelled_before_its_charge_is_not_refunded() =>
        Cancelled()
            .Wakes(_ => SagaScenario.Cancelled).Sends("-reserve")
            .Answered("reserve", 204).IsIn("unwound", SagaStatus.Failed);

    [Fact]
    public void A_charge_with_a_lost_outcome_is_resent_under_its_key_until_the_outcome_is_known() =>
        Cancelled()
            .Wakes(_ => new Lease(1, null))
            .Wakes().Sends("charge#2")
            .Answered("charge", 200, """{"ref":"p-1"}""").Sends("-charge");

    private static SagaScenario Charging() => new SagaScenario(_order)
        .Starts("""{"order_id":"o1","total":10.0,"items":[{"sku":"a","quantity":1}]}""")
        .Sends("reserve")
        .Answered("reserve", 201, """{"id":"r-1"}""").Sends("charge");

    private static SagaScenario Cancelled() => Charging()
        .Receives("cancel", """{"reason":"late"}""").Sends().IsIn("unwinding", SagaStatus.Compensating);
}
