using System.Text.RegularExpressions;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Yaml;

namespace Onex.Hosting.Settings;

/// <summary>The value of a setting, and where it is set.</summary>
/// <param name="Name">The environment variable, or the key in the file.</param>
/// <param name="Text">The value; items of a list are separated by commas.</param>
/// <param name="At">Its position in the file, or null if an environment variable holds it.</param>
internal sealed record SettingValue(string Name, string Text, SourceSpan? At)
{
    /// <summary>The items of a list in the file; null for anything else.</summary>
    public IReadOnlyList<string>? Items { get; init; }
}

/// <summary>The values of <c>runtime_config.yaml</c> by key (<c>logging.level</c>), and what is wrong with the file.</summary>
internal sealed partial class SettingsFile
{
    private const int DepthMax = 16;

    private static readonly List<string> _keys =
        [.. SettingsTable.All.Where(setting => setting.FileKey is not null).Select(setting => setting.FileKey!)];

    private readonly Dictionary<string, SettingValue> _values = new(StringComparer.Ordinal);

    private SettingsFile(string shownAs, string text) => Source = new SourceFile(shownAs, text, MaskUnknownKey);

    /// <summary>The file's text with its diagnostics.</summary>
    public SourceFile Source { get; }

    /// <summary>The value of a key, or null.</summary>
    public SettingValue? Find(string key) => _values.GetValueOrDefault(key);

    /// <summary>Reads a file. If there is none, the result holds no settings.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="shownAs">Its path in messages.</param>
    public static SettingsFile Read(string path, string shownAs)
    {
        try
        {
            var file = new SettingsFile(shownAs, File.Exists(path) ? File.ReadAllText(path) : "");
            file.ReadDocument();
            return file;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            var file = new SettingsFile(shownAs, "");
            file.Source.Report(ContractDiagnostics.Unreadable(SourceSpan.Start, shownAs, unreadable.Message));
            return file;
        }
    }

    private void ReadDocument()
    {
        // A file that is empty, or has only comments, holds no settings.
        if (Source.Text.Split('\n').All(line => line.Trim() is "" or ['#', ..])
            || YamlReader.Read(Source, DepthMax) is not { } root
            || root is ScalarSyntax { IsNull: true })
        {
            return;
        }

        if (root is not MapSyntax map)
        {
            Source.Report(ContractDiagnostics.WrongType(root.At, "the settings file", "a map ('key: value' lines)", root.Kind));
            return;
        }

        var topKeys = _keys.Select(key => key.Split('.')[0]).Distinct(StringComparer.Ordinal).ToList();
        foreach (var (key, value) in map.Entries)
        {
            var nestedKeys = _keys.Where(known => known.StartsWith(key.Text + ".", StringComparison.Ordinal))
                .Select(known => known[(key.Text.Length + 1)..])
                .ToList();
            if (!topKeys.Contains(key.Text, StringComparer.Ordinal))
            {
                Source.Report(SettingsDiagnostics.Unknown(key.Text, topKeys) with { At = key.At });
            }
            else if (nestedKeys.Count == 0)
            {
                Add(key.Text, value);
            }
            else if (value is MapSyntax section)
            {
                ReadSection(key.Text, section, nestedKeys);
            }
            else if (value is not ScalarSyntax { IsNull: true })
            {
                Source.Report(
                    ContractDiagnostics.WrongType(value.At, $"'{key.Text}'", $"a map with {string.Join(", ", nestedKeys)}", value.Kind));
            }
        }
    }

    private void ReadSection(string section, MapSyntax map, List<string> known)
    {
        foreach (var (key, value) in map.Entries)
        {
            if (known.Contains(key.Text, StringComparer.Ordinal))
            {
                Add($"{section}.{key.Text}", value);
            }
            else
            {
                Source.Report(ContractDiagnostics.UnknownKey(key.At, $"'{section}'", key.Text, known));
            }
        }
    }

    private void Add(string key, SyntaxNode value)
    {
        var isList = SettingsTable.All.First(
            setting => string.Equals(setting.FileKey, key, StringComparison.Ordinal)).Kind == SettingKind.List;
        switch (value)
        {
            case ScalarSyntax { IsNull: true }:
                break;
            case ScalarSyntax scalar when !isList:
                _values[key] = new SettingValue(key, scalar.Text, scalar.At);
                break;
            case ListSyntax list when isList && list.Items.All(item => item is ScalarSyntax { Text.Length: > 0 }):
                var items = list.Items.Select(item => ((ScalarSyntax)item).Text).ToList();
                _values[key] = new SettingValue(key, string.Join(", ", items), list.At) { Items = items };
                break;
            default:
                var expected = isList ? "a list of names ([one, two])" : "a single value";
                Source.Report(ContractDiagnostics.WrongType(value.At, $"'{key}'", expected, value.Kind));
                break;
        }
    }

    // The value of an unknown key may be a secret that somebody has put there by mistake, so diagnostics do not show it.
    private static string MaskUnknownKey(string line) =>
        KeyPattern().Match(line) is { Success: true } match
        && !_keys.SelectMany(key => key.Split('.')).Contains(match.Groups["key"].Value, StringComparer.Ordinal)
            ? line[..match.Length] + new string('*', line.Length - match.Length)
            : line;

    [GeneratedRegex(@"^\s*(?<key>[A-Za-z_][A-Za-z0-9_.-]*)\s*:\s*", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex KeyPattern();
}
