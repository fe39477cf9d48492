using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Schemas;
using Onex.Effects;

namespace Onex.Tests.Unit.Effects;

public sealed class EffectOperationsTests
{
    [Fact]
    public void The_compiler_knows_the_HTTP_operations()
    {
        var family = EffectOperations.Descriptors.Where(operation => operation.Name.StartsWith("http.", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            ["http.delete", "http.get", "http.head", "http.patch", "http.post", "http.put"], family.Select(operation => operation.Name));
        Assert.All(family, operation =>
        {
            Assert.Equal((OperationRole.Effect, "http", false), (operation.Role, operation.ConnectionType, operation.AnyArguments));
            Assert.Equal(operation.Name is not ("http.get" or "http.head"), operation.ChangesWorld);
            Assert.Equal(
                [("url", "string"), ("path", "string"), ("headers", "map(string)"), ("query", "map(any)"), ("body", "any")],
                operation.Arguments.Select(argument => (argument.Name, argument.Type)));
            Assert.All(operation.Arguments, argument => Assert.False(argument.Required));
            Assert.Equal(ArgumentFilling.PercentEncoded, operation.Arguments.Single(argument => argument.Name == "path").Filling);
            Assert.Equal(
                new Dictionary<string, string> { ["status_code"] = "int", ["headers"] = "map(string)", ["body"] = "any" },
                operation.Result);
        });
    }

    [Fact]
    public void The_compiler_knows_the_database_operations()
    {
        var family = EffectOperations.Descriptors.Where(operation => operation.Name.StartsWith("db.", StringComparison.Ordinal)).ToList();
        Assert.Equal(["db.execute", "db.query", "db.transaction"], family.Select(operation => operation.Name));
        Assert.All(family, operation =>
        {
            Assert.Equal((OperationRole.Effect, "postgres", false), (operation.Role, operation.ConnectionType, operation.AnyArguments));
            Assert.Equal(operation.Name != "db.query", operation.ChangesWorld);
        });

        var query = family[1];
        Assert.Equal(
            [("sql", "string", true, ArgumentFilling.Constant), ("parameters", "list(any)", false, ArgumentFilling.Value)],
            query.Arguments.Select(argument => (argument.Name, argument.Type, argument.Required, argument.Filling)));
        Assert.Equal(new Dictionary<string, string> { ["rows"] = "list(map(any))", ["row_count"] = "int" }, query.Result);

        var statements = Assert.Single(family[2].Arguments);
        Assert.Equal(
            ("statements", "list({ sql: string, parameters: list(any)? })", true), (statements.Name, statements.Type, statements.Required));
        Assert.Equal(["sql"], statements.ConstantKeys);
        Assert.Equal(new Dictionary<string, string> { ["results"] = "list({ rows: list(map(any)), row_count: int })" }, family[2].Result);
    }

    [Fact]
    public void Planned_operations_are_already_described()
    {
        Assert.Equal(
            [
                "vault.delete_secret", "vault.list_secrets", "vault.read_secret", "vault.renew_token", "vault.write_secret",
            ],
            EffectOperations.Descriptors.Where(operation => operation.IsToCome).Select(operation => operation.Name));
        Assert.All(EffectOperations.Descriptors.Where(operation => operation.IsToCome), operation =>
        {
            Assert.Equal(operation.Name.Split('.')[0], operation.ConnectionType);
            Assert.NotEmpty(operation.Result);
            Assert.All(operation.Result.Values, type => DataTypeReader.Parse(type));
            Assert.All(operation.Arguments, argument => DataTypeReader.Parse(argument.Type));
        });
    }

    [Fact]
    public async Task A_step_that_calls_a_planned_operation_is_rejected_with_a_remedy()
    {
        await using var effects = new EffectsHarness("connections: { vault: { type: vault, url: 'http://127.0.0.1:1' } }");

        var result = await effects.RunAsync(EffectsHarness.Command("vault.list_secrets", """{"path":"a"}""", "vault"));

        Assert.Equal((StepOutcomes.Rejected, "operation_unavailable"), (result.Outcome, result.Code));
        Assert.Equal(
            "Step 'reserve' of contract 'order-fulfilment' calls vault.list_secrets, which this version of Onex does not run yet. "
            + "Call another operation in a new version of the contract, or run a version of Onex that has it.",
            result.Message);
    }
}
