using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Intake;

public sealed class RequestRulesTests
{
    private const string SagaId = "123e4567-e89b-12d3-a456-426614174000";

    public static TheoryData<string, string, string> RejectedRequests => new()
    {
        { """{"operation":"orders.cancle"}""", ErrorCodes.OperationUnknown, "Did you mean 'cancel'? Events here: cancel, ping." },
        { """{"operation":"order.cancel"}""", ErrorCodes.OperationUnknown, "Did you mean 'orders.cancel'?" },
        { """{"operation":"orders."}""", ErrorCodes.OperationUnknown, "has no event ''" },
        { """{"operation":"http.get"}""", ErrorCodes.OperationForbidden, "http.get" },
        {
            """{"operation":"orders.cancel","payload":{"reason":7,"at":"2026-11-24T08:00:00Z"}}""",
            ErrorCodes.PayloadInvalid,
            "/reason must be string"
        },
        { """{"operation":"orders.cancel"}""", ErrorCodes.PayloadInvalid, "the payload needs 'reason'" },
        {
            """{"operation":"orders","payload":{"order":"o-1"},"target":{"key":"o-1"}}""",
            ErrorCodes.FieldInvalid,
            "'target' is for events"
        },
        { """{"operation":"orders.ping","reply_to":"elsewhere"}""", ErrorCodes.ReplyToForbidden, "elsewhere" },
    };

    [Theory]
    [MemberData(nameof(RejectedRequests))]
    public void An_invalid_request_is_rejected_with_a_reason(string request, string code, string error)
    {
        var (accepted, rejection) = Accept(request);

        Assert.Null(accepted);
        Assert.Equal(code, rejection!.Code);
        Assert.Contains(error, rejection.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_payload_that_does_not_match_its_event_is_rejected_with_the_position() => Assert.Equal(
        """{"problems":[{"pointer":"/reason","problem":"must be string, not an integer"}]}""",
        Accept("""{"operation":"orders.cancel","payload":{"reason":7,"at":"2026-11-24T08:00:00Z"}}""").Rejection!.Details.ToString());

    [Theory]
    [InlineData("1e999", "a double can hold")]
    [InlineData("-1e999", "a double can hold")]
    [InlineData("1.5E+309", "a double can hold")]
    [InlineData("18446744073709551616", "18446744073709551615")]
    [InlineData("-9223372036854775809", "-9223372036854775808")]
    public void A_number_out_of_range_is_rejected_on_intake_with_its_position(string number, string error)
    {
        foreach (var operation in (string[])["orders", "orders.ping"])
        {
            var (accepted, rejection) = Accept(
                $$$"""{"operation":"{{{operation}}}","payload":{"order":"o-1","a/b":[1,{"total":{{{number}}} }]}}""");

            Assert.Null(accepted);
            Assert.Equal((ErrorCodes.PayloadInvalid, "SchemaMismatch"), (rejection!.Code, rejection.ErrorType));
            Assert.Contains("/a~1b/1/total must be", rejection.Error, StringComparison.Ordinal);
            Assert.Contains(error, rejection.Error, StringComparison.Ordinal);
            Assert.Contains("\"pointer\":\"/a~1b/1/total\"", rejection.Details.ToString(), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("9223372036854775807")]
    [InlineData("-9223372036854775808")]
    [InlineData("18446744073709551615")]
    [InlineData("1.7976931348623157e308")]
    [InlineData("1e-999")]
    [InlineData("-0")]
    [InlineData("100000000000000000000.0")]
    [InlineData("\"1e999\"")]
    public void A_number_in_range_is_accepted(string number) =>
        Assert.IsType<AcceptedRequest.Start>(
            Accept($$$"""{"operation":"orders","payload":{"order":"o-1","total":{{{number}}} }}""").Request);

    [Theory]
    [InlineData("answers")]
    [InlineData("responses")]
    public void A_reply_topic_that_is_listed_is_accepted(string topic) =>
        Assert.Null(Accept($$"""{"operation":"orders.ping","reply_to":"{{topic}}"}""").Rejection);

    [Fact]
    public void The_rejection_of_a_reply_topic_is_not_sent_to_that_topic() =>
        Assert.Null(Accept("""{"operation":"orders.ping","reply_to":"elsewhere"}""").Rejection!.Requester!.ReplyTo);

    [Theory]
    [InlineData("""{"operation":"orders.ping"}""", null, null)]
    [InlineData("""{"operation":"orders.ping","target":{"key":"o-1"}}""", null, "o-1")]
    [InlineData($$"""{"operation":"orders.ping","target":{"saga_id":"{{SagaId}}"} }""", SagaId, null)]
    public void An_event_is_sent_to_the_target_that_its_request_names(string request, string? sagaId, string? key)
    {
        var sent = Assert.IsType<AcceptedRequest.Event>(Accept(request).Request).Request;

        Assert.Equal(("orders", "ping"), (sent.Contract, sent.Event));
        Assert.Equal((sagaId, key), (sent.Address.SagaId?.ToString(), sent.Address.BusinessKey));
        Assert.Equal((sent.Requester.RequestId, sent.Requester.CorrelationId), (sent.Address.MessageId, sent.Address.CorrelationId));
    }

    [Fact]
    public void A_request_that_names_a_contract_starts_a_saga() =>
        Assert.Equal(
            "o-1",
            Assert.IsType<AcceptedRequest.Start>(Accept("""{"operation":"orders","payload":{"order":"o-1"}}""").Request).Facts.BusinessKey);

    [Fact]
    public void An_event_is_validated_by_the_plan_of_its_saga()
    {
        var sagaId = new SagaId(Guid.Parse(SagaId));
        var sent = Assert.IsType<AcceptedRequest.Event>(
            Accept("""{"operation":"orders.cancel","payload":{"reason":"late","at":"2026-11-24T08:00:00Z"}}""").Request).Request;

        var typed = sent.For(PlansWithEvents.Orders, sagaId).Event!;
        Assert.True(typed.Data.TryGetField("at", out var at));
        Assert.Equal((CelKind.Timestamp, sagaId, sent.MessageId), (at.Kind, typed.SagaId, typed.CausedBy));

        var stricter = PlansWithEvents.With(new EventPlan("cancel", PlansWithEvents.Fields(("reason", CelKind.Int)), null));
        Assert.Equal((ErrorCodes.PayloadInvalid, (SagaId?)sagaId), Code(sent.For(stricter, sagaId).Rejection));
        Assert.Equal((ErrorCodes.EventUnwanted, (SagaId?)sagaId), Code(sent.For(PlansWithEvents.With(), sagaId).Rejection));

        static (string?, SagaId?) Code(Rejection? rejection) => (rejection?.Code, rejection?.SagaId);
    }

    [Fact]
    public void An_event_that_the_newest_plan_rejects_is_accepted_by_an_older_plan_of_its_saga()
    {
        var sagaId = new SagaId(Guid.Parse(SagaId));
        var older = PlansWithEvents.With(
            new EventPlan("cancel", PlansWithEvents.Fields(("reason", CelKind.Int)), null),
            new EventPlan("held", PlansWithEvents.Fields(), null));
        EventRequest Sent(string request) => Assert.IsType<AcceptedRequest.Event>(Accept(request, hasLiveSaga: true).Request).Request;

        foreach (var request in (string[])["""{"operation":"orders.cancel","payload":{"reason":7}}""", """{"operation":"orders.held"}"""])
        {
            var sent = Sent(request);
            Assert.NotNull(sent.RejectionByNewest);
            Assert.Null(sent.Early);
            Assert.NotNull(sent.For(older, sagaId).Event);
        }

        var current = Sent("""{"operation":"orders.cancel","payload":{"reason":"late","at":"2026-11-24T08:00:00Z"}}""");
        Assert.Null(current.RejectionByNewest);
        Assert.Equal(ErrorCodes.PayloadInvalid, current.For(older, sagaId).Rejection!.Code);
    }

    [Fact]
    public void An_event_of_a_contract_that_is_not_loaded_is_accepted_for_its_live_sagas()
    {
        var sent = Assert.IsType<AcceptedRequest.Event>(
            Accept("""{"operation":"gone.cancel","payload":{"reason":7}}""", hasLiveSaga: true).Request).Request;

        Assert.Equal(("gone", "cancel", ErrorCodes.OperationUnknown), (sent.Contract, sent.Event, sent.RejectionByNewest!.Code));
        Assert.Null(Accept("""{"operation":"gone"}""", hasLiveSaga: true).Request);
    }

    [Theory]
    [InlineData("orders")]
    [InlineData("orders.ping")]
    public async Task A_request_that_arrives_while_its_contract_is_loaded_gets_no_suggestion_of_that_contract(string operation)
    {
        var plans = new PlanCatalogue([], registry: null!, compiler: null!);
        var accepting = Task.Run(
            () => Enumerable.Range(0, 20_000)
                .Select(_ => Accept($$"""{"operation":"{{operation}}","payload":{"order":"o-1"} }""", plans: plans).Rejection?.Error ?? "")
                .ToHashSet(StringComparer.Ordinal),
            TestContext.Current.CancellationToken);
        while (!accepting.IsCompleted)
        {
            plans.Replace([PlansWithEvents.Orders], [], null!);
            plans.Replace([], [], null!);
        }

        Assert.DoesNotContain(await accepting, error => error.Contains("Did you mean", StringComparison.Ordinal));
    }

    private static (AcceptedRequest? Request, Rejection? Rejection) Accept(
        string request, bool hasLiveSaga = false, PlanCatalogue? plans = null)
    {
        plans ??= new PlanCatalogue([PlansWithEvents.Orders], registry: null!, compiler: null!);
        var rules = new RequestRules(plans, new OperationCatalogue([]), ["answers", "responses"], []);
        var read = new RequestReader(1 << 20).Read(
            Encoding.UTF8.GetBytes(request), new RequestOrigin(
                new(Guid.Parse(SagaId)), "requests/3/7", ImmutableSortedDictionary<string, string>.Empty));
        Assert.NotNull(read.Request);
        var (accepted, rejection) = rules.Accept(
            read.Request, default, homePartition: 3, new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero));

        if (hasLiveSaga || accepted is not AcceptedRequest.Event { Request.RejectionByNewest: { } rejectionByNewest })
        {
            return (accepted, rejection);
        }

        return (null, rejectionByNewest);
    }
}
