using Onex.Contracts.Catalogue;

namespace Onex.Effects.Operations;

/// <summary>
/// Operations that are described but not implemented yet, so that contracts that call them can be written and checked. Each moves to the
/// attribute of its class once it is implemented.
/// </summary>
internal static class OperationsToCome
{
    private static readonly ArgumentDescriptor _secretPath = Must("path", "string", "The secret's path below the connection's mount.");

    public static OperationDescriptor[] All { get; } =
    [
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
    ];

    private static OperationDescriptor Reads(
        string name, string description, ArgumentDescriptor[] arguments, params (string Field, string Type, string Meaning)[] result) =>
        Describe(name, description, changesWorld: false, arguments, result);

    private static OperationDescriptor Changes(
        string name, string description, ArgumentDescriptor[] arguments, params (string Field, string Type, string Meaning)[] result) =>
        Describe(name, description, changesWorld: true, arguments, result);

    // Each family goes through connections of its own type.
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
