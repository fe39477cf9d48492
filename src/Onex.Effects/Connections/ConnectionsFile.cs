using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Effects.Connections;

/// <summary>A file of connections: its text and its diagnostics, which show no secrets, not even those written into the file.</summary>
internal sealed partial class ConnectionsFile(string path, string text)
{
    // The keys whose values cannot be secrets.
    private static readonly FrozenSet<string> _shownKeys = FrozenSet.ToFrozenSet(
        [
            "type", "timeout", "retry", "attempts", "first", "factor", "max", "jitter", "within", "breaker", "ratio", "calls", "pause",
            "rate_limit", "permits", "per", "scope", "concurrency",
            "allow", "host", "port", "database", "sslmode", "datacenter", "namespace", "mount", "root",
            "ca_file", "client_certificate", "brokers", "http_version", "redirects", "security_protocol", "sasl_mechanism",
        ],
        StringComparer.Ordinal);

    /// <summary>The file as source of the YAML reader.</summary>
    public SourceFile Source { get; } = new(path, text, Mask);

    public string Path => Source.Path;

    public int ProblemCount => Source.Reported.Count;

    /// <summary>Further files that its connections are read from: certificates.</summary>
    public List<string> OtherFiles { get; } = [];

    public void Report(DiagnosticDraft draft) => Source.Report(draft);

    /// <summary>Returns the entries of a map; reports other nodes, and unknown keys unless all are allowed.</summary>
    public IReadOnlyList<SyntaxEntry> ReadEntries(SyntaxNode node, IReadOnlyList<string>? known, string what)
    {
        if (node is not MapSyntax map)
        {
            Report(ContractDiagnostics.WrongType(node.At, what, "a map", node.Kind));
            return [];
        }

        foreach (var (key, _) in map.Entries.Where(entry => known is not null && !known.Contains(entry.Key.Text)))
        {
            Report(ContractDiagnostics.UnknownKey(key.At, what, key.Text, known!));
        }

        map.AliasMisspeltKeys(known ?? []);
        return known is null ? map.Entries : [.. map.Entries.Where(entry => known.Contains(entry.Key.Text))];
    }

    /// <summary>Returns a single value as it is written; null after reporting anything else.</summary>
    public string? ReadText(SyntaxNode node, string what)
    {
        if (node is ScalarSyntax scalar && (scalar.Text.Length > 0 || !scalar.IsPlain))
        {
            return scalar.Text;
        }

        Report(ContractDiagnostics.WrongType(node.At, what, "a single value", node.Kind));
        return null;
    }

    public int? ReadInteger(SyntaxNode node, ConnectionKey key) =>
        ReadInteger(node, key.Name, (int)key.Numbers!.Value.Min, (int)key.Numbers.Value.Max);

    public int? ReadInteger(SyntaxNode node, string what, int min, int max)
    {
        if (ReadText(node, $"'{what}'") is not { } number)
        {
            return null;
        }

        if (int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var whole) && whole >= min && whole <= max)
        {
            return whole;
        }

        Report(
            ContractDiagnostics.OutOfRange(
                node.At, what, string.Create(CultureInfo.InvariantCulture, $"a whole number from {min} to {max}")));
        return null;
    }

    public double? ReadNumber(SyntaxNode node, ConnectionKey key)
    {
        var (min, max) = key.Numbers!.Value;
        if (ReadText(node, $"'{key.Name}'") is not { } number)
        {
            return null;
        }

        if (double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value)
            && value >= min && value <= max)
        {
            return value;
        }

        Report(
            ContractDiagnostics.OutOfRange(
                node.At, key.Name, string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}")));
        return null;
    }

    public TimeSpan? ReadDuration(SyntaxNode node, ConnectionKey key)
    {
        var (min, max) = key.Durations!.Value;
        if (ReadText(node, $"'{key.Name}'") is not { } length)
        {
            return null;
        }

        if (!Durations.TryParse(length, out var duration))
        {
            Report(ContractDiagnostics.BadDuration(node.At, length));
            return null;
        }

        if (duration < min || duration > max)
        {
            Report(ContractDiagnostics.OutOfRange(node.At, key.Name, $"from {key.Bounds}"));
            return null;
        }

        return duration;
    }

    // Shows keys, punctuation, references to secrets, values of harmless keys, and the scheme and host of addresses.
    internal static string Mask(string line)
    {
        var masked = new StringBuilder(line.Length);
        var (at, key) = (0, "");
        foreach (Match found in KeyPattern().Matches(line))
        {
            var name = found.Groups["key"];
            Append(masked, key, line[at..name.Index]);
            masked.Append(line, name.Index, name.Length);
            (at, key) = (name.Index + name.Length, name.Value.Trim('"', '\''));
        }

        Append(masked, key, line[at..]);
        return masked.ToString();
    }

    private static void Append(StringBuilder masked, string key, string value)
    {
        if (_shownKeys.Contains(key))
        {
            masked.Append(value);
            return;
        }

        var shown = new bool[value.Length];
        foreach (Match match in ReferencePattern().Matches(value))
        {
            Array.Fill(shown, true, match.Index, match.Length);
        }

        if (key == "url" && AddressPattern().Match(value) is { Success: true } address)
        {
            foreach (var part in (ReadOnlySpan<string>)["scheme", "host"])
            {
                Array.Fill(shown, true, address.Groups[part].Index, address.Groups[part].Length);
            }
        }

        for (var index = 0; index < value.Length; index++)
        {
            var isPunctuation = char.IsWhiteSpace(value[index]) || value[index] is '{' or '}' or '[' or ']' or ',' or '"' or '\''
                || (value[index] == ':' && index == 0 && key.Length > 0);
            masked.Append(shown[index] || isPunctuation ? value[index] : '*');
        }
    }

    // A key at the beginning of a line, or of an entry in braces.
    [GeneratedRegex(
        """(?:^[\s-]*|(?<!\$)[{,]\s*)(?<key>[A-Za-z_][A-Za-z0-9_.-]*|"[^"]*"|'[^']*')(?=\s*:)""",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex KeyPattern();

    [GeneratedRegex("""\$\{secret:[^}]{0,100}\}""", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ReferencePattern();

    [GeneratedRegex(
        """(?<scheme>[a-z]+://)([^/?#@"'\s]*@)?(?<host>[^/?#@"'\s,}]*)(?![^\s"',}]*@)""",
        RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex AddressPattern();
}
