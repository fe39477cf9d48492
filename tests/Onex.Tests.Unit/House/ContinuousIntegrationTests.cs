using System.Diagnostics;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace Onex.Tests.Unit.House;

/// <summary>
/// Whatever the GitHub workflow and the GitLab example of docker/README.md run exists: files, commands of <c>./dev</c>, build arguments.
/// deploy/verify lints the workflow.
/// </summary>
public sealed partial class ContinuousIntegrationTests
{
    // Programs that are on the machines that run the jobs.
    private static readonly string[] _programs = ["apt-get", "docker"];

    // From "Predefined CI/CD variables" in the manual of GitLab.
    private static readonly string[] _gitLabVariables =
    [
        "CI_COMMIT_BRANCH", "CI_COMMIT_SHA", "CI_COMMIT_SHORT_SHA", "CI_COMMIT_TAG", "CI_DEFAULT_BRANCH", "CI_PROJECT_URL", "CI_REGISTRY",
        "CI_REGISTRY_IMAGE", "CI_REGISTRY_PASSWORD", "CI_REGISTRY_USER",
    ];

    private static readonly string _dockerfile = File.ReadAllText(Repository.At("docker", "Dockerfile.runtime"));

    public static TheoryData<string> Lines() => [.. Workflow().Concat(GitLab()).Distinct()];

    [Fact]
    public void The_workflow_tests_builds_scans_and_pushes()
    {
        var jobs = (YamlMappingNode)Load(WorkflowText())["jobs"];
        var steps = jobs.Children.ToDictionary(
            job => job.Key.ToString(), job => ((YamlSequenceNode)job.Value["steps"]).Children.Cast<YamlMappingNode>().ToList());
        var uses = steps["image"].Select(step => step.Children.TryGetValue("uses", out var action) ? action.ToString().Split('@')[0] : "");

        Assert.Contains(steps["test"], step => step.Children.TryGetValue("run", out var run) && run.ToString() == "./dev ci");
        Assert.Contains(steps["chart"], step => step.Children.TryGetValue("run", out var run) && run.ToString() == "deploy/verify");
        Assert.Subset(
            uses.ToHashSet(), new HashSet<string> { "docker/metadata-action", "docker/build-push-action", "aquasecurity/trivy-action" });
        Assert.All(
            steps["image"].Where(step => step.Children.TryGetValue("with", out var with)
                && ((YamlMappingNode)with).Children.ContainsKey("file")),
            step => Assert.True(File.Exists(Repository.At(step["with"]["file"].ToString()))));
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_line_is_valid_bash_and_runs_existing_programs(string line)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("it runs bash");
            return;
        }

        using var bash = Process.Start(
            new ProcessStartInfo("bash", ["-n", "-c", line]) { RedirectStandardError = true, UseShellExecute = false })!;
        var error = bash.StandardError.ReadToEnd();
        bash.WaitForExit();
        Assert.True(bash.ExitCode == 0, error);

        foreach (var words in line.Split("&&", StringSplitOptions.TrimEntries).Select(part => part.Split(' ')))
        {
            var (program, argument) = words[0] == "sudo" ? (words[1], words[2]) : (words[0], words.ElementAtOrDefault(1));
            if (!program.Contains('/', StringComparison.Ordinal))
            {
                Assert.Contains(program, _programs);
                continue;
            }

            var path = Repository.At(program.Split('/'));
            Assert.True(File.Exists(path) && File.GetUnixFileMode(path).HasFlag(UnixFileMode.UserExecute), $"{path} is not executable");
            if (program == "./dev")
            {
                Assert.Contains($"\n    {argument})", File.ReadAllText(path), StringComparison.Ordinal);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Lines))]
    public void A_build_passes_arguments_that_the_image_takes(string line)
    {
        Assert.All(
            BuildArgument().Matches(line), found => Assert.Matches($@"(?m)^ARG {found.Groups["name"].Value}=", _dockerfile));
        Assert.All(
            BuildSecret().Matches(line),
            found => Assert.Contains($"type=secret,id={found.Groups["name"].Value}", _dockerfile, StringComparison.Ordinal));
        Assert.All(
            BuildFile().Matches(line), found => Assert.True(File.Exists(Repository.At(found.Groups["name"].Value.Split('/')))));
    }

    [Fact]
    public void The_GitLab_example_uses_variables_that_GitLab_sets() => Assert.All(
        GitLab().SelectMany(line => GitLabVariable().Matches(line)), found => Assert.Contains(found.Value, _gitLabVariables));

    [Fact]
    public void Both_pipelines_build_the_image_with_its_labels_scan_and_push()
    {
        var lines = GitLab();

        Assert.Contains("./dev ci", lines);
        Assert.Single(lines, line => line.StartsWith("docker buildx build ", StringComparison.Ordinal) && BuildFile().IsMatch(line));
        Assert.Single(lines, line => line.Contains("trivy image", StringComparison.Ordinal));
        Assert.Single(lines, line => line.StartsWith("docker push ", StringComparison.Ordinal));
        foreach (var name in (string[])["RUNTIME_VERSION", "BUILD_DATE", "VCS_REF"])
        {
            Assert.Contains(lines, line => line.Contains($"--build-arg {name}=", StringComparison.Ordinal));
            Assert.Contains($"\n            {name}=", WorkflowText(), StringComparison.Ordinal);
        }
    }

    private static string WorkflowText() => File.ReadAllText(Repository.At(".github", "workflows", "ci.yml"));

    private static List<string> Workflow() =>
    [
        .. ((YamlMappingNode)Load(WorkflowText())["jobs"]).Children.Values
            .SelectMany(job => ((YamlSequenceNode)job["steps"]).Children.Cast<YamlMappingNode>())
            .Where(step => step.Children.ContainsKey("run"))
            .SelectMany(step => step["run"].ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
    ];

    private static List<string> GitLab()
    {
        var manual = File.ReadAllText(Repository.At("docker", "README.md"));
        var jobs = (YamlMappingNode)Load(GitLabFence().Match(manual).Groups["yaml"].Value);
        return
        [
            .. jobs.Children.Values.OfType<YamlMappingNode>()
                .SelectMany(job => ((YamlSequenceNode)job["script"]).Children).Select(line => line.ToString()),
        ];
    }

    private static YamlNode Load(string text)
    {
        var yaml = new YamlStream();
        yaml.Load(new StringReader(text));
        return yaml.Documents[0].RootNode;
    }

    [GeneratedRegex("--build-arg (?<name>[A-Z_]+)=", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BuildArgument();

    [GeneratedRegex("--secret id=(?<name>[a-z_]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BuildSecret();

    [GeneratedRegex(" -f (?<name>[^ ]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex BuildFile();

    [GeneratedRegex("CI_[A-Z_]+", RegexOptions.None, 1000)]
    private static partial Regex GitLabVariable();

    [GeneratedRegex("### GitLab CI\n+```yaml\n(?<yaml>.*?)```", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex GitLabFence();
}
