using Onex.Contracts.Catalogue;

namespace Onex.Effects.Operations;

/// <summary>
/// Operations that have a name, arguments and a result, but no code yet: contracts that call them can be written and checked. Each moves into an
/// attribute of the class that runs it as soon as there is one.
/// </summary>
internal static class OperationsToCome
{
    private static readonly ArgumentDescriptor _consulKey = Must("key", "string", "The key, with its slashes.");
    private static readonly ArgumentDescriptor _secretPath = Must("path", "string", "The secret's path below the connection's mount.");
    private static readonly ArgumentDescriptor _redisKey = Must("key", "string", "The key.");
    private static readonly ArgumentDescriptor _filePath = Must("path", "string", "The path below the connection's root.");

    public static OperationDescriptor[] All { get; } =
    [
        Reads("consul.kv_get", "Reads a key of Consul.", [_consulKey], ("found", "bool"), ("value", "string?"), ("index", "int")),
        Changes(
            "consul.kv_put", "Writes a key of Consul.",
            [
                _consulKey,
                Must("value", "any", "The value: text as it stands, anything else as JSON."),
                May("cas", "int", "Only if the key's index is this; 0 for a key that is not there."),
            ],
            ("written", "bool")),
        Changes("consul.kv_delete", "Removes a key of Consul.", [_consulKey, May("recurse", "bool", "All keys that begin with it.")], ("deleted", "bool")),
        Reads(
            "consul.kv_list", "Reads the keys of Consul that begin with a text.",
            [Must("prefix", "string", "What they begin with.")],
            ("entries", "list({ key: string, value: string?, index: int })")),
        Changes(
            "consul.register", "Registers an instance of a service with Consul.",
            [
                Must("id", "string", "The instance's id; one that is registered already is replaced."),
                Must("name", "string", "The service."),
                May("address", "string", "Where it is."),
                May("port", "int", "Its port."),
                May("tags", "list(string)", "Its tags."),
                May("meta", "map(string)", "What else is known of it."),
                May("check", "map(any)", "Its health check, as Consul's API has it."),
            ],
            ("id", "string")),
        Changes("consul.deregister", "Removes an instance of a service from Consul.", [Must("id", "string", "The instance's id.")], ("id", "string")),
        Reads(
            "consul.health_service", "Lists the instances of a service with their health.",
            [Must("name", "string", "The service."), May("tag", "string", "Only those with this tag."), May("passing", "bool", "Only healthy ones.")],
            ("instances", "list({ id: string, address: string, port: int, tags: list(string), status: string })")),

        Reads(
            "vault.read_secret", "Reads a secret of Vault. Its values are handles: only an effect that is given one gets the value itself.",
            [_secretPath, May("version", "int", "Which version; without it, the latest.")],
            ("fields", "map(string)"), ("version", "int")),
        Changes(
            "vault.write_secret", "Writes a new version of a secret of Vault.",
            [
                _secretPath,
                May("fields", "map(string)", "Fields with their values: handles, or text that is no secret."),
                May("generate", "list(string)", "Fields whose values are made at random, so that no contract ever holds them."),
                May("cas", "int", "Only if the latest version is this; 0 for a secret that is not there."),
            ],
            ("fields", "map(string)"), ("version", "int")),
        Changes(
            "vault.delete_secret", "Deletes versions of a secret of Vault.",
            [_secretPath, May("versions", "list(int)", "Which ones; without it, the latest.")],
            ("path", "string")),
        Reads("vault.list_secrets", "Lists the secrets of Vault below a path.", [Must("path", "string", "The path.")], ("keys", "list(string)")),
        Reads("vault.renew_token", "Renews the token of the connection.", [May("increment", "int", "By how many seconds.")], ("expires_in", "int")),

        Reads("redis.get", "Reads a key of Redis.", [_redisKey], ("value", "string?")),
        Changes(
            "redis.set", "Writes a key of Redis.",
            [
                _redisKey,
                Must("value", "any", "The value: text as it stands, anything else as JSON."),
                May("ttl", "int", "How many seconds it is kept."),
                May("if_absent", "bool", "Only if the key is not there."),
            ],
            ("written", "bool")),
        Changes("redis.delete", "Removes a key of Redis.", [_redisKey], ("deleted", "bool")),
        Reads("redis.exists", "Whether Redis has a key.", [_redisKey], ("exists", "bool")),
        Changes("redis.increment", "Adds to a number of Redis.", [_redisKey, May("by", "int", "How much: 1.")], ("value", "int")),
        Changes("redis.expire", "Has Redis forget a key after a time.", [_redisKey, Must("ttl", "int", "After how many seconds.")], ("found", "bool")),
        Changes(
            "redis.publish", "Publishes a message on a channel of Redis.",
            [Must("channel", "string", "The channel."), Must("value", "any", "The message: text as it stands, anything else as JSON.")],
            ("receivers", "int")),
        Reads("redis.hash_get", "Reads a field of a hash of Redis.", [_redisKey, Must("field", "string", "The field.")], ("value", "string?")),
        Changes("redis.hash_set", "Writes fields of a hash of Redis.", [_redisKey, Must("fields", "map(string)", "The fields with their values.")], ("added", "int")),

        Reads("filesystem.read_file", "Reads a text file.", [_filePath], ("content", "string"), ("bytes", "int")),
        Changes(
            "filesystem.write_file", "Writes a text file; one that is there is replaced as a whole.",
            [_filePath, Must("content", "any", "The content: text as it stands, anything else as JSON.")],
            ("bytes", "int")),
        Reads(
            "filesystem.list_directory", "Lists a directory.",
            [_filePath], ("entries", "list({ name: string, is_directory: bool, bytes: int })")),
        Changes("filesystem.delete_file", "Removes a file.", [_filePath], ("deleted", "bool")),
    ];

    private static OperationDescriptor Reads(
        string name, string description, ArgumentDescriptor[] arguments, params (string Field, string Type)[] result) =>
        Describe(name, description, changesWorld: false, arguments, result);

    private static OperationDescriptor Changes(
        string name, string description, ArgumentDescriptor[] arguments, params (string Field, string Type)[] result) =>
        Describe(name, description, changesWorld: true, arguments, result);

    // Each family goes through connections of its own type.
    private static OperationDescriptor Describe(
        string name, string description, bool changesWorld, ArgumentDescriptor[] arguments, (string Field, string Type)[] result) =>
        new(
            name, OperationRole.Effect, name.Split('.')[0], changesWorld, arguments, AnyArguments: false,
            result.ToDictionary(field => field.Field, field => field.Type, StringComparer.Ordinal), description)
        {
            IsToCome = true,
        };

    private static ArgumentDescriptor Must(string name, string type, string description) => new(name, true, type, ArgumentFilling.Value, description);

    private static ArgumentDescriptor May(string name, string type, string description) => new(name, false, type, ArgumentFilling.Value, description);
}
