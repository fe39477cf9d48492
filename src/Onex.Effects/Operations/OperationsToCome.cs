using Onex.Contracts.Catalogue;

namespace Onex.Effects.Operations;

/// <summary>
/// Operations that are described but not implemented yet, so that contracts that call them can be written and checked. Each moves to the
/// attribute of its class once it is implemented.
/// </summary>
internal static class OperationsToCome
{
    private static readonly ArgumentDescriptor _consulKey = Must("key", "string", "The key, with its slashes.");
    private static readonly ArgumentDescriptor _secretPath = Must("path", "string", "The secret's path below the connection's mount.");
    private static readonly ArgumentDescriptor _filePath = Must("path", "string", "The path below the connection's root.");

    public static OperationDescriptor[] All { get; } =
    [
        Reads(
            "consul.kv_get", "Reads a key of Consul.",
            [_consulKey],
            ("found", "bool", "Whether the key exists."), ("value", "string?", "Its value; null without one."), (
                "index", "int", "Its index, for 'cas'; 0 if it does not exist.")),
        Changes(
            "consul.kv_put", "Writes a key of Consul.",
            [
                _consulKey,
                Must("value", "any", "The value: text as it is, anything else as JSON."),
                May("cas", "int", "Writes only if the key's index is this; 0: only if the key does not exist.", "writes in any case"),
            ],
            ("written", "bool", "Whether the value was written.")),
        Changes(
            "consul.kv_delete", "Removes a key of Consul.",
            [_consulKey, May("recurse", "bool", "Removes all keys that begin with it.", "false")],
            ("deleted", "bool", "Whether it was removed.")),
        Reads(
            "consul.kv_list", "Reads the keys of Consul that begin with a prefix.",
            [Must("prefix", "string", "The prefix.")],
            ("entries", "list({ key: string, value: string?, index: int })", "The keys with their values and indexes.")),
        Changes(
            "consul.register", "Registers an instance of a service with Consul.",
            [
                Must("id", "string", "The instance's id. An instance that is already registered is replaced."),
                Must("name", "string", "The name of the service."),
                May("address", "string", "The instance's host name or IP address.", "the agent's address"),
                May("port", "int", "The instance's port."),
                May("tags", "list(string)", "The instance's tags.", "none"),
                May("meta", "map(string)", "Further properties of the instance.", "none"),
                May("check", "map(any)", "The instance's health check, in the form of Consul's API.", "none"),
            ],
            ("id", "string", "The instance's id.")),
        Changes(
            "consul.deregister", "Removes an instance of a service from Consul.", [Must("id", "string", "The instance's id.")],
            ("id", "string", "The instance's id.")),
        Reads(
            "consul.health_service", "Lists the instances of a service with their health.",
            [
                Must("name", "string", "The name of the service."),
                May("tag", "string", "Only instances with this tag.", "all"),
                May("passing", "bool", "Only healthy instances.", "false"),
            ],
            (
                "instances", "list({ id: string, address: string, port: int, tags: list(string), status: string })",
                "The instances with their health.")),

        Reads(
            "vault.read_secret",
            "Reads a secret of Vault. Its values are handles: only an effect that gets one as an argument sees the value itself.",
            [_secretPath, May("version", "int", "The version to read.", "the latest")],
            ("fields", "map(string)", "Handles of the fields' values, by name."), ("version", "int", "The secret's version.")),
        Changes(
            "vault.write_secret", "Writes a new version of a secret of Vault.",
            [
                _secretPath,
                May("fields", "map(string)", "Fields with their values: handles, or text that is not secret.", "none"),
                May(
                    "generate", "list(string)",
                    "Fields whose values the effects role generates at random, so that no contract ever holds them.", "none"),
                May("cas", "int", "Writes only if the latest version is this; 0: only if the secret does not exist.", "writes in any case"),
            ],
            ("fields", "map(string)", "Handles of the fields' values, by name."), ("version", "int", "The secret's version.")),
        Changes(
            "vault.delete_secret", "Deletes versions of a secret of Vault.",
            [_secretPath, May("versions", "list(int)", "The versions to delete.", "the latest")],
            ("path", "string", "The secret's path.")),
        Reads(
            "vault.list_secrets", "Lists the secrets of Vault below a path.", [Must("path", "string", "The path.")],
            ("keys", "list(string)", "The names below the path; those of folders end with a slash.")),
        Reads(
            "vault.renew_token", "Renews the token of the connection.", [May("increment", "int", "For how many seconds.", "Vault decides")],
            ("expires_in", "int", "The seconds until the token expires.")),

        Reads(
            "filesystem.read_file", "Reads a text file.",
            [_filePath], ("content", "string", "The file's text."), ("bytes", "int", "The file's size in bytes.")),
        Changes(
            "filesystem.write_file", "Writes a text file. A file that exists is replaced as a whole.",
            [_filePath, Must("content", "any", "The content: text as it is, anything else as JSON.")],
            ("bytes", "int", "The size that was written, in bytes.")),
        Reads(
            "filesystem.list_directory", "Lists a directory.",
            [_filePath], ("entries", "list({ name: string, is_directory: bool, bytes: int })", "Its files and directories.")),
        Changes("filesystem.delete_file", "Removes a file.", [_filePath], ("deleted", "bool", "Whether the file existed.")),
    ];

    private static OperationDescriptor Reads(
        string name, string description, ArgumentDescriptor[] arguments, params (string Field, string Type, string Meaning)[] result) =>
        Describe(name, description, changesWorld: false, arguments, result);

    private static OperationDescriptor Changes(
        string name, string description, ArgumentDescriptor[] arguments, params (string Field, string Type, string Meaning)[] result) =>
        Describe(name, description, changesWorld: true, arguments, result);

    // Each operation family has its own connection type.
    private static OperationDescriptor Describe(
        string name, string description, bool changesWorld, ArgumentDescriptor[] arguments, (
            string Field, string Type, string Meaning)[] result) =>
        new(
            name, OperationRole.Effect, name.Split('.')[0], changesWorld, arguments, AnyArguments: false,
            result.ToDictionary(field => field.Field, field => field.Type, StringComparer.Ordinal), description)
        {
            IsToCome = true,
            ResultMeanings = result.ToDictionary(field => field.Field, field => field.Meaning, StringComparer.Ordinal),
        };

    private static ArgumentDescriptor Must(string name, string type, string description) =>
        new(name, true, type, ArgumentFilling.Value, description);

    private static ArgumentDescriptor May(string name, string type, string description, string? without = null) =>
        new(name, false, type, ArgumentFilling.Value, description) { Default = without };
}
