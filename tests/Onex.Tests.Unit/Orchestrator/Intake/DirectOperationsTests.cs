using Onex.Effects;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;

namespace Onex.Tests.Unit.Orchestrator.Intake;

public sealed class DirectOperationsTests
{
    private static readonly CompilerContext _context = new(
        new OperationCatalogue(EffectOperations.Descriptors),
        new (string Name, string Type)[]
        {
            ("stock", "http"), ("bank", "http"), ("ledger", "postgres"), ("consul", "consul"), ("vault", "vault"), ("cache", "redis"),
            ("files", "filesystem"), ("partners", "kafka"),
        }.ToDictionary(entry => entry.Name, entry => new ConnectionDescriptor(entry.Name, entry.Type, null, null)));

    public static TheoryData<string, string, string> RejectedRequests => new()
    {
        { """{"operation":"http.post","payload":{"url":"http://example.com"}}""", ErrorCodes.OperationForbidden, "handlers.direct" },
        { """{"operation":"hash.sha256","handler_type":"hash"}""", ErrorCodes.OperationForbidden, "no effect operation" },
        { """{"operation":"orders","handler_type":"http"}""", ErrorCodes.OperationForbidden, "'http.orders' is no effect operation" },
        { """{"operation":"db.query","payload":{"sql":"SELECT 1"}}""", ErrorCodes.PayloadInvalid, "db.query needs a connection" },
        {
            """{"operation":"db.query","payload":{"sql":"SELECT 1","connection":"stock"}}""", ErrorCodes.PayloadInvalid,
            "no connection 'stock' of type postgres. Connections of that type: ledger."
        },
        { """{"operation":"http.get","payload":{"connection":7}}""", ErrorCodes.PayloadInvalid, "'connection' must be" },
        { """{"operation":"http.get","payload":{"url":7}}""", ErrorCodes.PayloadInvalid, "/url" },
        { """{"operation":"http.get","payload":{"adress":"http://example.com"}}""", ErrorCodes.PayloadInvalid, "adress" },
        {
            """{"operation":"http.get","payload":{"url":"http://example.com"},"target":{"key":"o-1"}}""", ErrorCodes.FieldInvalid,
            "'target' is for events"
        },
    };

    [Theory]
    [MemberData(nameof(RejectedRequests))]
    public void An_operation_that_is_not_allowed_or_has_wrong_arguments_is_rejected(string request, string code, string error)
    {
        var (accepted, rejection) = Accept(request);

        Assert.Null(accepted);
        Assert.Equal(code, rejection!.Code);
        Assert.Contains(error, rejection.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"operation":"http.get","payload":{"url":"http://example.com"}}""", "direct-http-get", "1.0.0-h", "url")]
    [InlineData(
        """{"operation":"get","handler_type":"http","payload":{"path":"/x","connection":"stock"}}""",
        "direct-http-get", "1.0.0-stock.h", "path")]
    [InlineData("""{"operation":"fetch.get","handler_type":"http","payload":{"url":"http://x"}}""", "direct-http-get", "1.0.0-h", "url")]
    [InlineData(
        """{"operation":"database.query","payload":{"sql":"SELECT 1","connection":"ledger"}}""",
        "direct-db-query", "1.0.0-ledger.h", "sql")]
    [InlineData(
        """{"operation":"query","handler_type":"database","payload":{"sql":"S","connection":"ledger"}}""",
        "direct-db-query", "1.0.0-ledger.h", "sql")]
    public void An_operation_that_is_listed_starts_its_built_in_contract(
        string request, string contract, string versionStart, string argument)
    {
        var (accepted, rejection) = Accept(request);

        Assert.Null(rejection);
        var facts = Assert.IsType<AcceptedRequest.Start>(accepted).Facts;
        Assert.Equal(contract, facts.Contract);
        Assert.StartsWith(versionStart, facts.ContractVersion, StringComparison.Ordinal);
        Assert.Equal([argument], facts.Input.AsMap().Select(entry => entry.Key));
    }

    [Fact]
    public void A_request_through_another_connection_has_another_hash()
    {
        var hashes = new[] { "stock", "bank" }.Select(connection => Accept(
            $$"""{"operation":"http.get","payload":{"path":"/x","connection":"{{connection}}"} }""").Request)
            .OfType<AcceptedRequest.Start>().Select(start => start.Facts.Requester.RequestHash).ToList();

        Assert.Equal(2, hashes.Count);
        Assert.NotEqual(hashes[0], hashes[1]);
    }

    [Fact]
    public void Every_effect_operation_has_a_built_in_contract_that_the_registry_can_compile_again()
    {
        var contracts = DirectContracts.Compile(EffectOperations.Descriptors.Select(operation => operation.Name), _context);

        Assert.Equal(
            EffectOperations.Descriptors.Select(operation => operation.Name).Order(StringComparer.Ordinal),
            contracts.Select(contract => contract.Operation).Distinct().Order(StringComparer.Ordinal));
        Assert.Equal(contracts.Count, contracts.Select(contract => contract.Plan.Hash).Distinct().Count());
        Assert.All(contracts, contract => Assert.Equal(
            contract.Plan.Hash,
            RegisteredPlans.ToPlan(RegisteredPlans.ToRow(contract.Plan), _context with { Connections = null })!.Hash));
    }

    [Fact]
    public void A_listed_name_that_is_no_effect_operation_is_reported_with_a_suggestion()
    {
        var problem = Assert.Single(DirectContracts.Problems(["http.get", "database.query", "htp.get"], _context.Operations));

        Assert.Contains("Did you mean 'http.get'?", problem, StringComparison.Ordinal);
    }

    private static (AcceptedRequest? Request, Rejection? Rejection) Accept(string request)
    {
        string[] listed = ["http.get", "database.query"];
        var plans = new PlanCatalogue([], registry: null!, compiler: null!);
        plans.Replace([], DirectContracts.Compile(listed, _context), _context);
        var rules = new RequestRules(plans, _context.Operations, [], listed);
        var read = new RequestReader(1 << 20).Read(
            Encoding.UTF8.GetBytes(request),
            new RequestOrigin(new(Guid.Empty), "requests/3/7", ImmutableSortedDictionary<string, string>.Empty));
        Assert.NotNull(read.Request);
        return rules.Accept(read.Request, default, homePartition: 3, new DateTimeOffset(2026, 11, 24, 8, 0, 0, TimeSpan.Zero));
    }
}
