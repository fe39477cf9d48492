using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Parsing;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;
using MapSyntax = Onex.Contracts.Yaml.MapSyntax;

namespace Onex.Contracts.Compiling;

/// <summary>
/// Identifies a contract by the meaning of its content. Comments, white space (also within expressions), the style of quotes,
/// the contract's <c>description</c>, <c>examples</c> and path do not change the hash.
/// </summary>
internal sealed class ContractHash
{
    private static readonly string[] _withoutMeaning = ["description", "examples"];

    private readonly ArrayBufferWriter<byte> _buffer = new(4096);
    private readonly Dictionary<ScalarSyntax, List<(int Start, string Text)>> _expressions = [];

    private ContractHash(IReadOnlyDictionary<Expression, (ScalarSyntax Scalar, int Start)> origins)
    {
        foreach (var (expression, (scalar, start)) in origins)
        {
            if (!_expressions.TryGetValue(scalar, out var within))
            {
                _expressions[scalar] = within = [];
            }

            within.Add((start, expression.Text));
        }
    }

    /// <summary>
    /// SHA-256 in lower-case hex over the contract, and path and content of each file of <c>references</c> in that order.
    /// </summary>
    public static string Compute(
        MapSyntax root, IEnumerable<ReferencedFile> references, IReadOnlyDictionary<Expression, (ScalarSyntax Scalar, int Start)> origins)
    {
        var hash = new ContractHash(origins);
        hash.AddMap(root.Entries.Where(entry => !_withoutMeaning.Contains(entry.Key.Text, StringComparer.Ordinal)));
        foreach (var file in references)
        {
            hash.AddText(file.Path);
            hash.AddNode(file.Root!);
        }

        return Convert.ToHexStringLower(SHA256.HashData(hash._buffer.WrittenSpan));
    }

    private void AddNode(SyntaxNode node)
    {
        switch (node)
        {
            case MapSyntax map:
                AddMap(map.Entries);
                break;
            case Yaml.ListSyntax list:
                AddTag('[');
                foreach (var item in list.Items)
                {
                    AddNode(item);
                }

                AddTag(']');
                break;
            default:
                AddScalar((ScalarSyntax)node);
                break;
        }
    }

    // The order of the keys counts, because a step sends its arguments in that order.
    private void AddMap(IEnumerable<SyntaxEntry> entries)
    {
        AddTag('{');
        foreach (var (key, value) in entries)
        {
            AddText(key.Text);
            AddNode(value);
        }

        AddTag('}');
    }

    // The number 1 and the text "1" differ; 'a' and a are the same text.
    private void AddScalar(ScalarSyntax scalar)
    {
        if (_expressions.TryGetValue(scalar, out var within))
        {
            AddExpressions(scalar, within);
            return;
        }

        AddTag(scalar.IsNull ? 'n' : scalar.IsText ? 't' : 'v');
        AddText(scalar.IsNull ? "" : scalar.Text);
    }

    // The text between expressions keeps its white space.
    private void AddExpressions(ScalarSyntax scalar, List<(int Start, string Text)> within)
    {
        AddTag('x');
        var at = 0;
        foreach (var (start, text) in within.Distinct().OrderBy(expression => expression.Start))
        {
            AddText(scalar.Text[at..start]);
            foreach (var token in new Lexer(text).ReadAll())
            {
                AddTag((char)('A' + (int)token.Kind));
                AddText(token.Bytes is { } bytes ? Convert.ToHexString(bytes)
                    : token.Kind == TokenKind.Double ? CanonicalDouble(token.Text)
                    : token.Text);
            }

            at = start + text.Length;
        }

        AddText(scalar.Text[at..]);
    }

    private static string CanonicalDouble(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number.ToString("R", CultureInfo.InvariantCulture) : text;

    private void AddTag(char tag)
    {
        _buffer.GetSpan(1)[0] = (byte)tag;
        _buffer.Advance(1);
    }

    // Writes the length first, so that two texts in a row cannot yield the same bytes as two other texts.
    private void AddText(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(sizeof(int)), length);
        _buffer.Advance(sizeof(int));
        _buffer.Advance(Encoding.UTF8.GetBytes(text, _buffer.GetSpan(length)));
    }
}
