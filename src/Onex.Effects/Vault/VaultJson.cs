using System.Text.Json.Serialization;
using Onex.Operations;

namespace Onex.Effects.Vault;

internal sealed record VaultReadArguments
{
    [Argument("The secret's path below the connection's mount.")]
    public required string Path { get; init; }

    [Argument("The version to read.", Default = "the latest")]
    public int? Version { get; init; }
}

internal sealed record VaultWriteArguments
{
    [Argument("The secret's path below the connection's mount.")]
    public required string Path { get; init; }

    [Argument("Fields with their values: handles, or text that is not secret.", Default = "none")]
    public IReadOnlyDictionary<string, string>? Fields { get; init; }

    [Argument("Fields whose values the effects role generates at random, so that no contract ever holds them.", Default = "none")]
    public IReadOnlyList<string>? Generate { get; init; }

    [Argument("How many letters and digits a generated value has: 16 to 512.", Default = "32")]
    public int? Length { get; init; }

    [Argument(
        "Keeps the other fields of the latest version. Without it the new version has only those that are written.", Default = "false")]
    public bool? Merge { get; init; }

    [Argument("Writes only if the latest version is this; 0: only if the secret does not exist.", Default = "writes in any case")]
    public int? Cas { get; init; }
}

internal sealed record VaultDeleteArguments
{
    [Argument("The secret's path below the connection's mount.")]
    public required string Path { get; init; }

    [Argument("The versions to delete.", Default = "the latest")]
    public IReadOnlyList<int>? Versions { get; init; }
}

internal sealed record VaultListArguments
{
    [Argument("The path of a folder below the connection's mount; empty: the mount itself.")]
    public required string Path { get; init; }
}

internal sealed record VaultRenewArguments
{
    [Argument("For how many seconds.", Default = "Vault decides")]
    public int? Increment { get; init; }
}

internal sealed record VaultSecret
{
    [Result("Handles of the fields' values, by name.")]
    public required IReadOnlyDictionary<string, string> Fields { get; init; }

    [Result("The secret's version.")]
    public required int Version { get; init; }
}

internal sealed record VaultDeleted
{
    [Result("The secret's path.")]
    public required string Path { get; init; }
}

internal sealed record VaultKeys
{
    [Result("The names below the path; those of folders end with a slash.")]
    public required IReadOnlyList<string> Keys { get; init; }
}

internal sealed record VaultRenewed
{
    [Result("The seconds until the token expires; 0: never.")]
    public required int ExpiresIn { get; init; }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(VaultReadArguments))]
[JsonSerializable(typeof(VaultWriteArguments))]
[JsonSerializable(typeof(VaultDeleteArguments))]
[JsonSerializable(typeof(VaultListArguments))]
[JsonSerializable(typeof(VaultRenewArguments))]
[JsonSerializable(typeof(VaultSecret))]
[JsonSerializable(typeof(VaultDeleted))]
[JsonSerializable(typeof(VaultKeys))]
[JsonSerializable(typeof(VaultRenewed))]
internal sealed partial class VaultJson : JsonSerializerContext;
