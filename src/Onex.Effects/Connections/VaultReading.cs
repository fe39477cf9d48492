using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;
using Onex.Hosting.Settings;

namespace Onex.Effects.Connections;

/// <summary>Reads the keys of a connection to Vault. Missing keys come from the settings of the runtime's own Vault.</summary>
internal sealed class VaultReading(ConnectionsFile file, Secrets secrets)
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

    /// <summary>The address of the settings.</summary>
    public static string AddressOf(IReadOnlyDictionary<string, string> environment) =>
        environment.GetValueOrDefault(SettingsTable.VaultAddress.Name) is { Length: > 0 } address
            ? address
            : SettingsTable.VaultAddress.Default!;

    /// <summary>The connection to the runtime's own Vault, whose secrets files of connections refer to.</summary>
    public static Connection OfSettings(IReadOnlyDictionary<string, string> environment)
    {
        var secrets = new Secrets(environment, resolve: true);
        return new Connection
        {
            Name = ConnectionTypes.Vault,
            Type = ConnectionTypes.Vault,
            Url = new Uri(AddressOf(environment)),
            Tls = TlsOf(TlsFiles.None, environment),
            Vault = new VaultOptions
            {
                Login = LoginOf(setting => secrets.Optional(setting.Name, (_, _) => { })),
                Namespace = secrets.Optional(SettingsTable.VaultNamespace.Name, (_, _) => { }),
                Mount = VaultOptions.DefaultMount,
            },
        };
    }

    private static VaultLogin? LoginOf(Func<Setting, string?> setting) =>
        (setting(SettingsTable.VaultRole), setting(SettingsTable.VaultSecret)) is ({ } roleId, { } secretId)
            ? VaultLogin.WithAppRole(roleId, secretId)
            : setting(SettingsTable.VaultToken) is { } own ? VaultLogin.WithToken(own)
            : null;

    /// <summary>The certificates: the connection's own, or the authorities of the settings.</summary>
    public static TlsFiles TlsOf(TlsFiles own, IReadOnlyDictionary<string, string> environment) =>
        own.CaFile is null && environment.GetValueOrDefault(SettingsTable.VaultAuthority.Name) is { Length: > 0 } path
            ? own with { CaFile = Path.GetFullPath(path) }
            : own;

    /// <summary>Reads the keys beside the address. Reports problems.</summary>
    public VaultOptions Read(ScalarSyntax name, MapSyntax map, Func<string, string?> text)
    {
        var mount = text("mount") ?? VaultOptions.DefaultMount;
        if (VaultPaths.Encode(mount.Trim('/')) is not { } encoded)
        {
            file.Report(ContractDiagnostics.WrongType(map.Find("mount")!.At, "'mount'", "the path of a mount", "another text"));
            encoded = VaultOptions.DefaultMount;
        }

        return new VaultOptions
        {
            Login = Login(name, map, text),
            Namespace = text("namespace") ?? Setting(SettingsTable.VaultNamespace, name),
            Mount = encoded,
        };
    }

    private VaultLogin? Login(ScalarSyntax name, MapSyntax map, Func<string, string?> text)
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

        var (token, role, secret) = (text("token"), text("role_id"), text("secret_id"));
        if (map.Has("token") || map.Has("role_id"))
        {
            return role is not null && secret is not null ? VaultLogin.WithAppRole(role, secret)
                : token is not null ? VaultLogin.WithToken(token)
                : null;
        }

        return LoginOf(setting => Setting(setting, name));
    }

    private string? Setting(Setting setting, ScalarSyntax name) => secrets.Optional(
        setting.Name!, (problem, remedy) => file.Report(ConnectionDiagnostics.BadSecret(name.At, problem, remedy)));
}
