using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Operations;

namespace Onex.Effects.Consul;

internal sealed record ConsulKeyArguments
{
    [Argument("The key, with its slashes.")]
    public required string Key { get; init; }
}

internal sealed record ConsulPutArguments
{
    [Argument("The key, with its slashes.")]
    public required string Key { get; init; }

    [Argument("The value: text as it is, anything else as JSON; at most 512 KiB.")]
    public required JsonElement Value { get; init; }

    [Argument("Writes only if the key's index is this; 0: only if the key does not exist.", Default = "writes in any case")]
    public long? Cas { get; init; }
}

internal sealed record ConsulDeleteArguments
{
    [Argument("The key, with its slashes.")]
    public required string Key { get; init; }

    [Argument("Removes all keys that begin with it.", Default = "false")]
    public bool? Recurse { get; init; }
}

internal sealed record ConsulListArguments
{
    [Argument("The prefix. An empty one lists all keys.")]
    public required string Prefix { get; init; }
}

internal sealed record ConsulRegisterArguments
{
    [Argument("The instance's id. An instance that is already registered is replaced.")]
    public required string Id { get; init; }

    [Argument("The name of the service.")]
    public required string Name { get; init; }

    [Argument("The instance's host name or IP address.", Default = "the agent's address")]
    public string? Address { get; init; }

    [Argument("The instance's port.")]
    public int? Port { get; init; }

    [Argument("The instance's tags.", Default = "none")]
    public IReadOnlyList<string>? Tags { get; init; }

    [Argument("Further properties of the instance.", Default = "none")]
    public IReadOnlyDictionary<string, string>? Meta { get; init; }

    [Argument("The instance's health check, in the form of Consul's API.", Default = "none")]
    public IReadOnlyDictionary<string, JsonElement>? Check { get; init; }
}

internal sealed record ConsulDeregisterArguments
{
    [Argument("The instance's id.")]
    public required string Id { get; init; }
}

internal sealed record ConsulHealthArguments
{
    [Argument("The name of the service.")]
    public required string Name { get; init; }

    [Argument("Only instances with this tag.", Default = "all")]
    public string? Tag { get; init; }

    [Argument("Only healthy instances.", Default = "false")]
    public bool? Passing { get; init; }
}

internal sealed record ConsulValue
{
    [Result("Whether the key exists.")]
    public required bool Found { get; init; }

    [Result("Its value as text; null if it does not exist.")]
    public required string? Value { get; init; }

    [Result("Its index, for 'cas'; 0 if it does not exist.")]
    public required long Index { get; init; }
}

internal sealed record ConsulWritten
{
    [Result("Whether the value was written.")]
    public required bool Written { get; init; }
}

internal sealed record ConsulDeleted
{
    [Result("Whether it was removed; true also if it did not exist.")]
    public required bool Deleted { get; init; }
}

internal sealed record ConsulEntry
{
    [Result("The key.")]
    public required string Key { get; init; }

    [Result("Its value as text.")]
    public required string? Value { get; init; }

    [Result("Its index.")]
    public required long Index { get; init; }
}

internal sealed record ConsulEntries
{
    [Result("The keys with their values and indexes.")]
    public required IReadOnlyList<ConsulEntry> Entries { get; init; }
}

internal sealed record ConsulInstanceId
{
    [Result("The instance's id.")]
    public required string Id { get; init; }
}

internal sealed record ConsulInstance
{
    [Result("The instance's id.")]
    public required string Id { get; init; }

    [Result("Its address, or that of its node.")]
    public required string Address { get; init; }

    [Result("Its port; 0 without one.")]
    public required int Port { get; init; }

    [Result("Its tags.")]
    public required IReadOnlyList<string> Tags { get; init; }

    [Result("The worst of its checks: passing, warning or critical.")]
    public required string Status { get; init; }
}

internal sealed record ConsulInstances
{
    [Result("The instances with their health.")]
    public required IReadOnlyList<ConsulInstance> Instances { get; init; }
}

/// <summary>A registration as Consul's API takes it. Null fields are left out.</summary>
internal sealed record ConsulRegistration(
    [property: JsonPropertyName("ID")] string Id,
    [property: JsonPropertyName("Name")] string Name,
    [property: JsonPropertyName("Address")] string? Address,
    [property: JsonPropertyName("Port")] int? Port,
    [property: JsonPropertyName("Tags")] IReadOnlyList<string>? Tags,
    [property: JsonPropertyName("Meta")] IReadOnlyDictionary<string, string>? Meta,
    [property: JsonPropertyName("Check")] IReadOnlyDictionary<string, JsonElement>? Check);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(ConsulKeyArguments))]
[JsonSerializable(typeof(ConsulPutArguments))]
[JsonSerializable(typeof(ConsulDeleteArguments))]
[JsonSerializable(typeof(ConsulListArguments))]
[JsonSerializable(typeof(ConsulRegisterArguments))]
[JsonSerializable(typeof(ConsulDeregisterArguments))]
[JsonSerializable(typeof(ConsulHealthArguments))]
[JsonSerializable(typeof(ConsulValue))]
[JsonSerializable(typeof(ConsulWritten))]
[JsonSerializable(typeof(ConsulDeleted))]
[JsonSerializable(typeof(ConsulEntries))]
[JsonSerializable(typeof(ConsulInstanceId))]
[JsonSerializable(typeof(ConsulInstances))]
internal sealed partial class ConsulJson : JsonSerializerContext;

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ConsulRegistration))]
internal sealed partial class ConsulApiJson : JsonSerializerContext;
