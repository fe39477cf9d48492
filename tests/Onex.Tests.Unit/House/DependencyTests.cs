using System.Xml.Linq;

namespace Onex.Tests.Unit.House;

/// <summary>Checks the direction of dependencies that docs/architecture.md defines.</summary>
public sealed class DependencyTests
{
    private static readonly string[] _pure = ["Onex.Contracts.Messages", "Onex.Contracts", "Onex.Operations"];
    private static readonly string[] _infrastructure = ["Onex.Metrics", "Onex.Kafka", "Onex.Persistence", "Onex.Hosting"];
    private static readonly string[] _roles = ["Onex.Orchestrator", "Onex.Effects", "Onex.Workers"];

    // The references that each project may have.
    private static readonly Dictionary<string, string[]> _allowed = new()
    {
        ["Onex.Contracts.Messages"] = [],
        ["Onex.Operations"] = [],
        ["Onex.Contracts"] = ["Onex.Operations"],
        ["Onex.Metrics"] = [],
        ["Onex.Engine"] = _pure,
        ["Onex.Kafka"] = [.. _pure, "Onex.Metrics"],
        ["Onex.Persistence"] = [.. _pure, "Onex.Engine"],
        ["Onex.Hosting"] = [.. _pure, "Onex.Metrics"],
        ["Onex.Orchestrator"] = [.. _pure, "Onex.Engine", .. _infrastructure],
        ["Onex.Effects"] = [.. _pure, .. _infrastructure],
        ["Onex.Workers"] = [.. _pure, .. _infrastructure],
        ["Onex.Migrations"] = ["Onex.Persistence"],
        ["Onex.Runtime"] = [.. _pure, "Onex.Engine", .. _infrastructure, .. _roles, "Onex.Migrations"],
    };

    public static TheoryData<string> Projects() =>
    [
        .. new[] { "src", "migrations" }
            .SelectMany(folder => Directory.EnumerateFiles(Repository.At(folder), "*.csproj", SearchOption.AllDirectories))
            .Select(path => Path.GetRelativePath(Repository.Root, path))
            .Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_references_only_allowed_projects(string project)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        Assert.True(_allowed.ContainsKey(name), $"{project}: a new project: add it to _allowed with its references");

        var references = XDocument.Load(Repository.At(project))
            .Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.All(references, reference => Assert.True(
            _allowed[name].Contains(reference),
            $"{project}: refers to {reference}, but may refer only to [{string.Join(", ", _allowed[name])}]"));
    }

    [Theory]
    [InlineData("Onex.Contracts.Messages")]
    [InlineData("Onex.Operations")]
    [InlineData("Onex.Contracts", "Cronos", "NodaTime", "YamlDotNet")]
    [InlineData("Onex.Engine")]
    [InlineData("Onex.Metrics")]
    public void The_pure_projects_reference_no_bus_store_broker_or_server(string name, params string[] packages)
    {
        var project = XDocument.Load(Repository.At("src", name, $"{name}.csproj"));

        Assert.Empty(project.Descendants("FrameworkReference"));
        Assert.Equal(packages, project.Descendants("PackageReference").Select(package => package.Attribute("Include")!.Value));
    }

    [Fact]
    public void Only_the_rider_and_the_orchestrator_reference_MassTransit() =>
        Assert.Equal(
            ["Onex.Kafka", "Onex.Orchestrator"],
            Directory.EnumerateFiles(Repository.At("src"), "*.csproj", SearchOption.AllDirectories)
                .Where(
                    path => XDocument.Load(path).Descendants("PackageReference").Any(
                        package => package.Attribute("Include")!.Value.StartsWith("MassTransit", StringComparison.Ordinal)))
                .Select(path => Path.GetFileNameWithoutExtension(path)!)
                .Order(StringComparer.Ordinal));

    [Fact]
    public void Every_project_in_the_table_exists() =>
        Assert.Equal(
            _allowed.Keys.Order(StringComparer.Ordinal),
            Projects().Select(project => Path.GetFileNameWithoutExtension(project.Data)).Order(StringComparer.Ordinal));
}
