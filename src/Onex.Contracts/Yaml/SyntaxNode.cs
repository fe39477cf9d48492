using System.Collections;
using System.Globalization;
using System.Text.RegularExpressions;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Text;

namespace Onex.Contracts.Yaml;

/// <summary>A YAML or JSON node with its position.</summary>
internal abstract class SyntaxNode(SourceSpan at)
{
    /// <summary>The position of the node, or of its start if it has several lines.</summary>
    public SourceSpan At { get; } = at;

    /// <summary>What it is, for a message: <c>a list</c>.</summary>
    public abstract string Kind { get; }

    /// <summary>Its value, as the equivalent JSON.</summary>
    public abstract CelValue ToValue();

    /// <summary>The node at a JSON pointer, or the last existing node on its path.</summary>
    public SyntaxNode Locate(string pointer)
    {
        var node = this;
        foreach (var segment in JsonPointer.Segments(pointer))
        {
            var next = node switch
            {
                MapSyntax map => map.Find(segment),
                ListSyntax list when int.TryParse(segment, CultureInfo.InvariantCulture, out var index) && index >= 0
                    && index < list.Items.Count => list.Items[index],
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

    /// <summary>Reports each number that fits neither a 64-bit integer nor a double, because it would be rounded or become text.</summary>
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
    /// <summary>On one line without quotes: may be a number, a bool or null.</summary>
    Plain,

    /// <summary>In quotes on one line without escapes, so offsets in the text are offsets in the file.</summary>
    Quoted,

    /// <summary>With escapes, on several lines or not of this file, so offsets in the text are not offsets in the file.</summary>
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

    /// <summary>Whether it is empty, <c>~</c> or <c>null</c>, without quotes.</summary>
    public bool IsNull => IsPlain && Text is ("" or "~" or "null" or "Null" or "NULL");

    /// <summary>Whether it is text: quoted, or neither null, a bool nor in the form of a number.</summary>
    public bool IsText => !IsPlain || (!IsNull && Bool is null && !NumberPattern().IsMatch(Text));

    /// <summary>Its value as a bool; null if it is none.</summary>
    public bool? Bool => !IsPlain ? null : Text switch
    {
        "true" or "True" or "TRUE" => true,
        "false" or "False" or "FALSE" => false,
        _ => null,
    };

    /// <summary>Its value as a 64-bit signed integer; null if it is none.</summary>
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
                return long.TryParse(Text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex) && hex >= 0
                    ? hex : null;
            }

            return long.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
        }
    }

    // Its value as a 64-bit unsigned integer; null if it is none.
    private ulong? Large =>
        IsPlain && ulong.TryParse(Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;

    /// <summary>Its value as a double; null if it is not a finite number.</summary>
    public double? Number =>
        Int is { } whole ? whole
        : IsPlain && NumberPattern().IsMatch(Text)
            && double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number
        : null;

    /// <summary>
    /// Whether it is a number that no value can hold: an integer of more than 64 bits, or any number outside the range of doubles.
    /// </summary>
    public bool IsUnfitNumber =>
        IsPlain && NumberPattern().IsMatch(Text) && Int is null && Large is null
            && (Number is null || !Text.AsSpan().ContainsAny('.', 'e', 'E'));

    public override string Kind =>
        IsNull ? "nothing" : Bool is not null ? "a bool" : Number is not null ? "a number" : "text";

    public override CelValue ToValue() =>
        IsNull ? CelValue.Null
        : Bool is { } truth ? CelValue.Bool(truth)
        : Int is { } whole ? CelValue.Int(whole)
        : Large is { } large ? CelValue.Uint(large)
        : Number is { } number ? CelValue.Double(number)
        : CelValue.String(Text);

    /// <summary>The position of a part of the text; that of the scalar if it cannot be determined.</summary>
    public SourceSpan Part(int start, int length) => Form switch
    {
        ScalarForm.Plain => new SourceSpan(At.Line, At.Column + start, Math.Max(1, length)),
        ScalarForm.Quoted => new SourceSpan(At.Line, At.Column + 1 + start, Math.Max(1, length)),
        _ => At,
    };

    [GeneratedRegex(@"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$|^0x[0-9a-fA-F]+$",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture)]
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

/// <summary>A map. Its keys are text and unique.</summary>
/// <param name="at">Its position.</param>
/// <param name="entries">Its entries in the order of the file.</param>
/// <param name="flow">Whether it is written in braces.</param>
internal sealed class MapSyntax(SourceSpan at, MapEntries entries, bool flow) : SyntaxNode(at)
{
    public IReadOnlyList<SyntaxEntry> Entries => entries;

    public bool IsFlow { get; } = flow;

    public override string Kind => "a map";

    /// <summary>
    /// Makes the values of misspelt keys available under the known keys that they resemble, unless the map has these. So the values are
    /// checked, and the known keys are not reported as missing.
    /// </summary>
    public void AliasMisspeltKeys(IReadOnlyList<string> known)
    {
        foreach (var (key, _) in entries)
        {
            if (!known.Contains(key.Text) && Spelling.Nearest(key.Text, known) is { } nearest)
            {
                entries.AddAlias(nearest, key.Text);
            }
        }
    }

    public SyntaxNode? Find(string key) => entries.IndexOf(key) is >= 0 and var index ? entries[index].Value : null;

    public bool Has(string key) => entries.IndexOf(key) >= 0;

    /// <summary>The position of an existing key.</summary>
    public SourceSpan KeyAt(string key) => entries[entries.IndexOf(key)].Key.At;

    public override CelValue ToValue() =>
        CelValue.Map(Entries.Select(entry => KeyValuePair.Create(entry.Key.Text, entry.Value.ToValue())).ToList());
}

/// <summary>
/// The entries of a map. Small maps are searched, larger ones indexed: an index of a few entries costs more than it saves.
/// </summary>
internal sealed class MapEntries : IReadOnlyList<SyntaxEntry>
{
    private const int SearchedMax = 8;

    private readonly List<SyntaxEntry> _entries = [];
    private Dictionary<string, int>? _byKey;
    private Dictionary<string, int>? _aliases;

    public int Count => _entries.Count;

    public SyntaxEntry this[int index] => _entries[index];

    /// <summary>Adds an entry; false if its key exists.</summary>
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
        else if (_entries.Count > SearchedMax)
        {
            _byKey = Enumerable.Range(0, _entries.Count).ToDictionary(index => _entries[index].Key.Text, StringComparer.Ordinal);
        }

        return true;
    }

    /// <summary>Makes the entry of a key available under an alias, unless the alias exists as a key.</summary>
    public void AddAlias(string alias, string key)
    {
        if (IndexOf(alias) < 0)
        {
            (_aliases ??= new(StringComparer.Ordinal)).TryAdd(alias, IndexOf(key));
        }
    }

    /// <summary>The index of the entry with the key or alias; -1 if there is none.</summary>
    public int IndexOf(string key) => Find(key) is >= 0 and var found ? found : _aliases?.GetValueOrDefault(key, -1) ?? -1;

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
