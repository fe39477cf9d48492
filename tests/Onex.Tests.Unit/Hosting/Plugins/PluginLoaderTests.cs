using Onex.Hosting.Plugins;

namespace Onex.Tests.Unit.Hosting.Plugins;

public sealed class PluginLoaderTests
{
    [Fact]
    public void The_operations_of_a_plugin_are_described_like_built_in_ones()
    {
        using var folder = new PluginDirectory("Acme.Trials");

        var plugins = folder.Load();

        Assert.Empty(plugins.Diagnostics);
        Assert.Equal("Acme.Trials", Assert.Single(plugins.Plugins).Name);
        var post = plugins.Descriptors.Single(operation => operation.Name == "acme.post");
        Assert.Equal(
            (OperationRole.Effect, "http", true, "Acme.Trials"), (post.Role, post.ConnectionType, post.ChangesWorld, post.Package));
        Assert.Equal(
            [("times", "int", false), ("price", "{ amount: string, currency: string }", false)],
            post.Arguments.Select(argument => (argument.Name, argument.Type, argument.Required)));
        Assert.True(RejectionCodes.Allow(post, "sold_out"));
        Assert.True(RejectionCodes.Allow(post, "http_404"));
        Assert.False(RejectionCodes.Allow(post, "sold_uot"));
    }

    [Fact]
    public void Every_faulty_class_is_reported_with_the_name_of_its_plugin()
    {
        using var folder = new PluginDirectory("Acme.Faulty");

        var plugins = folder.Load();

        Assert.Empty(plugins.Plugins);
        Assert.Equal(
            [
                ("ONEX2106", "NoArgument"), ("ONEX2106", "NoAttribute"), ("ONEX2106", "NoBase"), ("ONEX2106", "NoCompute"),
                ("ONEX2106", "NoConnection"), ("ONEX2106", "NoConstructor"), ("ONEX2107", "NoDot"), ("ONEX2106", "NoEnd"),
                ("ONEX2107", "NoPrefix"), ("ONEX2106", "NoType"), ("ONEX2107", "Same2"),
            ],
            plugins.Diagnostics.Select(diagnostic => (diagnostic.Code, ClassIn(diagnostic.Problem))));
        Assert.All(plugins.Diagnostics, diagnostic => Assert.Equal("Acme.Faulty", diagnostic.Path));
        Assert.Contains(
            "which Acme.Faulty.Same1 of Acme.Faulty has too", plugins.Diagnostics[^1].Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructors_that_throw_are_reported()
    {
        using var folder = new PluginDirectory("Acme.Faulty");

        var problems = folder.Load().Create(OperationRole.Compute);

        Assert.All(problems, problem => Assert.Equal(("ONEX2108", "Acme.Faulty"), (problem.Code, problem.Path)));
        Assert.Equal(
            [
                "the constructor of Acme.Faulty.NoStart threw InvalidOperationException: there is no licence file",
                "the constructor of Acme.Faulty.NoStatics threw InvalidOperationException: there is no price list",
            ],
            problems.Select(problem => problem.Problem));
    }

    [Fact]
    public void A_plugin_built_with_a_newer_package_is_rejected()
    {
        using var folder = new PluginDirectory("Acme.Trials");
        folder.SetReference("Acme.Trials", "Onex.Operations", new Version(9, 8, 7, 0));

        var problem = Assert.Single(folder.Load().Diagnostics);

        Assert.Equal("ONEX2105", problem.Code);
        Assert.StartsWith("it is built with Onex.Operations 9.8.7, and this runtime has ", problem.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_plugin_built_with_a_newer_framework_is_rejected()
    {
        using var folder = new PluginDirectory("Acme.Trials");
        folder.SetReference("Acme.Trials", "System.Runtime", new Version(99, 0, 0, 0));

        Assert.Equal("ONEX2105", Assert.Single(folder.Load().Diagnostics).Code);
    }

    [Fact]
    public void A_library_that_is_missing_is_named()
    {
        using var folder = new PluginDirectory("Acme.Trials");
        File.Delete(folder.At("Acme.Trials", "YamlDotNet.dll"));

        var problem = Assert.Single(folder.Load().Diagnostics);

        Assert.Equal("ONEX2104", problem.Code);
        Assert.Contains("its folder has no YamlDotNet.dll", problem.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_an_assembly_is_rejected()
    {
        using var folder = new PluginDirectory();
        Directory.CreateDirectory(folder.At("Text"));
        File.WriteAllText(folder.At("Text", "Text.dll"), "not an assembly");
        Directory.CreateDirectory(folder.At("Nothing"));
        Directory.CreateDirectory(folder.At(".hidden"));

        Assert.Equal(["ONEX2101", "ONEX2104"], folder.Load().Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [Fact]
    public void A_directory_that_does_not_exist_is_reported() =>
        Assert.Equal("ONEX2101", Assert.Single(new PluginLoader("/does/not/exist", new([])).Load().Diagnostics).Code);

    [Fact]
    public void A_link_out_of_the_directory_is_rejected()
    {
        using var folder = new PluginDirectory("Acme.Trials");
        using var outside = new PluginDirectory("Acme.Trials");
        Directory.CreateSymbolicLink(folder.At("Linked"), outside.At("Acme.Trials"));
        File.Copy(outside.At("Acme.Trials", "Acme.Trials.dll"), outside.At("Acme.Trials", "Linked.dll"));
        File.Delete(folder.At("Acme.Trials", "YamlDotNet.dll"));
        File.CreateSymbolicLink(folder.At("Acme.Trials", "YamlDotNet.dll"), outside.At("Acme.Trials", "YamlDotNet.dll"));

        var plugins = folder.Load();

        Assert.Empty(plugins.Operations);
        Assert.Equal(["ONEX2102", "ONEX2102"], plugins.Diagnostics.Select(diagnostic => diagnostic.Code));
    }

    [Fact]
    public void A_plugin_in_a_folder_that_everybody_may_write_to_is_used_with_a_warning()
    {
        using var folder = new PluginDirectory("Acme.Trials");
        if (OperatingSystem.IsWindows())
        {
            return;
        }

        File.SetUnixFileMode(
            folder.At("Acme.Trials"), File.GetUnixFileMode(folder.At("Acme.Trials")) | UnixFileMode.OtherWrite);

        var plugins = folder.Load();

        Assert.Equal("ONEX2103", Assert.Single(plugins.Diagnostics).Code);
        Assert.False(plugins.HasErrors);
        Assert.NotEmpty(plugins.Operations);
    }

    [Fact]
    public void Two_plugins_may_have_the_same_library_but_not_the_same_operation()
    {
        using var folder = new PluginDirectory("Acme.Trials");
        folder.Add("Acme.Trials", "Other");

        var plugins = folder.Load();

        Assert.Equal("Acme.Trials", Assert.Single(plugins.Plugins).Name);
        Assert.All(plugins.Diagnostics, diagnostic => Assert.Equal(("ONEX2107", "Other"), (diagnostic.Code, diagnostic.Path)));
        Assert.NotEmpty(plugins.Diagnostics);
    }

    private static string ClassIn(string problem) => problem.Split(' ')[0].Split('.')[^1];
}
