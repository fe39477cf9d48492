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
                [
                    ("url", "string"), ("path", "string"), ("headers", "map(string)"), ("query", "map(any)"), ("redirects", "int"),
                    ("body", "any"),
                ],
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
    public void The_operations_of_vault_are_described()
    {
        var family = EffectOperations.Descriptors.Where(operation => operation.ConnectionType == "vault").ToList();

        Assert.Equal(
            ["vault.delete_secret", "vault.list_secrets", "vault.read_secret", "vault.renew_token", "vault.write_secret"],
            family.Select(operation => operation.Name));
        Assert.Equal([true, false, false, false, true], family.Select(operation => operation.ChangesWorld));
        Assert.Equal(new Dictionary<string, string> { ["fields"] = "map(string)", ["version"] = "int" }, family[2].Result);
    }
}
