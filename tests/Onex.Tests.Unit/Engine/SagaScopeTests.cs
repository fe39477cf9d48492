using Onex.Tests.Unit.Contracts;

namespace Onex.Tests.Unit.Engine;

public sealed class SagaScopeTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("result.status_code == 402")]
    [InlineData("steps.fraud.body.score > 80 && input.total > data.limit")]
    [InlineData("data.name.startsWith('An') && input.order_id != ''")]
    [InlineData("has(data.limit)")]
    [InlineData("!(input.total < 1.0)")]
    [InlineData("data.limit * 2.0 - 1.0 > 10.0 ? true : false")]
    public void A_guard_allocates_nothing(string text)
    {
        var scope = Scope();
        Assert.True(Expression.TryParse(text, out var guard, out _));
        Assert.Equal(CelValue.Bool(true), guard.Evaluate(scope));

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++)
        {
            guard.Evaluate(scope);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData("data.unset")]
    [InlineData("steps.other")]
    [InlineData("input.nothing")]
    [InlineData("nobody.x")]
    public void A_missing_value_is_an_error_with_its_name(string text)
    {
        Assert.True(Expression.TryParse(text, out var expression, out _));
        Assert.Contains(
            text.StartsWith("nobody", StringComparison.Ordinal) ? "nobody" : text.Split('.')[1],
            expression.Evaluate(Scope()).AsError(),
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("data.maybe == null")]
    [InlineData("data == {'limit': 100.0, 'name': 'Anna', 'maybe': null} && steps.fraud == steps['fraud']")]
    [InlineData("saga.contract == 'small' && !has(data.unset) && data.?limit.value() == 100.0")]
    public void A_field_has_the_same_value_alone_and_in_the_map_of_all_fields(string text)
    {
        Assert.True(Expression.TryParse(text, out var expression, out _));
        Assert.Equal("true", expression.Evaluate(Scope()).ToString());
    }

    private static SagaScope Scope()
    {
        var plan = TestContracts.Check(
            TestContracts.Head + "data: { limit: double, name: string, unset: int, maybe: string? }\ninitial: done\nstates:\n  done: { "
                + "end: completed }\n").Plans.Single();
        var saga = new SagaState
        {
            Facts = new SagaFacts
            {
                SagaId = new(new Guid(1, 0, 0, new byte[8])),
                Contract = plan.Name,
                ContractVersion = plan.Version,
                ContractHash = plan.Hash,
                HomePartition = 0,
                StartedAt = _now,
                Requester = new Requester
                {
                    RequestId = new(new Guid(2, 0, 0, new byte[8])),
                    CorrelationId = new Guid(3, 0, 0, new byte[8]),
                    Operation = plan.Name,
                    Source = "requests/0/1",
                },
                Input = Json("""{"order_id": "o-1", "total": 120.5}"""),
            },
            State = plan.Initial,
            Status = SagaStatus.Running,
            Data = ImmutableDictionary<string, CelValue>.Empty.Add("limit", CelValue.Double(100)).Add("name", CelValue.String("Anna")),
            Results = ImmutableDictionary<string, CelValue>.Empty.Add("fraud", Json("""{"body": {"score": 90}}""")),
            UpdatedAt = _now,
        };
        return new SagaScope(plan, saga, _now, Json("""{"status_code": 402, "body": {}}"""));
    }

    private static CelValue Json(string text) => CelValue.FromJson(Encoding.UTF8.GetBytes(text));
}
