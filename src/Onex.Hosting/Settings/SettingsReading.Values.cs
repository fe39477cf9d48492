using System.Globalization;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;

namespace Onex.Hosting.Settings;

// Reads single values and reports their errors.
internal sealed partial class SettingsReading
{
    private SettingValue? Find(Setting setting) =>
        setting.Variable is { } name && Variable(name) is { } text ? new SettingValue(name, text, At: null)
        : setting.FileKey is { } key ? _file?.Find(key)
        : null;

    private string? Text(Setting setting) => Find(setting)?.Text ?? Default(setting);

    private string? Default(Setting setting) => _inImage ? setting.ImageDefault ?? setting.Default : setting.Default;

    // Returns the value in the spelling of the table. A wrong value is reported, and the default is returned.
    private string? OneOf(Setting setting)
    {
        if (Find(setting) is not { } found)
        {
            return Default(setting);
        }

        if (setting.Values.FirstOrDefault(value => value.Equals(found.Text, StringComparison.OrdinalIgnoreCase)) is { } canonical)
        {
            return canonical;
        }

        ReportValue(
            found, $"{Spelling.DidYouMean(found.Text, setting.Values)}Set it to one of {string.Join(", ", setting.Values)}.");
        return Default(setting);
    }

    // For settings with a default.
    private int Whole(Setting setting) => Number(setting)!.Value;

    private int? Number(Setting setting)
    {
        var (min, max) = setting.Range;
        if (Find(setting) is { } found)
        {
            if (int.TryParse(found.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
                && number >= min && number <= max)
            {
                return number;
            }

            ReportValue(found, $"Set it to a whole number from {min} to {max}.");
        }

        return Default(setting) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;
    }

    private TimeSpan Duration(Setting setting)
    {
        var (min, max) = setting.DurationRange;
        if (Find(setting) is { } found)
        {
            if (Durations.TryParseUnitsOrClock(found.Text, out var span) && span >= min && span <= max)
            {
                return span;
            }

            ReportValue(found, $"Set it to a duration (15s, 2m, 15d) from {Durations.Format(min)} to {Durations.Format(max)}.");
        }

        return Durations.TryParseUnitsOrClock(Default(setting)!, out var standard)
            ? standard
            : throw new InvalidOperationException($"The default of {setting.Name} is not a duration.");
    }

    private bool Flag(Setting setting)
    {
        if (Find(setting) is { } found)
        {
            if (IsTrue(found.Text) || IsFalse(found.Text))
            {
                return IsTrue(found.Text);
            }

            ReportValue(found, "Set it to true or false.");
        }

        return IsTrue(Default(setting));
    }

    private IReadOnlyList<string>? List(Setting setting) => _file?.Find(setting.FileKey!)?.Items;

    private string? Secret(Setting setting, string? neededBecause)
    {
        if (!ForRole && neededBecause is null)
        {
            return null;
        }

        var (name, fileName) = (setting.Name, setting.Name + "_FILE");
        var (value, path) = (Variable(name), Variable(fileName));
        if (value is not null && path is not null)
        {
            Report(SettingsDiagnostics.SetTwice($"{name} and {fileName} are both set."));
            return value;
        }

        if (path is not null)
        {
            name = $"{name} (from {path})";
            try
            {
                // Editors and echo end a file with a line break, which is not part of the secret.
                value = File.ReadAllText(Path.GetFullPath(path, _workingDirectory)).TrimEnd('\r', '\n');
            }
            catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
            {
                Report(
                    SettingsDiagnostics.BadSecretFile(
                        $"{fileName} names {path}, which cannot be read ({unreadable.Message}).",
                        "Put the secret there, readable for the user that runs onex."),
                    new SettingValue(fileName, path, At: null));
                return null;
            }

            if (string.IsNullOrWhiteSpace(value))
            {
                Report(
                    SettingsDiagnostics.BadSecretFile($"{fileName} names {path}, which is empty.", "Put the secret there."),
                    new SettingValue(fileName, path, At: null));
                return null;
            }
        }

        if (value is null)
        {
            if (neededBecause is not null)
            {
                Report(SettingsDiagnostics.Missing(name, neededBecause, $"Set it, or {fileName} to the path of a file that holds it."));
            }

            return null;
        }

        if (Placeholder().IsMatch(value))
        {
            Report(SettingsDiagnostics.Placeholder(name));
        }

        if (VaultSetting.IsIn(value))
        {
            NoteReference(setting, name, value);
        }

        return value;
    }

    private void NoteReference(Setting setting, string name, string value)
    {
        if (setting == SettingsTable.VaultToken || setting == SettingsTable.VaultRole || setting == SettingsTable.VaultSecret)
        {
            Report(SettingsDiagnostics.BadReference(
                $"{name} refers to a secret, but it is what the runtime logs in to Vault with.",
                $"Set it, or {setting.Name}_FILE, to the secret itself."));
        }
        else if (VaultSetting.Parse(setting.Name, name, value) is { } reference)
        {
            _vaultReferences.Add(reference);
        }
        else
        {
            Report(SettingsDiagnostics.BadReference(
                $"{name} contains '${{secret:' but is not a reference to a field of a secret of Vault.",
                "Write the mount, the path and the field, and nothing around them: ${secret:vault:secret/onex#password}."));
        }
    }

    private void ReportValue(SettingValue value, string remedy) =>
        Report(SettingsDiagnostics.BadValue($"{value.Name} is '{value.Text}'.", remedy), value);

    // Shows the line where the value is set, with carets below the value or a part of it. Reports a value that is read twice only once.
    private void Report(DiagnosticDraft draft, SettingValue? value = null, string? part = null)
    {
        if (value?.At is { } at)
        {
            _file!.Source.Report(draft with { At = at });
            return;
        }

        var line = value is null ? null : $"{value.Name}={value.Text}";
        var marked = part ?? value?.Text ?? "";
        var column = line is null ? 1 : line.IndexOf(marked, value!.Name.Length + 1, StringComparison.Ordinal) + 1;
        var diagnostic = new Diagnostic(
            draft.Code, draft.Severity, "environment", 0, column, Math.Max(1, marked.Length), draft.Problem, draft.Remedy, line);
        if (!_environmentDiagnostics.Contains(diagnostic))
        {
            _environmentDiagnostics.Add(diagnostic);
        }
    }

    private string? Variable(string name) =>
        _environment.TryGetValue(name, out var text) && !string.IsNullOrWhiteSpace(text) ? text.Trim() : null;

    private string DisplayPath(string path)
    {
        var relative = Path.GetRelativePath(_workingDirectory, path);
        return relative.StartsWith("..", StringComparison.Ordinal) ? path : relative;
    }

    private static string Name(RuntimeProfile profile) => profile switch
    {
        RuntimeProfile.Main => "main",
        RuntimeProfile.Effects => "effects",
        RuntimeProfile.Workers => "workers",
        _ => "all",
    };

    private static bool IsTrue(string? text) =>
        text is not null && (text.Equals("true", StringComparison.OrdinalIgnoreCase) || text is "1" or "yes" or "on");

    private static bool IsFalse(string text) => text.Equals("false", StringComparison.OrdinalIgnoreCase) || text is "0" or "no" or "off";

    private static bool IsPort(string text) =>
        ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > 0;
}
