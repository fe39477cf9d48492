namespace Onex.Effects.Connections;

/// <summary>How to log in to Vault. A class and not a record, so that nothing prints the secrets.</summary>
internal sealed class VaultLogin
{
    private VaultLogin()
    {
    }

    /// <summary>A token, or null if it logs in with an AppRole.</summary>
    public string? Token { get; private init; }

    /// <summary>The id of the AppRole, or null if it logs in with a token.</summary>
    public string? RoleId { get; private init; }

    /// <summary>The secret id of the AppRole, or null if it logs in with a token.</summary>
    public string? SecretId { get; private init; }

    /// <summary>A login with an existing token.</summary>
    public static VaultLogin WithToken(string token) => new() { Token = token };

    /// <summary>A login as an AppRole, for which Vault issues a token.</summary>
    public static VaultLogin WithAppRole(string roleId, string secretId) => new() { RoleId = roleId, SecretId = secretId };
}

/// <summary>The options of a connection to Vault besides its address and certificates.</summary>
internal sealed class VaultOptions
{
    /// <summary>The default of <see cref="Mount"/>, as in Vault's development server.</summary>
    public const string DefaultMount = "secret";

    /// <summary>The login, or null if none is configured completely.</summary>
    public required VaultLogin? Login { get; init; }

    /// <summary>The namespace that requests are for, or null.</summary>
    public required string? Namespace { get; init; }

    /// <summary>Where the operations' secrets engine (KV version 2) is mounted.</summary>
    public required string Mount { get; init; }
}
