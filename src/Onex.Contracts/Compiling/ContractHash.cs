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
/// Identifies the content of a contract by its meaning. Comments, white space (also within expressions), quotes, <c>description</c>,
/// <c>examples</c> and the contract's own path are not part of it.
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

    /// <summary>SHA-256 in lower-case hex over the contract, and path and content of each file that it refers to.</summary>
    /// <param name="root">The contract.</param>
    /// <param name="references">The files, in order of path.</param>
    /// <param name="origins">The positions of its expressions.</param>
    public static string Compute(
        MapSyntax root, IEnumerable<ReferencedFile> references, IReadOnlyDictionary<Expression, (ScalarSyntax Scalar, int Start)> origins)
    {
        var hash = new ContractHash(origins);
        hash.Map(root.Entries.Where(entry => !_withoutMeaning.Contains(entry.Key.Text, StringComparer.Ordinal)));
        foreach (var file in references)
        {
            hash.Text(file.Path);
            hash.Node(file.Root!);
        }

        return Convert.ToHexStringLower(SHA256.HashData(hash._buffer.WrittenSpan));
    }

    private void Node(SyntaxNode node)
    {
        switch (node)
        {
            case MapSyntax map:
                Map(map.Entries);
                break;
            case Yaml.ListSyntax list:
                Tag('[');
                foreach (var item in list.Items)
                {
                    Node(item);
                }

                Tag(']');
                break;
            default:
                Scalar((ScalarSyntax)node);
                break;
        }
    }

    // Keeps the order of the file, because a step sends its arguments in that order.
    private void Map(IEnumerable<SyntaxEntry> entries)
    {
        Tag('{');
        foreach (var (key, value) in entries)
        {
            Text(key.Text);
            Node(value);
        }

        Tag('}');
    }

    // 1 and "1" differ; 'a' and a are the same.
    private void Scalar(ScalarSyntax scalar)
    {
        if (_expressions.TryGetValue(scalar, out var within))
        {
            Expressions(scalar, within);
            return;
        }

        Tag(scalar.IsNull ? 'n' : scalar.IsText ? 't' : 'v');
        Text(scalar.IsNull ? "" : scalar.Text);
    }

    // The text between expressions keeps its white space.
    private void Expressions(ScalarSyntax scalar, List<(int Start, string Text)> within)
    {
        Tag('x');
        var at = 0;
        foreach (var (start, text) in within.Distinct().OrderBy(expression => expression.Start))
        {
            Text(scalar.Text[at..start]);
            foreach (var token in new Lexer(text).ReadAll())
            {
                Tag((char)('A' + (int)token.Kind));
                Text(token.Bytes is { } bytes ? Convert.ToHexString(bytes) : token.Kind == TokenKind.Double ? Double(token.Text)
                    : token.Text);
            }

            at = start + text.Length;
        }

        Text(scalar.Text[at..]);
    }

    private static string Double(string text) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? number.ToString("R", CultureInfo.InvariantCulture) : text;

    private void Tag(char tag)
    {
        _buffer.GetSpan(1)[0] = (byte)tag;
        _buffer.Advance(1);
    }

    // Prefixes the length, so different contents never yield the same bytes.
    private void Text(string text)
    {
        var length = Encoding.UTF8.GetByteCount(text);
        BinaryPrimitives.WriteInt32LittleEndian(_buffer.GetSpan(sizeof(int)), length);
        _buffer.Advance(sizeof(int));
        _buffer.Advance(Encoding.UTF8.GetBytes(text, _buffer.GetSpan(length)));
    }
}
