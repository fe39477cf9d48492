using Onex.Contracts.Text;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Onex.Hosting.Settings;

/// <summary>What <c>runtime_config.yaml</c> says: values by key (<c>logging.level</c>), each with its place.</summary>
internal sealed class SettingsFile
{
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>A value and where it stands (<c>path:line:column</c>).</summary>
    public sealed record Entry(string Place, string? Text, IReadOnlyList<string>? Items);

    /// <summary>The value of a key, or null.</summary>
    public Entry? Find(string key) => _entries.GetValueOrDefault(key);

    /// <summary>Reads a file; one that is not there says nothing.</summary>
    /// <param name="path">Where it is.</param>
    /// <param name="shownAs">What it is called in messages.</param>
    /// <param name="problems">What is wrong is added here.</param>
    /// <param name="warnings">What is odd is added here.</param>
    public static SettingsFile Read(string path, string shownAs, List<string> problems, List<string> warnings)
    {
        var file = new SettingsFile();
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception missing) when (missing is FileNotFoundException or DirectoryNotFoundException)
        {
            return file;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            problems.Add($"{shownAs}: it cannot be read ({unreadable.Message}). Make it readable for the user that runs onex, or remove it.");
            return file;
        }

        var yaml = new YamlStream();
        try
        {
            yaml.Load(new StringReader(text));
        }
        catch (YamlException broken)
        {
            problems.Add(
                $"{shownAs}:{broken.Start.Line}:{broken.Start.Column}: it is not YAML: {OneLine(broken.InnerException?.Message ?? broken.Message)} Correct it thereabouts.");
            return file;
        }

        if (yaml.Documents.Count > 1)
        {
            var second = yaml.Documents[1].RootNode.Start;
            problems.Add($"{shownAs}:{second.Line}:{second.Column}: there is a second document. Keep one, without '---' between.");
        }

        if (yaml.Documents is [{ RootNode: var root }, ..] && !IsNull(root))
        {
            file.ReadRoot(root, shownAs, problems, warnings);
        }

        return file;
    }

    private void ReadRoot(YamlNode root, string shownAs, List<string> problems, List<string> warnings)
    {
        if (root is not YamlMappingNode mapping)
        {
            problems.Add($"{Place(shownAs, root)}: the file is {Kind(root)}. Write 'key: value' lines (docs/configuration.md lists the keys).");
            return;
        }

        var keys = SettingsTable.All.Where(setting => setting.FileKey is not null).Select(setting => setting.FileKey!).ToList();
        var top = keys.Select(key => key.Split('.')[0]).Distinct(StringComparer.Ordinal).ToList();
        foreach (var (name, key, value) in Children(mapping))
        {
            var nested = keys.Where(k => k.StartsWith(name + ".", StringComparison.Ordinal)).Select(k => k[(name.Length + 1)..]).ToList();
            if (!top.Contains(name, StringComparer.Ordinal))
            {
                warnings.Add($"{Place(shownAs, key)}: '{name}' is not a setting and is ignored.{Meant(name, top)}");
            }
            else if (nested.Count == 0)
            {
                Add(name, value, shownAs, problems);
            }
            else if (value is YamlMappingNode section)
            {
                ReadSection(name, section, nested, shownAs, problems);
            }
            else if (!IsNull(value))
            {
                problems.Add($"{Place(shownAs, value)}: '{name}' is {Kind(value)}. Below it belong: {string.Join(", ", nested)}.");
            }
        }
    }

    private void ReadSection(string section, YamlMappingNode mapping, List<string> known, string shownAs, List<string> problems)
    {
        foreach (var (name, key, value) in Children(mapping))
        {
            if (known.Contains(name, StringComparer.Ordinal))
            {
                Add($"{section}.{name}", value, shownAs, problems);
            }
            else
            {
                problems.Add($"{Place(shownAs, key)}: '{section}.{name}' is not a setting.{Meant(name, known)} Settings here: {string.Join(", ", known)}.");
            }
        }
    }

    private void Add(string key, YamlNode value, string shownAs, List<string> problems)
    {
        if (IsNull(value))
        {
            return;
        }

        var isList = SettingsTable.All.First(setting => string.Equals(setting.FileKey, key, StringComparison.Ordinal)).Kind == SettingKind.List;
        switch (value)
        {
            case YamlScalarNode scalar when !isList:
                _entries[key] = new Entry(Place(shownAs, value), scalar.Value, null);
                break;
            case YamlSequenceNode list when isList && list.Children.All(item => item is YamlScalarNode { Value.Length: > 0 }):
                _entries[key] = new Entry(Place(shownAs, value), null, [.. list.Children.Select(item => ((YamlScalarNode)item).Value!)]);
                break;
            default:
                problems.Add($"{Place(shownAs, value)}: '{key}' is {Kind(value)}. Write {(isList ? "a list of names: [one, two]" : "a single value")}.");
                break;
        }
    }

    private static IEnumerable<(string Name, YamlNode Key, YamlNode Value)> Children(YamlMappingNode mapping) =>
        mapping.Children.Select(pair => ((pair.Key as YamlScalarNode)?.Value ?? pair.Key.ToString(), pair.Key, pair.Value));

    private static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain or ScalarStyle.Any, Value: null or "" or "~" or "null" };

    private static string Kind(YamlNode node) => node switch
    {
        YamlMappingNode => "a map",
        YamlSequenceNode => "a list",
        _ => "a single value",
    };

    private static string Place(string shownAs, YamlNode node) => $"{shownAs}:{node.Start.Line}:{node.Start.Column}";

    private static string Meant(string word, IEnumerable<string> known) => Spelling.Nearest(word, known) is { } near ? $" Did you mean '{near}'?" : "";

    private static string OneLine(string text) => text.ReplaceLineEndings(" ").TrimEnd('.', ' ') + ".";
}
