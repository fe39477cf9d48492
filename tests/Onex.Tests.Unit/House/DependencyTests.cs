using System.Xml.Linq;
using Onex.Tests.Support;

namespace Onex.Tests.Unit.House;

/// <summary>Dependencies point one way: docs/architecture.md says which, this test holds it.</summary>
public sealed class DependencyTests
{
    private static readonly string[] _leaves = ["Onex.Contracts.Messages", "Onex.Contracts"];
    private static readonly string[] _infrastructure = ["Onex.Kafka", "Onex.Persistence", "Onex.Hosting"];
    private static readonly string[] _roles = ["Onex.Orchestrator", "Onex.Effects", "Onex.Workers"];

    // What a project may refer to. What is not here may refer to nothing.
    private static readonly Dictionary<string, string[]> _allowed = new()
    {
        ["Onex.Contracts.Messages"] = [],
        ["Onex.Contracts"] = [],
        ["Onex.Kafka"] = _leaves,
        ["Onex.Persistence"] = _leaves,
        ["Onex.Hosting"] = _leaves,
        ["Onex.Orchestrator"] = [.. _leaves, .. _infrastructure],
        ["Onex.Effects"] = [.. _leaves, .. _infrastructure],
        ["Onex.Workers"] = [.. _leaves, .. _infrastructure],
        ["Onex.Migrations"] = ["Onex.Persistence"],
        ["Onex.Runtime"] = [.. _leaves, .. _infrastructure, .. _roles, "Onex.Migrations"],
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
    public void A_project_refers_only_to_what_it_may_know(string project)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        Assert.True(_allowed.ContainsKey(name), $"{project}: a new project: say here what it may know");

        var references = XDocument.Load(Repository.At(project))
            .Descendants("ProjectReference")
            .Select(reference => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/')));
        Assert.All(references, reference => Assert.True(
            _allowed[name].Contains(reference),
            $"{project}: refers to {reference}, but may know only [{string.Join(", ", _allowed[name])}]"));
    }

    [Fact]
    public void Every_project_of_the_table_is_there() =>
        Assert.Equal(
            _allowed.Keys.Order(StringComparer.Ordinal),
            Projects().Select(project => Path.GetFileNameWithoutExtension(project.Data)).Order(StringComparer.Ordinal));
}
