using System.Globalization;

namespace Onex.Tests.Support;

/// <summary>
/// A memory limit like that of a container: a control group of the kernel, version 1 or 2. Needs the right to create one, and does not work
/// inside a container.
/// </summary>
public sealed class MemoryGroup : IDisposable
{
    private const string Version1 = "/sys/fs/cgroup/memory";
    private const string Version2 = "/sys/fs/cgroup";

    private readonly string _directory;

    private MemoryGroup(string directory) => _directory = directory;

    /// <summary>The file to which a joining process writes its id.</summary>
    public string Members => Path.Combine(_directory, "cgroup.procs");

    /// <summary>Creates a control group, or returns null without the right to do so.</summary>
    public static MemoryGroup? TryCreate(string name, long bytes)
    {
        var isVersion1 = File.Exists(Path.Combine(Version1, "memory.limit_in_bytes"));
        var group = new MemoryGroup(Path.Combine(isVersion1 ? Version1 : Version2, name));
        try
        {
            Directory.CreateDirectory(group._directory);
            File.WriteAllText(
                Path.Combine(
                    group._directory, isVersion1 ? "memory.limit_in_bytes" : "memory.max"), bytes.ToString(CultureInfo.InvariantCulture));
            return group;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            group.Dispose();
            return null;
        }
    }

    /// <inheritdoc />
    public void Dispose()
    {
        try
        {
            Directory.Delete(_directory);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It still has a process, or was never created.
        }
    }
}
