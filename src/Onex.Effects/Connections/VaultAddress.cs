namespace Onex.Effects.Connections;

/// <summary>How to log in to Vault. A class and not a record, so that nothing prints the secrets.</summary>
internal sealed class VaultLogin
{
    private VaultLogin()
    {
    }

    /// <summary>A token, or null with an AppRole.</summary>
    public string? Token { get; private init; }

    /// <summary>The id of the AppRole, or null with a token.</summary>
    public string? RoleId { get; private init; }

    /// <summary>The secret id of the AppRole, or null with a token.</summary>
    public string? SecretId { get; private init; }

    /// <summary>A login with a token that somebody else issued.</summary>
    public static VaultLogin WithToken(string token) => new() { Token = token };

    /// <summary>A login as an AppRole, which issues tokens.</summary>
    public static VaultLogin WithRole(string roleId, string secretId) => new() { RoleId = roleId, SecretId = secretId };

    /// <summary>Whether both log in with the same credentials.</summary>
    public bool IsSameAs(VaultLogin other) => (Token, RoleId, SecretId) == (other.Token, other.RoleId, other.SecretId);
}

/// <summary>What a connection to Vault has beside its address and certificates.</summary>
internal sealed class VaultAddress
{
    /// <summary>The mount of the operations' secrets, if the connection names none: that of Vault's dev server.</summary>
    public const string DefaultMount = "secret";

    /// <summary>The login, or null if none is configured.</summary>
    public required VaultLogin? Login { get; init; }

    /// <summary>The namespace that requests are for, or null.</summary>
    public required string? Namespace { get; init; }

    /// <summary>Where the operations' secrets engine (KV version 2) is mounted.</summary>
    public required string Mount { get; init; }

    /// <summary>Whether both are the same.</summary>
    public bool IsSameAs(VaultAddress other) =>
        (Namespace, Mount) == (other.Namespace, other.Mount)
        && (Login is null ? other.Login is null : other.Login is not null && Login.IsSameAs(other.Login));
}
