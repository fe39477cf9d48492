using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Onex.Effects.Filesystem;

/// <summary>What a name in a directory stands for.</summary>
internal enum FileKind
{
    /// <summary>A regular file.</summary>
    File,

    /// <summary>A directory.</summary>
    Directory,

    /// <summary>A symbolic link, FIFO, socket or device.</summary>
    Other,
}

/// <summary>An error of the operating system by its number.</summary>
internal sealed class FileException(int error) : IOException($"errno {error}")
{
    public const int NotFound = 2;

    /// <summary>The number, <c>errno</c>.</summary>
    public int Error { get; } = error;
}

/// <summary>
/// Calls of Linux that open names relative to an open directory and follow no symbolic links, which .NET does not offer: between a check of
/// a path and its use another process could replace a directory by a link.
/// </summary>
internal static class NativeFiles
{
    // From the headers of Linux.
    private const int WriteOnly = 0x1;
    private const int Create = 0x40;
    private const int Exclusive = 0x80;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;
    private const int PathOnly = 0x200000;
    private const int NoFollowAt = 0x100;
    private const int EmptyPath = 0x1000;
    private const int CurrentDirectory = -100;
    private const int ModeOfNewFiles = 0x1A0; // rw-r-----
    private const uint BasicStats = 0x7FF;
    private const int StatBytes = 256;
    private const int Interrupted = 4;

    private static readonly EnumerationOptions _everything = new() { AttributesToSkip = FileAttributes.None, IgnoreInaccessible = false };

    // Two flags differ between the architectures.
    private static readonly (int Directory, int NoFollow) _flags =
        RuntimeInformation.ProcessArchitecture is Architecture.Arm64 or Architecture.Arm ? (0x4000, 0x8000) : (0x10000, 0x20000);

    /// <summary>Opens a directory by its whole path, which may contain links, because the operator chose it.</summary>
    public static SafeFileHandle OpenRoot(string path) => Open(CurrentDirectory, path, _flags.Directory | CloseOnExec, 0);

    /// <summary>Opens a directory within another. Only the last one of a path must be readable.</summary>
    public static SafeFileHandle OpenDirectory(SafeFileHandle parent, string name, bool isLast) =>
        Open(DescriptorOf(parent), name, _flags.Directory | _flags.NoFollow | CloseOnExec | (isLast ? 0 : PathOnly), 0);

    /// <summary>Opens a file for reading. Opening a FIFO does not block.</summary>
    public static SafeFileHandle OpenFile(SafeFileHandle directory, string name) =>
        Open(DescriptorOf(directory), name, _flags.NoFollow | NonBlocking | CloseOnExec, 0);

    /// <summary>Creates a file that does not exist yet, for writing.</summary>
    public static SafeFileHandle CreateFile(SafeFileHandle directory, string name) =>
        Open(DescriptorOf(directory), name, WriteOnly | Create | Exclusive | _flags.NoFollow | CloseOnExec, ModeOfNewFiles);

    /// <summary>The kind and the size of a name in a directory; null if it does not exist. Links are not followed.</summary>
    public static (FileKind Kind, long Bytes)? Describe(SafeFileHandle directory, string name)
    {
        try
        {
            return Describe(DescriptorOf(directory), name, NoFollowAt);
        }
        catch (FileException exception) when (exception.Error == FileException.NotFound)
        {
            return null;
        }
    }

    /// <summary>The kind and the size of an open file.</summary>
    public static (FileKind Kind, long Bytes) Describe(SafeFileHandle file) => Describe(DescriptorOf(file), "", EmptyPath);

    /// <summary>Renames a file within a directory. Replaces a file of that name in one step.</summary>
    public static void Rename(SafeFileHandle directory, string from, string to) =>
        Check(renameat(DescriptorOf(directory), ToNullTerminated(from), DescriptorOf(directory), ToNullTerminated(to)));

    public static void Remove(SafeFileHandle directory, string name) => Check(unlinkat(DescriptorOf(directory), ToNullTerminated(name), 0));

    /// <summary>Removes a file if it is there and can be removed.</summary>
    public static void TryRemove(SafeFileHandle directory, string name) => _ = unlinkat(DescriptorOf(directory), ToNullTerminated(name), 0);

    /// <summary>Lists the names in an open directory. Uses the kernel's link to it, so that its path is not resolved again.</summary>
    public static IEnumerable<string> ListNames(SafeFileHandle directory) =>
        Directory.EnumerateFileSystemEntries($"/proc/self/fd/{DescriptorOf(directory)}/", "*", _everything)
            .Select(path => Path.GetFileName(path));

    /// <summary>Writes a file's content, or a directory's entries, to the disk.</summary>
    public static void Flush(SafeFileHandle handle) => Check(fsync(DescriptorOf(handle)));

    private static (FileKind Kind, long Bytes) Describe(int handle, string name, int flags)
    {
        // The layout of statx does not depend on the architecture: the mode is at byte 28, its upper four bits are the type; the size
        // is at byte 40.
        var stat = new byte[StatBytes];
        Check(statx(handle, ToNullTerminated(name), flags, BasicStats, stat));
        var kind = (BinaryPrimitives.ReadUInt16LittleEndian(stat.AsSpan(28)) & 0xF000) switch
        {
            0x8000 => FileKind.File,
            0x4000 => FileKind.Directory,
            _ => FileKind.Other,
        };
        return (kind, BinaryPrimitives.ReadInt64LittleEndian(stat.AsSpan(40)));
    }

    private static SafeFileHandle Open(int directory, string name, int flags, int mode)
    {
        while (true)
        {
            var handle = openat(directory, ToNullTerminated(name), flags, mode);
            if (handle >= 0)
            {
                return new SafeFileHandle(handle, ownsHandle: true);
            }

            var error = Marshal.GetLastPInvokeError();
            if (error != Interrupted)
            {
                throw new FileException(error);
            }
        }
    }

    private static void Check(int result)
    {
        if (result != 0)
        {
            throw new FileException(Marshal.GetLastPInvokeError());
        }
    }

    // Callers must keep the handle open until the system call has returned.
    private static int DescriptorOf(SafeFileHandle handle) => (int)handle.DangerousGetHandle();

    private static byte[] ToNullTerminated(string name) => Encoding.UTF8.GetBytes(name + '\0');

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int openat(int directory, byte[] path, int flags, int mode);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int statx(int directory, byte[] path, int flags, uint mask, byte[] buffer);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int renameat(int fromDirectory, byte[] from, int toDirectory, byte[] to);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int unlinkat(int directory, byte[] path, int flags);

    [DllImport("libc", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int fsync(int handle);
}
