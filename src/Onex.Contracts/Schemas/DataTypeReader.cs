using System.Collections.Immutable;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Schemas;

/// <summary>Reads types in the short form.</summary>
internal sealed class DataTypeReader(string path, SourceFile file, SchemaReader? schemas)
{
    // The `returns` of a step may be read early, for the types of expressions, and again with the step. It must be reported only once.
    private readonly Dictionary<SyntaxNode, DataType> _types = new(ReferenceEqualityComparer.Instance);

    /// <summary>Reads a type; <c>any</c> after reporting a diagnostic.</summary>
    public DataType Read(SyntaxNode node)
    {
        if (!_types.TryGetValue(node, out var type))
        {
            _types[node] = type = ReadNew(node);
        }

        return type;
    }

    private DataType ReadNew(SyntaxNode node)
    {
        switch (node)
        {
            case ScalarSyntax { IsNull: false } scalar:
                if (TryParse(scalar.Text, out var type, out var problem))
                {
                    return type;
                }

                file.Report(ContractDiagnostics.BadDataType(scalar.At, scalar.Text, problem));
                return DataType.Any;
            case MapSyntax map when map.Has("$ref") && schemas is null:
                file.Report(ContractDiagnostics.BadDataType(map.At, "{ $ref }", "a remote operation has no schemas in files of their own"));
                return DataType.Any;
            case MapSyntax map when map.Has("$ref"):
                return new DataType.Schema(schemas!.Read(new SchemaDocument(path, file, map)));
            case MapSyntax map:
                return new DataType.Fields([.. map.Entries.Select(entry => KeyValuePair.Create(entry.Key.Text, Read(entry.Value)))]);
            default:
                file.Report(ContractDiagnostics.BadDataType(node.At, node.Kind, "a type is a name or a map of fields"));
                return DataType.Any;
        }
    }

    /// <summary>Parses a type that is written as one string; false with the problem, as a clause.</summary>
    public static bool TryParse(string text, out DataType type, out string problem)
    {
        var parser = new TypeParser(text);
        type = parser.ParseAll() ?? DataType.Any;
        problem = parser.Problem ?? "";
        return parser.Problem is null;
    }

    /// <summary>Parses the type of an operation's result or argument from the catalogue.</summary>
    public static DataType Parse(string text) =>
        TryParse(text, out var type, out var problem)
            ? type
            : throw new InvalidOperationException($"The operation catalogue has the type '{text}': {problem}.");

    private sealed class TypeParser(string text)
    {
        private int _at;
        private int _depth;

        public string? Problem { get; private set; }

        public DataType? ParseAll()
        {
            var type = ParseType();
            return Problem is null && Peek() != '\0' ? Fail("something is left over at its end") : type;
        }

        private DataType? ParseType()
        {
            if (++_depth > Limits.TypeDepthMax)
            {
                return Fail("it is nested too deep");
            }

            var type = Peek() == '{' ? ParseFields() : ParseNamed();
            if (type is not null && Peek() == '?')
            {
                _at++;
                type = new DataType.Optional(type);
            }

            _depth--;
            return type;
        }

        private DataType? ParseNamed()
        {
            var name = ParseName();
            return name switch
            {
                "any" => DataType.Any,
                "string" => new DataType.Basic(CelKind.String),
                "bool" => new DataType.Basic(CelKind.Bool),
                "int" => new DataType.Basic(CelKind.Int),
                "double" => new DataType.Basic(CelKind.Double),
                "bytes" => new DataType.Basic(CelKind.Bytes),
                "timestamp" => new DataType.Basic(CelKind.Timestamp),
                "duration" => new DataType.Basic(CelKind.Duration),
                "list" => ParseInner() is { } item ? new DataType.ListOf(item) : null,
                "map" => ParseInner() is { } value ? new DataType.MapOf(value) : null,
                "" => Fail("the name of a type is missing"),
                _ => Fail(Spelling.Nearest(name,
                    ["any", "string", "bool", "int", "double", "bytes", "timestamp", "duration", "list", "map"]) is { } nearest
                    ? $"the nearest one is '{nearest}'"
                    : $"there is no type '{Spelling.Clip(name)}'"),
            };
        }

        private DataType? ParseInner()
        {
            if (!Take('('))
            {
                return Fail("'(' is missing: list(T), map(T)");
            }

            var inner = ParseType();
            return inner is null ? null : Take(')') ? inner : Fail("')' is missing");
        }

        private DataType? ParseFields()
        {
            var fields = ImmutableArray.CreateBuilder<KeyValuePair<string, DataType>>();
            Take('{');
            while (Peek() != '}')
            {
                var name = ParseName();
                if (name.Length == 0 || !Take(':'))
                {
                    return Fail("'field: T' is expected in braces");
                }

                if (ParseType() is not { } type)
                {
                    return null;
                }

                fields.Add(KeyValuePair.Create(name, type));
                if (!Take(',') && Peek() != '}')
                {
                    return Fail("'}' is missing");
                }
            }

            Take('}');
            return new DataType.Fields(fields.ToImmutable());
        }

        private string ParseName()
        {
            Peek();
            var start = _at;
            while (_at < text.Length && (char.IsAsciiLetterOrDigit(text[_at]) || text[_at] == '_'))
            {
                _at++;
            }

            return text[start.._at];
        }

        private bool Take(char expected)
        {
            if (Peek() != expected)
            {
                return false;
            }

            _at++;
            return true;
        }

        // Skips spaces. Returns the character after them, without advancing past it; '\0' at the end.
        private char Peek()
        {
            while (_at < text.Length && text[_at] == ' ')
            {
                _at++;
            }

            return _at < text.Length ? text[_at] : '\0';
        }

        private DataType? Fail(string problem)
        {
            Problem ??= problem;
            return null;
        }
    }
}
