using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Onex.Workers.Operations;
using Onex.Workers.Sandbox;

namespace Onex.Workers.Code;

/// <summary>The folder whose modules may run. A module is identified by its hash; its name only says where the file is.</summary>
/// <param name="folder">The folder of the setting <c>sandbox.modules</c>, or null.</param>
internal sealed partial class ModuleFolder(string? folder)
{
    private const int BytesMax = 32 * 1024 * 1024;

    /// <summary>
    /// Reads a module. Throws if its name is no path below the folder, if it is not a regular file that can be read and has at most 32 MiB,
    /// or if its bytes have another hash.
    /// </summary>
    /// <param name="name">Its path below the folder.</param>
    /// <param name="sha256">Its SHA-256.</param>
    public ReadOnlyMemory<byte> Read(string name, string sha256)
    {
        if (!HashPattern().IsMatch(sha256))
        {
            throw ComputeRejectedException.Arguments("'sha256' must be 64 hexadecimal digits in lower case");
        }

        if (!NamePattern().IsMatch(name))
        {
            throw Rejected(
                $"'module' is '{name}': it must be a path below the folder of modules, of names with letters, digits, '.', '_' and '-' "
                + "that do not begin with '.'");
        }

        var bytes = ReadFile(FindFile(name), name);
        var hash = Convert.ToHexStringLower(SHA256.HashData(bytes));
        return hash == sha256
            ? bytes
            : throw SandboxCodes.Exception(
                SandboxCodes.ModuleMismatch, $"the file of the module '{name}' in this worker has the SHA-256 {hash}, not {sha256}");
    }

    private FileInfo FindFile(string name)
    {
        if (folder is null)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.ModuleMissing, "this worker has no folder of modules: set sandbox.modules in runtime_config.yaml");
        }

        // Only the path below the folder is checked: the folder itself may be behind a link, such as that of a mounted volume.
        FileSystemInfo current = new DirectoryInfo(folder);
        foreach (var part in name.Split('/'))
        {
            current = new FileInfo(Path.Combine(current.FullName, part));
            if (current.LinkTarget is not null)
            {
                throw Rejected($"'{part}' in the path of the module '{name}' is a symbolic link");
            }
        }

        return (FileInfo)current;
    }

    private static byte[] ReadFile(FileInfo file, string name)
    {
        try
        {
            // A pipe or a device has the length 0, and reading it could wait for ever.
            return file.Length switch
            {
                0 => throw Rejected($"the module '{name}' is empty or no regular file"),
                > BytesMax => throw Rejected($"the module '{name}' has {file.Length:N0} bytes, more than {BytesMax:N0}"),
                _ => File.ReadAllBytes(file.FullName),
            };
        }
        catch (Exception problem) when (problem is IOException or UnauthorizedAccessException)
        {
            throw SandboxCodes.Exception(
                SandboxCodes.ModuleMissing, $"this worker cannot read the module '{name}': {problem.Message.TrimEnd('.')}");
        }
    }

    private static Exception Rejected(string problem) => SandboxCodes.Exception(SandboxCodes.ModuleRejected, problem);

    [GeneratedRegex("^[0-9a-f]{64}$", RegexOptions.NonBacktracking)]
    private static partial Regex HashPattern();

    [GeneratedRegex(
        "^[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex NamePattern();
}
