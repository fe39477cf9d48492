using System.Security.Cryptography;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Win32.SafeHandles;
using Onex.Contracts.Catalogue;
using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Filesystem;

/// <summary>The operation was rejected with a code.</summary>
internal sealed class FileRejectedException(string code, string problem) : Exception(problem)
{
    public string Code { get; } = code;
}

/// <summary>
/// Base class of the operations on files below the root of a connection. Each directory of a path is opened relative to the one before it,
/// without following links, so that no path leads out of the root, even if other processes replace directories meanwhile.
/// </summary>
internal abstract class FilesystemOperation<TArguments, TResult>(
    JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : EffectOperation<TArguments, TResult>(argumentsType, resultType)
    where TArguments : class
    where TResult : class
{
    /// <summary>Runs the operation below the opened root. Blocks the thread.</summary>
    protected abstract Task<TResult> RunAsync(
        SafeFileHandle root, TArguments arguments, AttemptContext context, CancellationToken cancellation);

    protected override async Task<EffectOutcome<TResult>> RunAsync(
        TArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        if (context.Connection is not { Root: { } root } connection)
        {
            return EffectOutcome<TResult>.Rejected(
                StepCodes.ArgumentsInvalid, $"{context.Operation} needs a connection of type filesystem.");
        }

        if (!OperatingSystem.IsLinux())
        {
            return EffectOutcome<TResult>.Rejected("operation_unavailable", $"{context.Operation} runs on Linux only.");
        }

        // A network file system may block a thread for longer than the attempt may last.
        return await Task.Run(() => RunAndClassifyAsync(arguments, context, connection.Name, root, cancellation), cancellation)
            .WaitAsync(cancellation);
    }

    /// <summary>Opens the directory that holds the last name of a path, below the root.</summary>
    protected static (SafeFileHandle Directory, string Name) OpenParent(SafeFileHandle root, string path)
    {
        var names = path.Split('/');
        return (OpenDirectory(root, names.AsSpan(0, names.Length - 1)), RequireName(names[^1]));
    }

    /// <summary>Opens a directory below the root, name by name.</summary>
    protected static SafeFileHandle OpenDirectory(SafeFileHandle root, ReadOnlySpan<string> names)
    {
        var directory = NativeFiles.OpenDirectory(root, ".", isLast: names.IsEmpty);
        for (var index = 0; index < names.Length; index++)
        {
            using var parent = directory;
            if (NativeFiles.Describe(parent, RequireName(names[index])) is { Kind: not FileKind.Directory })
            {
                throw PathRejected("a part of the path is a link or no directory");
            }

            directory = NativeFiles.OpenDirectory(parent, names[index], isLast: index == names.Length - 1);
        }

        return directory;
    }

    /// <summary>Rejects a name that is not a regular file. One that does not exist, whose kind is null, passes.</summary>
    protected static void RequireFile(FileKind? kind)
    {
        if (kind is not (null or FileKind.File))
        {
            throw PathRejected("the path names no regular file");
        }
    }

    protected static FileRejectedException PathRejected(string problem) => new("path_refused", problem);

    private static string RequireName(string name) => name is "" or "." or ".." || name.Contains('\0', StringComparison.Ordinal)
        ? throw PathRejected("the path must be relative to the root, without empty names, '.' and '..'")
        : name;

    private static EffectOutcome<TResult> Failed(AttemptContext context, string code, string message) =>
        EffectOutcome<TResult>.Failed(context.Progress.Reach, code, message);

    private async Task<EffectOutcome<TResult>> RunAndClassifyAsync(
        TArguments arguments, AttemptContext context, string connection, string path, CancellationToken cancellation)
    {
        SafeFileHandle? root = null;
        try
        {
            root = NativeFiles.OpenRoot(path);
            return EffectOutcome<TResult>.Completed(await RunAsync(root, arguments, context, cancellation));
        }
        catch (FileRejectedException exception)
        {
            return EffectOutcome<TResult>.Refused(exception.Code, $"{context.Operation}: {exception.Message}.");
        }
        catch (FileException) when (root is null)
        {
            return Failed(context, "connection_failed", $"The root of connection '{connection}' cannot be opened.");
        }
        catch (FileException exception)
        {
            return exception.Error switch
            {
                FileException.NotFound => EffectOutcome<TResult>.Refused("not_found", $"{context.Operation}: there is no such path."),

                // EPERM, EACCES
                1 or 13 => EffectOutcome<TResult>.Refused(
                    "access_denied", $"{context.Operation}: the user that runs onex may not do this."),
                // ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP: the path has changed after it was checked, or cannot exist.
                20 or 21 or 36 or 40 => EffectOutcome<TResult>.Refused(
                    "path_refused", $"{context.Operation}: the path cannot be used (errno {exception.Error})."),
                _ => Failed(
                    context, "filesystem_unavailable",
                    $"The file system of connection '{connection}' does not work now (errno {exception.Error})."),
            };
        }
        catch (IOException)
        {
            return Failed(context, "filesystem_unavailable", $"The file system of connection '{connection}' does not work now.");
        }
        finally
        {
            root?.Dispose();
        }
    }
}

[Operation("filesystem.read_file", ConnectionType = "filesystem", Description = "Reads a text file.")]
internal sealed class ReadFile()
    : FilesystemOperation<FilePathArguments, FileContent>(
        FilesystemJson.Default.FilePathArguments, FilesystemJson.Default.FileContent)
{
    protected override async Task<FileContent> RunAsync(
        SafeFileHandle root, FilePathArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        var (directory, name) = OpenParent(root, arguments.Path);
        using (directory)
        {
            // The kind is checked before, because opening a device may have an effect, and again on the opened file, which may be another.
            RequireFile(NativeFiles.Describe(directory, name)?.Kind);
            using var file = NativeFiles.OpenFile(directory, name);
            var (kind, bytes) = NativeFiles.Describe(file);
            RequireFile(kind);
            if (bytes > context.LargestResult)
            {
                throw new FileRejectedException(
                    "result_too_large", $"the file is larger than {context.LargestResult / (1024 * 1024)} MiB");
            }

            // Reads the size that was checked; what is appended meanwhile is not read.
            await context.Memory.ReserveAsync(bytes, cancellation);
            var content = new byte[bytes];
            var (read, chunk) = (0, 1);
            while (read < bytes && chunk > 0)
            {
                chunk = RandomAccess.Read(file, content.AsSpan(read), read);
                read += chunk;
            }

            return new FileContent { Content = ValueText.FromBytes(content.AsSpan(0, read)), Bytes = read };
        }
    }
}

[Operation(
    "filesystem.write_file", ConnectionType = "filesystem", ChangesWorld = true, Idempotent = true,
    Description = "Writes a text file. A file that exists is replaced as a whole.")]
internal sealed class WriteFile()
    : FilesystemOperation<FileWriteArguments, FileWritten>(
        FilesystemJson.Default.FileWriteArguments, FilesystemJson.Default.FileWritten)
{
    protected override Task<FileWritten> RunAsync(
        SafeFileHandle root, FileWriteArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        var content = ValueText.ToBytes(arguments.Content);
        if (content.Length > ValueText.BytesMax)
        {
            throw new FileRejectedException("request_too_large", $"at most {ValueText.BytesMax} bytes can be written");
        }

        var (directory, name) = OpenParent(root, arguments.Path);
        using (directory)
        {
            RequireFile(NativeFiles.Describe(directory, name)?.Kind);

            // Each attempt writes a temporary file of its own, because an attempt whose lease ended may still be writing.
            var temporary = $".onex-{context.CommandId}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8))}.tmp";
            var file = NativeFiles.CreateFile(directory, temporary);
            try
            {
                using (file)
                {
                    RandomAccess.Write(file, content, 0);
                    NativeFiles.Flush(file);
                }

                // Marked first, so that an attempt that passes the check is not reported as unsent if its time ends right then.
                context.Progress.MarkSent();
                cancellation.ThrowIfCancellationRequested();
                NativeFiles.Rename(directory, temporary, name);
            }
            catch
            {
                NativeFiles.TryRemove(directory, temporary);
                throw;
            }

            NativeFiles.Flush(directory);
        }

        return Task.FromResult(new FileWritten { Bytes = content.Length });
    }
}

[Operation("filesystem.list_directory", ConnectionType = "filesystem", Description = "Lists a directory.")]
internal sealed class ListDirectory()
    : FilesystemOperation<DirectoryArguments, DirectoryEntries>(
        FilesystemJson.Default.DirectoryArguments, FilesystemJson.Default.DirectoryEntries)
{
    private const int EntriesMax = 10_000;

    protected override Task<DirectoryEntries> RunAsync(
        SafeFileHandle root, DirectoryArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        using var directory = OpenDirectory(root, arguments.Path == "." ? [] : arguments.Path.Split('/'));
        var entries = new List<DirectoryEntry>();
        foreach (var name in NativeFiles.ListNames(directory))
        {
            cancellation.ThrowIfCancellationRequested();
            var (kind, bytes) = NativeFiles.Describe(directory, name) ?? (FileKind.Other, 0);
            if (kind == FileKind.Other)
            {
                continue;
            }

            if (entries.Count == EntriesMax)
            {
                throw new FileRejectedException("result_too_large", $"the directory has more than {EntriesMax} entries");
            }

            var isDirectory = kind == FileKind.Directory;
            entries.Add(new DirectoryEntry { Name = name, IsDirectory = isDirectory, Bytes = isDirectory ? 0 : bytes });
        }

        entries.Sort((one, other) => string.CompareOrdinal(one.Name, other.Name));
        return Task.FromResult(new DirectoryEntries { Entries = entries });
    }
}

[Operation(
    "filesystem.delete_file", ConnectionType = "filesystem", ChangesWorld = true, Idempotent = true, Description = "Removes a file.")]
internal sealed class DeleteFile()
    : FilesystemOperation<FilePathArguments, FileDeleted>(
        FilesystemJson.Default.FilePathArguments, FilesystemJson.Default.FileDeleted)
{
    protected override Task<FileDeleted> RunAsync(
        SafeFileHandle root, FilePathArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        var (directory, name) = OpenParent(root, arguments.Path);
        using (directory)
        {
            var kind = NativeFiles.Describe(directory, name)?.Kind;
            RequireFile(kind);
            if (kind is null)
            {
                return Task.FromResult(new FileDeleted { Deleted = false });
            }

            context.Progress.MarkSent();
            cancellation.ThrowIfCancellationRequested();
            NativeFiles.Remove(directory, name);
            NativeFiles.Flush(directory);
            return Task.FromResult(new FileDeleted { Deleted = true });
        }
    }
}
