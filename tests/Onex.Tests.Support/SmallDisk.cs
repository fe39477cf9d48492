using System.Globalization;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>A disk in memory that can be full: see <see cref="PostgresServer.MoveNewDatabasesToDiskAsync"/>.</summary>
public sealed class SmallDisk : IAsyncDisposable
{
    private readonly string _directory;
    private readonly string _reaperId;

    private SmallDisk(string directory)
    {
        _directory = directory;
        _reaperId = Reaper.AtExit($"umount -l {directory}");
    }

    private string Filling => Path.Combine(_directory, "filling");

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        (await Shell.RunAsync("umount", "-l", _directory)).OrThrow("umount");
        Reaper.Remove(_reaperId);
    }

    /// <summary>Takes all space that is left.</summary>
    public async Task FillAsync() => await Shell.RunAsync("dd", "if=/dev/zero", $"of={Filling}", "bs=4k");

    /// <summary>Gives the space back.</summary>
    public void Empty() => File.Delete(Filling);

    internal static async Task<SmallDisk> MountAsync(string directory, string user, int mebibytes)
    {
        var options = string.Create(CultureInfo.InvariantCulture, $"size={mebibytes}m,mode=700,uid={user}");
        Assert.SkipUnless(
            Shell.IsRoot && (await Shell.RunAsync("mount", "-t", "tmpfs", "-o", options, "tmpfs", directory)).Code == 0,
            "Mounts a small disk in memory (tmpfs), which only root may do, and which some containers forbid.");
        return new SmallDisk(directory);
    }
}
