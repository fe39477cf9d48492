using System.Text;
using System.Text.Json;
using Onex.Contracts.Diagnostics;

namespace Onex.Contracts.Yaml;

/// <summary>Reads JSON into the same tree as YAML. The YAML scanner does not accept all of JSON, such as tabs.</summary>
internal static class JsonReader
{
    /// <summary>Parses the file; null after reporting a syntax error. Never throws.</summary>
    /// <param name="file">The file.</param>
    /// <param name="depthMax">The maximum nesting depth.</param>
    public static SyntaxNode? Read(SourceFile file, int depthMax)
    {
        var utf8 = Encoding.UTF8.GetBytes(file.Text);
        var positions = new Positions(utf8);
        var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = depthMax });
        try
        {
            reader.Read();
            var root = ReadNode(file, ref reader, positions);
            reader.Read();
            return root;
        }
        catch (JsonException failure)
        {
            var at = new SourceSpan((int)(failure.LineNumber ?? 0) + 1,
                positions.ColumnInLine(failure.LineNumber ?? 0, failure.BytePositionInLine ?? 0), 1);
            file.Report(reader.CurrentDepth >= depthMax
                ? ContractDiagnostics.TooDeep(at, depthMax)
                : ContractDiagnostics.YamlSyntax(at, "it is not JSON"));
            return null;
        }
        catch (InvalidOperationException)
        {
            // The reader throws this for text with an unpaired surrogate.
            file.Report(ContractDiagnostics.YamlSyntax(positions.At(reader.TokenStartIndex, 1), "it holds text that is not Unicode"));
            return null;
        }
    }

    private static SyntaxNode ReadNode(SourceFile file, ref Utf8JsonReader reader, Positions positions)
    {
        var start = reader.TokenStartIndex;
        switch (reader.TokenType)
        {
            case JsonTokenType.StartArray:
                var at = positions.At(start, 1);
                var items = new List<SyntaxNode>();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    items.Add(ReadNode(file, ref reader, positions));
                }

                return new ListSyntax(at, items);
            case JsonTokenType.StartObject:
                return ReadMap(file, ref reader, positions);
            case JsonTokenType.String:
                return ReadText(ref reader, positions);
            default:
                var plain = Encoding.UTF8.GetString(reader.ValueSpan);
                return new ScalarSyntax(positions.At(start, reader.ValueSpan.Length), plain, ScalarForm.Plain, plain: true);
        }
    }

    private static MapSyntax ReadMap(SourceFile file, ref Utf8JsonReader reader, Positions positions)
    {
        var at = positions.At(reader.TokenStartIndex, 1);
        var entries = new MapEntries();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var key = ReadText(ref reader, positions);
            reader.Read();
            var value = ReadNode(file, ref reader, positions);
            if (!entries.TryAdd(new SyntaxEntry(key, value)))
            {
                file.Report(ContractDiagnostics.DuplicateKey(key.At, key.Text));
            }
        }

        return new MapSyntax(at, entries, flow: true);
    }

    private static ScalarSyntax ReadText(ref Utf8JsonReader reader, Positions positions)
    {
        var text = reader.GetString()!;
        var at = positions.At(reader.TokenStartIndex, reader.ValueSpan.Length + 2);
        return new ScalarSyntax(at, text, reader.ValueIsEscaped ? ScalarForm.Other : ScalarForm.Quoted, plain: false);
    }

    // Converts byte offsets into lines and columns. Offsets must ascend, so that each byte is read only once.
    private sealed class Positions(byte[] utf8)
    {
        private int _line = 1;
        private int _column = 1;
        private long _offset;

        public SourceSpan At(long offset, int bytes)
        {
            GoTo(offset);
            return new SourceSpan(_line, _column, Math.Max(1, Encoding.UTF8.GetCharCount(utf8, (int)offset, bytes)));
        }

        public int ColumnInLine(long line, long bytes)
        {
            var start = 0;
            for (; start < utf8.Length && line > 0; start++)
            {
                line -= utf8[start] == (byte)'\n' ? 1 : 0;
            }

            return Encoding.UTF8.GetCharCount(utf8, start, (int)Math.Min(utf8.Length - start, bytes)) + 1;
        }

        private void GoTo(long offset)
        {
            for (; _offset < offset; _offset++)
            {
                var next = utf8[_offset];
                if (next == (byte)'\n')
                {
                    (_line, _column) = (_line + 1, 1);
                }
                else if ((next & 0xC0) != 0x80)
                {
                    // The first byte of a character. A character of four bytes has two UTF-16 units.
                    _column += next >= 0xF0 ? 2 : 1;
                }
            }
        }
    }
}
