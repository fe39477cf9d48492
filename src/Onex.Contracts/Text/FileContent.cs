namespace Onex.Contracts.Text;

/// <summary>Examines files without opening them: to open a pipe waits until another process writes to it.</summary>
public static class FileContent
{
    /// <summary>Whether a file, or the target of a link, is empty. Pipes, sockets and devices are.</summary>
    public static bool IsEmpty(string path) =>
        (File.ResolveLinkTarget(path, returnFinalTarget: true) ?? new FileInfo(path)) is FileInfo { Exists: true, Length: 0 };
}
