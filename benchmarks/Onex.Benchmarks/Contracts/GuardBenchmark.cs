using System.Collections.Immutable;
using BenchmarkDotNet.Attributes;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Compiling;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Engine;

namespace Onex.Benchmarks.Contracts;

/// <summary>The cost of a guard over a saga in memory.</summary>
[MemoryDiagnoser]
public class GuardBenchmark
{
    private const string Contract = """
        contract: bench
        version: 1.0.0
        input:
          type: object
          required: [total, items]
          properties:
            total: { type: number }
            items: { type: array, items: { type: object, properties: { price: { type: number } } } }
        data: { limit: double, approved_by: string? }
        initial: done
        states:
          done: { end: completed }
        """;

    private static readonly CelValue _response = Json(
        """{"status_code": 402, "headers": {"content-type": "application/json", "date": "today"}, "body": {"error": "declined"}}""");

    private IExpressionScope _scope = null!;
    private IExpressionScope _resultScope = null!;
    private Expression _status = null!;
    private Expression _fraud = null!;
    private Expression _function = null!;
    private Expression _macro = null!;

    /// <summary>Creates the saga and the expressions.</summary>
    [GlobalSetup]
    public void SetUp()
    {
        var plan = ContractCompiler.Compile(
            new ContractSource("bench.yaml", Contract, ImmutableSortedDictionary<string, string>.Empty),
            new CompilerContext(new OperationCatalogue([]), null)).Plans[0];
        _ = plan.Input.Validate(
            Json("""{"order_id": "o-1", "total": 120, "items": [{"price": 10}, {"price": 20}, {"price": 90}]}"""), out var input);
        var saga = new SagaState
        {
            Facts = new SagaFacts
            {
                SagaId = new(new Guid(1, 0, 0, new byte[8])),
                Contract = plan.Name,
                ContractVersion = plan.Version,
                ContractHash = plan.Hash,
                HomePartition = 0,
                StartedAt = DateTimeOffset.UnixEpoch,
                Requester = new Requester
                {
                    RequestId = new(new Guid(2, 0, 0, new byte[8])),
                    CorrelationId = new Guid(3, 0, 0, new byte[8]),
                    Operation = plan.Name,
                    Source = "bench",
                },
                Input = input,
            },
            State = plan.Initial,
            Status = SagaStatus.Running,
            Data = ImmutableDictionary<string, CelValue>.Empty.Add("limit", CelValue.Double(100))
                .Add("approved_by", CelValue.String("Anna")),
            Results = ImmutableDictionary<string, CelValue>.Empty.Add("fraud", Json("""{"body": {"score": 90}}""")),
            UpdatedAt = DateTimeOffset.UnixEpoch,
        };
        _scope = new SagaScope(plan, saga, DateTimeOffset.UnixEpoch);
        _resultScope = new SagaScope(plan, saga, DateTimeOffset.UnixEpoch, _response);
        _status = Parse("result.status_code == 402");
        _fraud = Parse("steps.fraud.body.score > 80 && input.total > data.limit");
        _function = Parse("data.approved_by.startsWith('An') && input.order_id != ''");
        _macro = Parse("input.items.exists(i, i.price > data.limit)");
    }

    /// <summary>A guard of <c>reject</c>.</summary>
    [Benchmark(Description = "result.status_code == 402")]
    public bool Status() => _status.Evaluate(_resultScope).AsBool();

    /// <summary>A guard of <c>choose</c>.</summary>
    [Benchmark(Description = "steps.fraud.body.score > 80 && input.total > data.limit")]
    public bool Fraud() => _fraud.Evaluate(_scope).AsBool();

    /// <summary>A call of a function.</summary>
    [Benchmark(Description = "data.approved_by.startsWith('An') && input.order_id != ''")]
    public bool Function() => _function.Evaluate(_scope).AsBool();

    /// <summary>A loop over three items: it allocates only the loop variable.</summary>
    [Benchmark(Description = "input.items.exists(i, i.price > data.limit)")]
    public bool Macro() => _macro.Evaluate(_scope).AsBool();

    private static Expression Parse(string text) =>
        Expression.TryParse(text, out var expression, out var problem) ? expression : throw new InvalidOperationException(problem.Problem);

    private static CelValue Json(string text) => CelValue.FromJson(System.Text.Encoding.UTF8.GetBytes(text));
}
