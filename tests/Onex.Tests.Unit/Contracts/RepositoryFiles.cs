namespace Onex.Tests.Unit.Contracts;

/// <summary>Files of the repository that tests read, and write with <c>ONEX_GOLDEN=update</c>.</summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = FindRoot();

    /// <summary>Whether golden files are to be written instead of compared: <c>ONEX_GOLDEN=update</c>.</summary>
    public static bool Updating => Environment.GetEnvironmentVariable("ONEX_GOLDEN") == "update";

    public static string At(params string[] path) => Path.Combine([Root, .. path]);

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "Onex.sln")))
        {
            directory = directory.Parent;
        }

        return directory?.FullName ?? throw new InvalidOperationException("These tests run inside the repository.");
    }
}
