using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Operations;

namespace Onex.Effects.Filesystem;

/// <summary>The arguments of operations that take a path alone.</summary>
internal record FilePathArguments
{
    [Argument("The path below the connection's root, without '.' and '..'.")]
    public required string Path { get; init; }
}

internal sealed record FileWriteArguments : FilePathArguments
{
    [Argument("The content: text as it is, anything else as JSON; at most 10 MiB.")]
    public required JsonElement Content { get; init; }
}

internal sealed record DirectoryArguments
{
    [Argument("The path below the connection's root, without '..'; '.' is the root itself.")]
    public required string Path { get; init; }
}

internal sealed record FileContent
{
    [Result("The file's text.")]
    public required string Content { get; init; }

    [Result("The file's size in bytes.")]
    public required long Bytes { get; init; }
}

internal sealed record FileWritten
{
    [Result("The size that was written, in bytes.")]
    public required long Bytes { get; init; }
}

internal sealed record DirectoryEntry
{
    [Result("The name.")]
    public required string Name { get; init; }

    [Result("Whether it is a directory.")]
    public required bool IsDirectory { get; init; }

    [Result("The file's size in bytes; 0 for a directory.")]
    public required long Bytes { get; init; }
}

internal sealed record DirectoryEntries
{
    [Result("Its files and directories, by name.")]
    public required IReadOnlyList<DirectoryEntry> Entries { get; init; }
}

internal sealed record FileDeleted
{
    [Result("Whether the file existed.")]
    public required bool Deleted { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(FilePathArguments))]
[JsonSerializable(typeof(FileWriteArguments))]
[JsonSerializable(typeof(DirectoryArguments))]
[JsonSerializable(typeof(FileContent))]
[JsonSerializable(typeof(FileWritten))]
[JsonSerializable(typeof(DirectoryEntries))]
[JsonSerializable(typeof(FileDeleted))]
internal sealed partial class FilesystemJson : JsonSerializerContext;
