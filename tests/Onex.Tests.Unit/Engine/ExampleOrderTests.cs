using Onex.Contracts.Compiling;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Engine.Examples;
using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.Engine;

/// <summary>The example of the contract language, compiled from its file and run to each of its ends.</summary>
public sealed class ExampleOrderTests
{
    private static readonly Plan _order = ContractCompiler
        .CompileDirectory(RepositoryFiles.At("tests", "contracts", "valid", "order-fulfilment-full"), TestCatalogue.OfTheExample)
        .Plans.Single();

    [Fact]
    public void Its_own_examples_hold() =>
        Assert.All(ContractExamples.Run(_order).Examples, example => Assert.Empty(example.Problems));

    [Fact]
    public void A_declined_card_waits_for_another_one_and_then_the_order_completes()
    {
        var scenario = Charging().Answered("charge", 402).IsIn("awaiting_new_card", SagaStatus.Waiting)
            .Receives("card_updated")
                .Sends("charge")
            .Answered("charge", 200, """{"ref":"p-1"}""")
                .Sends("fraud", "seal")
            .Answered("fraud", 200, """{"score":3}""")
                .Sends()
            .Completes("seal", """{"hex":"ab12"}""")
                .Sends("pack")
            .Answered("pack", 200, """{"parcel":"box-1"}""")
            .Wakes()
                .Sends("confirm")
            .Completes("confirm", """{"topic":"orders.confirmed","key":"o1"}""")
                .IsIn("done", SagaStatus.Completed);

        Assert.Equal("""{"topic":"orders.confirmed","key":"o1","value":{"parcels":["box-1"]}}""", scenario.Arguments("confirm"));
        Assert.Equal("""{"order_id":"o1","parcels":["box-1"]}""", scenario.Answers.Single().Output.ToString());
        Assert.Equal(2, scenario.Saga.Visits["charging"]);
    }

    [Fact]
    public void An_order_that_is_cancelled_while_it_waits_for_a_card_gives_the_stock_back()
    {
        var scenario = Charging()
            .Answered("charge", 402)
            .Receives("cancel", """{"reason":"changed mind"}""")
                .Sends("-reserve")
            .Answered("reserve", 204)
                .IsIn("unwound", SagaStatus.Failed);

        Assert.Equal("""{"order_id":"o1","reason":"cancel"}""", scenario.Answers.Single().Output.ToString());
    }

    [Fact]
    public void An_order_that_waits_too_long_for_a_card_gives_the_stock_back()
    {
        var scenario = Charging()
            .Answered("charge", 402)
            .Wakes()
                .Sends("-reserve")
            .Answered("reserve", 204)
                .IsIn("unwound", SagaStatus.Failed);

        Assert.Equal("""{"order_id":"o1","reason":"state_timed_out"}""", scenario.Answers.Single().Output.ToString());
    }

    [Fact]
    public void An_order_that_is_cancelled_while_the_charge_is_in_flight_is_refunded_if_the_charge_happened() =>
        Cancelled()
            .Answered("charge", 200, """{"ref":"p-1"}""")
                .Sends("-charge")
            .Answered("charge", 200)
                .Sends("-reserve")
            .Answered("reserve", 204)
                .IsIn("unwound", SagaStatus.Failed);

    [Fact]
    public void And_it_is_not_refunded_if_nobody_had_begun_to_charge() =>
        Cancelled()
            .Wakes(_ => SagaScenario.Cancelled)
                .Sends("-reserve")
            .Answered("reserve", 204)
                .IsIn("unwound", SagaStatus.Failed);

    [Fact]
    public void And_if_the_effects_process_died_the_charge_is_asked_for_again_under_its_key_until_its_outcome_is_known() =>
        Cancelled()
            .Wakes(_ => new Lease(1, null))
            .Wakes()
                .Sends("charge#2")
            .Answered("charge", 200, """{"ref":"p-1"}""")
                .Sends("-charge");

    private static SagaScenario Charging() => new SagaScenario(_order)
        .Starts("""{"order_id":"o1","total":10.0,"items":[{"sku":"a","quantity":1}]}""")
        .Sends("reserve")
        .Answered("reserve", 201, """{"id":"r-1"}""")
            .Sends("charge");

    private static SagaScenario Cancelled() => Charging()
        .Receives("cancel", """{"reason":"late"}""")
            .Sends().IsIn("unwinding", SagaStatus.Compensating);
}
