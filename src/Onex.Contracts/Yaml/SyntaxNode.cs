using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Text;

namespace Onex.Contracts.Yaml;

/// <summary>A piece of YAML or JSON with its place.</summary>
internal abstract class SyntaxNode(SourceSpan at)
{
    /// <summary>The piece itself; of one over several lines, its beginning.</summary>
    public SourceSpan At { get; } = at;

    /// <summary>What it is, in a sentence: <c>a list</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Its value as data: as the JSON that it stands for.</summary>
    public abstract CelValue ToValue();

    /// <summary>What a JSON pointer leads to, as far as it leads: what is missing is missing from the last map that is there.</summary>
    public SyntaxNode Locate(string pointer)
    {
        var node = this;
        foreach (var segment in JsonPointer.Segments(pointer))
        {
            var next = node switch
            {
                MapSyntax map => map.Find(segment),
                ListSyntax list when int.TryParse(segment, CultureInfo.InvariantCulture, out var index) && index >= 0 && index < list.Items.Count => list.Items[index],
                _ => null,
            };
            if (next is null)
            {
                return node;
            }

            node = next;
        }

        return node;
    }

    /// <summary>Reports every number that fits neither a 64-bit integer nor a double: it would be rounded, or become text.</summary>
    public void ReportUnfitNumbers(SourceFile file)
    {
        switch (this)
        {
            case ScalarSyntax { IsUnfitNumber: true } scalar:
                file.Report(ContractDiagnostics.UnfitNumber(scalar.At, scalar.Text));
                break;
            case ListSyntax list:
                foreach (var item in list.Items)
                {
                    item.ReportUnfitNumbers(file);
                }

                break;
            case MapSyntax map:
                foreach (var (_, value) in map.Entries)
                {
                    value.ReportUnfitNumbers(file);
                }

                break;
        }
    }
}

/// <summary>How a scalar is written.</summary>
internal enum ScalarForm
{
    /// <summary>Without quotes: may be a number, a bool or null.</summary>
    Plain,

    /// <summary>In quotes on one line without escapes, so that its characters stand where they seem to.</summary>
    Quoted,

    /// <summary>Text whose characters' places are not those of the file: escapes, several lines.</summary>
    Other,
}

/// <summary>Text, a number, a bool or null.</summary>
internal sealed partial class ScalarSyntax(SourceSpan at, string text, ScalarForm form, bool plain) : SyntaxNode(at)
{
    /// <summary>The text, without quotes.</summary>
    public string Text { get; } = text;

    /// <summary>Whether it is written without quotes.</summary>
    public bool IsPlain { get; } = plain;

    public ScalarForm Form { get; } = form;

    /// <summary>Whether it is nothing at all, or <c>null</c>.</summary>
    public bool IsNull => IsPlain && Text is ("" or "~" or "null" or "Null" or "NULL");

    /// <summary>Whether it is text: quoted, or not to be read as anything else.</summary>
    public bool IsText => !IsPlain || (!IsNull && Bool is null && !NumberPattern().IsMatch(Text));

    /// <summary>Its truth value, or null if it has none.</summary>
    public bool? Bool => !IsPlain ? null : Text switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => null,
    };

    /// <summary>Its whole number, or null.</summary>
    public long? Int
    {
        get
        {
            if (!IsPlain)
            {
                return null;
            }

            if (Text.StartsWith("0x", StringComparison.Ordinal))
            {
                return long.TryParse(Text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) && hex >= 0 ? hex : null;
            }

            return long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
        }
    }

    // A whole number that only an unsigned one can be, as JSON is read.
    private ulong? Large => IsPlain && ulong.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Its number, or null.</summary>
    public double? Number =>
        Int is { } whole ? whole
        : IsPlain && NumberPattern().IsMatch(Text)
            && double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number
        : null;

    /// <summary>Whether it is a number that no value can be: a whole one of more than 64 bits, or one beyond doubles.</summary>
    public bool IsUnfitNumber =>
        IsPlain && NumberPattern().IsMatch(Text) && Int is null && Large is null && (Number is null || !Text.AsSpan().ContainsAny('.', 'e', 'E'));

    public override string Kind =>
        IsNull ? "nothing" : Bool is not null ? "a bool" : Number is not null ? "a number" : "text";

    public override CelValue ToValue() =>
        IsNull ? CelValue.Null
        : Bool is { } truth ? CelValue.Bool(truth)
        : Int is { } whole ? CelValue.Int(whole)
        : Large is { } large ? CelValue.Uint(large)
        : Number is { } number ? CelValue.Double(number)
        : CelValue.String(Text);

    /// <summary>The place of a part of the text; the scalar's beginning where that cannot be told.</summary>
    public SourceSpan Part(int start, int length) => Form switch
    {
        ScalarForm.Plain => new SourceSpan(At.Line, At.Column + start, Math.Max(1, length)),
        ScalarForm.Quoted => new SourceSpan(At.Line, At.Column + 1 + start, Math.Max(1, length)),
        _ => At,
    };

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^0x[0-9a-fA-F]+$", RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
    private static partial Regex NumberPattern();
}

/// <summary>A list.</summary>
internal sealed class ListSyntax(SourceSpan at, IReadOnlyList<SyntaxNode> items) : SyntaxNode(at)
{
    public IReadOnlyList<SyntaxNode> Items { get; } = items;

    public override string Kind => "a list";

    public override CelValue ToValue() => CelValue.List([.. Items.Select(item => item.ToValue())]);
}

/// <summary>A key and its value.</summary>
internal readonly record struct SyntaxEntry(ScalarSyntax Key, SyntaxNode Value);

/// <summary>A map. Its keys are text, each there once.</summary>
/// <param name="at">Its place.</param>
/// <param name="entries">In the order of the file.</param>
/// <param name="flow">Whether it is written in braces.</param>
internal sealed class MapSyntax(SourceSpan at, MapEntries entries, bool flow) : SyntaxNode(at)
{
    public IReadOnlyList<SyntaxEntry> Entries => entries;

    public bool IsFlow { get; } = flow;

    public override string Kind => "a map";

    /// <summary>
    /// Finds from then on the value of a misspelt key by the one of these that was meant, unless that is there itself: what depends on it is
    /// checked all the same, and nothing is missed.
    /// </summary>
    public void ReadAs(IReadOnlyList<string> known)
    {
        foreach (var (key, _) in entries)
        {
            if (!known.Contains(key.Text) && Spelling.Nearest(key.Text, known) is { } meant)
            {
                entries.ReadAs(key.Text, meant);
            }
        }
    }

    public SyntaxNode? Find(string key) => entries.IndexOf(key) is >= 0 and var index ? entries[index].Value : null;

    public bool Has(string key) => entries.IndexOf(key) >= 0;

    /// <summary>The place of a key that is there.</summary>
    public SourceSpan KeyAt(string key) => entries[entries.IndexOf(key)].Key.At;

    public override CelValue ToValue() =>
        CelValue.Map(Entries.Select(entry => KeyValuePair.Create(entry.Key.Text, entry.Value.ToValue())).ToList());
}

/// <summary>The entries of a map as they are read, found by their keys. Most maps have a few: a table of those would cost more than it saves.</summary>
internal sealed class MapEntries : IReadOnlyList<SyntaxEntry>
{
    private const int Few = 8;

    private readonly List<SyntaxEntry> _entries = [];
    private Dictionary<string, int>? _byKey;
    private Dictionary<string, int>? _readAs;

    public int Count => _entries.Count;

    public SyntaxEntry this[int index] => _entries[index];

    /// <summary>Adds it; false if its key is there already.</summary>
    public bool TryAdd(SyntaxEntry entry)
    {
        if (IndexOf(entry.Key.Text) >= 0)
        {
            return false;
        }

        _entries.Add(entry);
        if (_byKey is not null)
        {
            _byKey.Add(entry.Key.Text, _entries.Count - 1);
        }
        else if (_entries.Count > Few)
        {
            _byKey = Enumerable.Range(0, _entries.Count).ToDictionary(index => _entries[index].Key.Text, StringComparer.Ordinal);
        }

        return true;
    }

    /// <summary>Finds an entry by another key, too, if nothing is found by that.</summary>
    public void ReadAs(string known, string other)
    {
        if (IndexOf(other) < 0)
        {
            (_readAs ??= new(StringComparer.Ordinal)).TryAdd(other, IndexOf(known));
        }
    }

    /// <summary>Where the key is; -1 if it is not there.</summary>
    public int IndexOf(string key) => Find(key) is >= 0 and var found ? found : _readAs?.GetValueOrDefault(key, -1) ?? -1;

    private int Find(string key)
    {
        if (_byKey is not null)
        {
            return _byKey.TryGetValue(key, out var known) ? known : -1;
        }

        for (var index = 0; index < _entries.Count; index++)
        {
            if (_entries[index].Key.Text == key)
            {
                return index;
            }
        }

        return -1;
    }

    public IEnumerator<SyntaxEntry> GetEnumerator() => _entries.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
