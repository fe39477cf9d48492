using Onex.Orchestrator.Api;

namespace Onex.Tests.Unit.Orchestrator.Api;

public sealed class ApiDocumentTests
{
    [Fact]
    public void The_document_matches_the_table_of_calls() =>
        Assert.Equal(ApiDocument.Render(), Repository.Golden(Repository.At("docs", "http-api.md"), ApiDocument.Render()));

    [Fact]
    public void The_openapi_document_describes_every_call_with_its_parameters()
    {
        using var document = JsonDocument.Parse(OpenApi.Document);
        var paths = document.RootElement.GetProperty("paths");
        Assert.StartsWith("3.1", document.RootElement.GetProperty("openapi").GetString());
        Assert.All(ApiRoutes.All, route =>
        {
            var call = paths.GetProperty(route.Path).GetProperty(route.Method.ToLowerInvariant());
            Assert.Equal(route.Name, call.GetProperty("operationId").GetString());
            Assert.Equal(
                route.PathNames.Concat(route.Query.Select(parameter => parameter.Name)),
                call.GetProperty("parameters").EnumerateArray().Select(parameter => parameter.GetProperty("name").GetString()));
            Assert.All(["401", "403", "500", "503"], status => Assert.True(call.GetProperty("responses").TryGetProperty(status, out _)));
        });
    }

    [Fact]
    public void Names_of_calls_are_unique() =>
        Assert.Equal(ApiRoutes.All.Count, ApiRoutes.All.Select(route => route.Name).Distinct().Count());
}
