using Onex.Contracts.Catalogue;
using Onex.Effects;

namespace Onex.Tests.Unit.Effects;

public sealed class EffectOperationsTests
{
    [Fact]
    public void The_http_family_is_described_for_the_compiler()
    {
        Assert.Equal(
            ["http.delete", "http.get", "http.head", "http.patch", "http.post", "http.put"],
            EffectOperations.Descriptors.Select(operation => operation.Name));
        Assert.All(EffectOperations.Descriptors, operation =>
        {
            Assert.Equal((OperationRole.Effect, "http", false), (operation.Role, operation.ConnectionType, operation.AnyArguments));
            Assert.Equal(operation.Name is not ("http.get" or "http.head"), operation.ChangesWorld);
            Assert.Equal(
                [("url", "string"), ("path", "string"), ("headers", "map(string)"), ("query", "map(any)"), ("body", "any")],
                operation.Arguments.Select(argument => (argument.Name, argument.Type)));
            Assert.All(operation.Arguments, argument => Assert.False(argument.Required));
            Assert.Equal(ArgumentFilling.PercentEncoded, operation.Arguments.Single(argument => argument.Name == "path").Filling);
            Assert.Equal(
                new Dictionary<string, string> { ["status_code"] = "int", ["headers"] = "map(string)", ["body"] = "any" }, operation.Result);
        });
    }
}
