using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Hosting.Running;
using Onex.Hosting.Settings;

namespace Onex.Effects.Connections;

/// <summary>
/// Reads the keys of a connection to Vault. A missing address, login, namespace or <c>ca_file</c> comes from the settings of the runtime's
/// Vault.
/// </summary>
internal sealed class VaultReader(ConnectionsFile file, Secrets secrets, IReadOnlyDictionary<string, string> environment)
{
    public static IReadOnlyList<ConnectionKey> Keys { get; } =
    [
        new("url", "address", "The address, `http` or `https`") { Default = $"`{SettingsTable.VaultAddress.Name}`" },
        new("token", "text", "The token to log in with")
        {
            Default = $"`{SettingsTable.VaultRole.Name}` and `{SettingsTable.VaultSecret.Name}`, or `{SettingsTable.VaultToken.Name}`",
        },
        new("role_id", "text", "The id of the AppRole to log in as, with `secret_id`, instead of a token"),
        new("secret_id", "text", "The secret id of the AppRole"),
        new("namespace", "text", "The namespace that requests are for") { Default = $"`{SettingsTable.VaultNamespace.Name}`, or none" },
        new("mount", "text", "Where the secrets engine (KV version 2) of the operations is mounted")
        {
            Default = $"`{VaultOptions.DefaultMount}`",
        },
        .. TlsFiles.Keys,
    ];

    /// <summary>The address from the settings.</summary>
    public static string AddressFrom(IReadOnlyDictionary<string, string> environment) =>
        environment.GetValueOrDefault(SettingsTable.VaultAddress.Name) is { Length: > 0 } address
            ? address
            : SettingsTable.VaultAddress.Default!;

    /// <summary>The connection to the Vault that <c>${secret:vault:...}</c> refers to.</summary>
    /// <exception cref="ConfigurationException">The file of <c>VAULT_CACERT</c> cannot be used.</exception>
    public static Connection FromSettings(IReadOnlyDictionary<string, string> environment)
    {
        var secrets = new Secrets(environment, resolve: true);
        return new Connection
        {
            Name = ConnectionTypes.Vault,
            Type = ConnectionTypes.Vault,
            Url = new Uri(AddressFrom(environment)),
            Tls = AuthoritiesFrom(environment) is not { } path ? TlsFiles.None
                : TlsFiles.None.TryWithAuthorities(path) ?? throw new ConfigurationException(
                    $"{SettingsTable.VaultAuthority.Name} names '{path}', which cannot be read or holds no usable certificate. "
                    + "Name a PEM file with certificates that the user of onex may read."),
            Vault = new VaultOptions
            {
                Login = LoginFrom(setting => secrets.FindOptional(setting.Name, (_, _) => { })),
                Namespace = secrets.FindOptional(SettingsTable.VaultNamespace.Name, (_, _) => { }),
                Mount = VaultOptions.DefaultMount,
            },
        };
    }

    private static string? AuthoritiesFrom(IReadOnlyDictionary<string, string> environment) =>
        environment.GetValueOrDefault(SettingsTable.VaultAuthority.Name) is { Length: > 0 } path ? Path.GetFullPath(path) : null;

    private static VaultLogin? LoginFrom(Func<Setting, string?> setting) =>
        (setting(SettingsTable.VaultRole), setting(SettingsTable.VaultSecret)) is ({ } roleId, { } secretId)
            ? VaultLogin.WithAppRole(roleId, secretId)
            : setting(SettingsTable.VaultToken) is { } token ? VaultLogin.WithToken(token)
            : null;

    /// <summary>The certificates: the connection's own, or with the authorities of the settings. Reports an unusable file.</summary>
    public TlsFiles ReadTls(ScalarSyntax name, TlsFiles own)
    {
        if (own.CaFile is not null || !secrets.IsResolving || AuthoritiesFrom(environment) is not { } path)
        {
            return own;
        }

        file.OtherFiles.Add(path);
        if (own.TryWithAuthorities(path) is { } tls)
        {
            return tls;
        }

        file.Report(ConnectionDiagnostics.BadCertificate(name.At, SettingsTable.VaultAuthority.Name, path));
        return own;
    }

    /// <summary>Reads the keys besides the address. Reports problems.</summary>
    public VaultOptions Read(ScalarSyntax name, MapSyntax map, Func<string, string?> readText)
    {
        var mount = readText("mount") ?? VaultOptions.DefaultMount;
        if (VaultPaths.Encode(mount.Trim('/')) is not { } encoded)
        {
            file.Report(ContractDiagnostics.WrongType(map.Find("mount")!.At, "'mount'", "the path of a mount", "another text"));
            encoded = VaultOptions.DefaultMount;
        }

        return new VaultOptions
        {
            Login = ReadLogin(name, map, readText),
            Namespace = readText("namespace") ?? FindSetting(SettingsTable.VaultNamespace, name),
            Mount = encoded,
        };
    }

    private VaultLogin? ReadLogin(ScalarSyntax name, MapSyntax map, Func<string, string?> readText)
    {
        if (map.Has("role_id") != map.Has("secret_id"))
        {
            var missing = map.Has("role_id") ? "secret_id" : "role_id";
            file.Report(ContractDiagnostics.MissingKey(
                name.At, $"connection '{Spelling.Clip(name.Text)}'", missing, $"Add '{missing}': an AppRole logs in with both."));
        }

        if (map.Has("token") && map.Has("role_id"))
        {
            file.Report(ContractDiagnostics.KeysExclude(
                map.KeyAt("role_id"), $"connection '{Spelling.Clip(name.Text)}'", "token", "role_id", "Keep one of them."));
        }

        var (token, role, secret) = (readText("token"), readText("role_id"), readText("secret_id"));
        if (map.Has("token") || map.Has("role_id"))
        {
            return role is not null && secret is not null ? VaultLogin.WithAppRole(role, secret)
                : token is not null ? VaultLogin.WithToken(token)
                : null;
        }

        return LoginFrom(setting => FindSetting(setting, name));
    }

    private string? FindSetting(Setting setting, ScalarSyntax name) => secrets.FindOptional(
        setting.Name!, (problem, remedy) => file.Report(ConnectionDiagnostics.BadSecret(name.At, problem, remedy)));
}
