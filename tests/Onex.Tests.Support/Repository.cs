namespace Onex.Tests.Support;

/// <summary>Paths of the repository, found from the directory of the running test.</summary>
public static class Repository
{
    /// <summary>The root: where <c>Onex.sln</c> is.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>Whether golden files are to be written instead of compared: <c>ONEX_GOLDEN=update</c>.</summary>
    public static bool Updating => Environment.GetEnvironmentVariable("ONEX_GOLDEN") == "update";

    /// <summary>The built executable's assembly, of the same configuration as the running test.</summary>
    public static string OnexAssembly { get; } = Built("Onex.Runtime", "onex.dll");

    /// <summary>A path below the root.</summary>
    public static string At(params string[] parts) => Path.Combine([Root, .. parts]);

    /// <summary>The path of a file in the build output of a project, in the configuration of the running test.</summary>
    public static string Built(string project, string file) =>
        Path.Combine(Root, "artifacts", "bin", project, Path.GetFileName(AppContext.BaseDirectory.TrimEnd('/')), file);

    /// <summary>The text of a golden file, which is first written if <see cref="Updating"/> is set.</summary>
    public static string Golden(string path, string actual)
    {
        if (Updating)
        {
            File.WriteAllText(path, actual);
        }

        return File.ReadAllText(path);
    }

    private static string FindRoot()
    {
        for (var directory = new DirectoryInfo(AppContext.BaseDirectory); directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "Onex.sln")))
            {
                return directory.FullName;
            }
        }

        throw new InvalidOperationException($"Onex.sln is not above {AppContext.BaseDirectory}.");
    }
}
