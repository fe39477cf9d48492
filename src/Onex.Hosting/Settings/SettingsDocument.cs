using System.Text;
using Onex.Contracts.Text;

namespace Onex.Hosting.Settings;

/// <summary>Renders docs/configuration.md from the table.</summary>
internal static class SettingsDocument
{
    public static string Render()
    {
        var text = new StringBuilder("""
            # Configuration

            Generated from `SettingsTable.cs`; a test compares the two, and `ONEX_GOLDEN=update` with that test updates this file.

            A setting is read from its environment variable, else from `runtime/runtime_config.yaml` in the contracts directory, else its
            default applies. An empty variable counts as not set. A secret may also be in a file whose path is in `<NAME>_FILE`, which is
            how Docker and Kubernetes pass secrets; it is never shown. A secret that still holds a `__REPLACE_WITH_...__` placeholder stops
            every role. All problems are reported at once on stderr, each with a code ([ONEX2020](errors/ONEX2020.md) to
            [ONEX2033](errors/ONEX2033.md)), its position and the remedy; the exit code is then 78.

            The value of a secret, except the login to Vault itself, may be a reference to Vault, `${secret:vault:path#field}`, and nothing
            else: `POSTGRES_PASSWORD='${secret:vault:secret/onex#postgres}'`. It is read once, at the start, from `VAULT_ADDR` with
            `VAULT_TOKEN` or `VAULT_ROLE_ID` and `VAULT_SECRET_ID`; a restart reads it again
            ([operating.md](operating.md#settings-from-vault)).

            Durations are written `500ms`, `15s`, `2m`, `1h30m`, `15d` or `00:00:15`.

            """).Append('\n');
        foreach (var group in SettingsTable.All.GroupBy(setting => setting.Group))
        {
            text.Append($"## {group.Key}\n\n| setting | default | meaning |\n| --- | --- | --- |\n");
            foreach (var setting in group)
            {
                text.Append($"| {Names(setting)} | {Default(setting)} | {Meaning(setting)} |\n");
            }

            text.Append('\n');
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static string Names(Setting setting)
    {
        var names = new List<string>();
        if (setting.Variable is { } variable)
        {
            names.Add($"`{variable}`");
        }

        if (setting.Alias is { } alias)
        {
            names.Add($"or `{alias}`");
        }

        if (setting.IsSecret)
        {
            names.Add($"or `{setting.Name}_FILE`");
        }

        if (setting.FileKey is { } key)
        {
            names.Add(setting.Variable is null ? $"`{key}`" : $"(file: `{key}`)");
        }

        return string.Join(" ", names);
    }

    private static string Default(Setting setting)
    {
        var source = setting.DefaultInWords ?? (setting.Default is { } text ? $"`{text}`" : "");
        return setting.ImageDefault is { } image ? $"{(source.Length > 0 ? source + "; " : "")}in the image `{image}`" : source;
    }

    private static string Meaning(Setting setting)
    {
        var allowed = setting.Kind switch
        {
            SettingKind.OneOf => $" One of {string.Join(", ", setting.Values.Select(value => $"`{value}`"))}.",
            SettingKind.Number => $" From {setting.Range.Min} to {setting.Range.Max}.",
            SettingKind.Duration =>
                $" From `{Durations.Format(setting.DurationRange.Min)}` to `{Durations.Format(setting.DurationRange.Max)}`.",
            SettingKind.Flag => " `true` or `false`.",
            SettingKind.List => " A list.",
            _ => "",
        };
        return setting.Meaning + allowed
            + (setting.IsSecret ? " Secret." : "")
            + (setting.IsUnused ? " To come: checked, but not used by this version." : "");
    }
}
