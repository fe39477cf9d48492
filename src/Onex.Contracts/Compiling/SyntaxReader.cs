using Onex.Contracts.Diagnostics;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Compiling;

/// <summary>Reads syntax nodes as maps, lists, text and durations, and reports nodes that are something else.</summary>
/// <param name="file">The file.</param>
/// <param name="isRegistered">Whether the contract was accepted before. Then rules that were added later do not apply to it.</param>
internal class SyntaxReader(SourceFile file, bool isRegistered)
{
    public SourceFile File { get; } = file;

    /// <summary>Whether the file uses a feature that this version lacks. Then checks of the whole contract would mislead.</summary>
    public bool UsesUnsupported { get; private set; }

    public void Report(DiagnosticDraft draft)
    {
        // A newer rule must not stop the sagas of an older contract.
        if (!isRegistered || !ContractDiagnostics.IsLaterRule(draft.Code))
        {
            File.Report(draft);
        }
    }

    public void ReportUnsupported(SourceSpan at, string what)
    {
        UsesUnsupported = true;
        File.Report(ContractDiagnostics.NotSupportedYet(at, what));
    }

    /// <summary>
    /// Reports keys that a map may not have. A misspelt key is then read as the key that it resembles, so that its value is checked too and
    /// that key is not reported as missing.
    /// </summary>
    public void CheckKeys(MapSyntax map, Keys keys)
    {
        foreach (var (key, _) in map.Entries)
        {
            if (File.IsFull)
            {
                return;
            }

            if (keys.Unsupported.Contains(key.Text))
            {
                ReportUnsupported(key.At, key.Text);
            }
            else if (!keys.Known.Contains(key.Text))
            {
                Report(ContractDiagnostics.UnknownKey(key.At, keys.Where, key.Text, keys.Known));
            }
        }

        map.AliasMisspeltKeys(keys.Known);
    }

    public MapSyntax? Map(SyntaxNode? node, string what) => Expect<MapSyntax>(node, what, "a map");

    public ListSyntax? List(SyntaxNode? node, string what) => Expect<ListSyntax>(node, what, "a list");

    /// <summary>Text that is not empty; null without a node, or after reporting another value.</summary>
    public ScalarSyntax? Text(SyntaxNode? node, string what)
    {
        if (node is null or ScalarSyntax { IsText: true, Text.Length: > 0 })
        {
            return node as ScalarSyntax;
        }

        Report(ContractDiagnostics.WrongType(node.At, what, "text", node is ScalarSyntax { IsText: true } ? "nothing" : node.Kind));
        return null;
    }

    /// <summary>Text that is a literal name; warns of <c>${...}</c> in it, which is not evaluated.</summary>
    public ScalarSyntax? Name(SyntaxNode? node, string what)
    {
        var name = Text(node, what);
        if (name?.Text.Contains("${", StringComparison.Ordinal) == true)
        {
            Report(ContractDiagnostics.NameNotEvaluated(name.At, what));
        }

        return name;
    }

    /// <summary>A duration above zero; null without a node, or after reporting another value.</summary>
    public TimeSpan? Duration(SyntaxNode? node)
    {
        if (node is null)
        {
            return null;
        }

        if (node is ScalarSyntax scalar && Durations.TryParse(scalar.Text, out var duration) && duration > TimeSpan.Zero)
        {
            return duration;
        }

        Report(ContractDiagnostics.BadDuration(node.At, (node as ScalarSyntax)?.Text ?? node.Kind));
        return null;
    }

    private T? Expect<T>(SyntaxNode? node, string what, string expected)
        where T : SyntaxNode
    {
        if (node is null or T)
        {
            return node as T;
        }

        // `key:value` without a space is a text in YAML.
        Report(
            typeof(T) == typeof(MapSyntax) && node is ScalarSyntax { Form: ScalarForm.Plain } scalar
                && BareExpression.FindColonWithoutSpace(scalar.Text) is var (_, key, value) && key is not null
                ? ContractDiagnostics.ColonWithoutSpace(node.At, scalar.Text, $"{key}: {value}")
                : ContractDiagnostics.WrongType(node.At, what, expected, node.Kind));
        return null;
    }
}
