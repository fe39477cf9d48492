using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Expressions.Patterns;
using Onex.Contracts.Text;
using Onex.Contracts.Yaml;

namespace Onex.Contracts.Schemas;

/// <summary>A document from which the references of a schema are resolved.</summary>
/// <param name="Path">The file, relative to the contracts directory.</param>
/// <param name="File">Its text.</param>
/// <param name="Root">The node that <c>#</c> refers to.</param>
internal sealed record SchemaDocument(string Path, SourceFile File, SyntaxNode Root);

/// <summary>Compiles JSON Schemas. Follows references with a queue and not by recursion, which a long chain would make too deep.</summary>
/// <param name="references">The documents that references lead to.</param>
/// <param name="isRegistered">Whether the contract was accepted before. Then its patterns may have syntax that ECMA-262 lacks.</param>
internal sealed class SchemaReader(References references, bool isRegistered = false)
{
    /// <summary>The supported keywords.</summary>
    public static IEnumerable<string> Keywords => _keywords.Keys;

    private static readonly Dictionary<string, Action<Rule>> _keywords = new(StringComparer.Ordinal)
    {
        ["$comment"] = _ => { },
        ["$defs"] = rule => rule.Children(_ => { }),
        ["$id"] = _ => { },
        ["$ref"] = rule => rule.Reader.ResolveReference(rule),
        ["$schema"] = _ => { },
        ["additionalProperties"] = rule => rule.Node.AdditionalProperties = rule.Child(rule.Value),
        ["allOf"] = rule => rule.Node.AllOf = rule.List(),
        ["anyOf"] = rule => rule.Node.AnyOf = rule.List(),
        ["contains"] = rule => rule.Node.Contains = rule.Child(rule.Value),
        ["const"] = rule => rule.Node.Const = rule.Value.ToValue(),
        ["default"] = _ => { },
        ["dependentRequired"] = rule => rule.Node.DependentRequired = rule.NamesByName(),
        ["dependentSchemas"] = rule =>
        {
            rule.Node.DependentSchemas = new Dictionary<string, SchemaNode>(StringComparer.Ordinal);
            rule.Children(entry => rule.Node.DependentSchemas[entry.Name] = entry.Node);
        },
        ["deprecated"] = _ => { },
        ["description"] = _ => { },
        ["else"] = rule => rule.Node.Else = rule.Child(rule.Value),
        ["enum"] = rule => rule.Node.Enum = rule.Values(),
        ["examples"] = _ => { },
        ["exclusiveMaximum"] = rule => rule.Node.ExclusiveMaximum = rule.Number(),
        ["exclusiveMinimum"] = rule => rule.Node.ExclusiveMinimum = rule.Number(),
        ["format"] = rule => rule.Node.Format = rule.Text(),
        ["if"] = rule => rule.Node.If = rule.Child(rule.Value),
        ["items"] = rule => rule.Node.Items = rule.Child(rule.Value),
        ["maxContains"] = rule => rule.Node.MaxContains = rule.Count(),
        ["maxItems"] = rule => rule.Node.MaxItems = rule.Count(),
        ["maxLength"] = rule => rule.Node.MaxLength = rule.Count(),
        ["maxProperties"] = rule => rule.Node.MaxProperties = rule.Count(),
        ["maximum"] = rule => rule.Node.Maximum = rule.Number(),
        ["minContains"] = rule => rule.Node.MinContains = rule.Count(),
        ["minItems"] = rule => rule.Node.MinItems = rule.Count(),
        ["minLength"] = rule => rule.Node.MinLength = rule.Count(),
        ["minProperties"] = rule => rule.Node.MinProperties = rule.Count(),
        ["minimum"] = rule => rule.Node.Minimum = rule.Number(),
        ["multipleOf"] = rule => rule.Node.MultipleOf = rule.Positive(),
        ["not"] = rule => rule.Node.Not = rule.Child(rule.Value),
        ["oneOf"] = rule => rule.Node.OneOf = rule.List(),
        ["pattern"] = rule =>
        {
            rule.Node.PatternText = rule.Text();
            rule.Node.Pattern = rule.Node.PatternText is { } pattern ? rule.Pattern(rule.Value, pattern) : null;
        },
        ["patternProperties"] = rule =>
        {
            var patterns = new List<(Pattern, SchemaNode)>();
            rule.Children(entry =>
            {
                if (rule.Pattern(entry.Key, entry.Name) is { } name)
                {
                    patterns.Add((name, entry.Node));
                }
            });
            rule.Node.PatternProperties = patterns;
        },
        ["prefixItems"] = rule => rule.Node.PrefixItems = rule.List(),
        ["properties"] = rule =>
        {
            rule.Node.Properties = new Dictionary<string, SchemaNode>(StringComparer.Ordinal);
            rule.Children(entry => rule.Node.Properties[entry.Name] = entry.Node);
        },
        ["propertyNames"] = rule => rule.Node.PropertyNames = rule.Child(rule.Value),
        ["readOnly"] = _ => { },
        ["required"] = rule => rule.Node.Required = rule.Names(),
        ["then"] = rule => rule.Node.Then = rule.Child(rule.Value),
        ["title"] = _ => { },
        ["type"] = rule => rule.Node.Types = rule.Types(),
        ["uniqueItems"] = rule => rule.Node.UniqueItems = rule.Bool(),
        ["writeOnly"] = _ => { },
    };

    private readonly bool _isRegistered = isRegistered;

    // Keyed by the identity of the syntax node, so a schema that is referenced twice, or by itself, is compiled once.
    private readonly Dictionary<SyntaxNode, SchemaNode> _compiled = new(ReferenceEqualityComparer.Instance);
    private readonly Queue<(SchemaDocument Document, SyntaxNode Syntax, SchemaNode Node)> _queue = new();

    /// <summary>Compiles the schema of a document; diagnostics go to the file that they are about.</summary>
    public JsonSchema Read(SchemaDocument document)
    {
        var root = GetOrEnqueue(document, document.Root);
        while (_queue.TryDequeue(out var next))
        {
            Fill(next.Document, next.Syntax, next.Node);
        }

        return new JsonSchema(root);
    }

    private SchemaNode GetOrEnqueue(SchemaDocument document, SyntaxNode syntax)
    {
        if (!_compiled.TryGetValue(syntax, out var node))
        {
            node = _compiled[syntax] = new SchemaNode();
            _queue.Enqueue((document, syntax, node));
        }

        return node;
    }

    private void Fill(SchemaDocument document, SyntaxNode syntax, SchemaNode node)
    {
        if (syntax is ScalarSyntax { Bool: { } always })
        {
            node.Never = !always;
            return;
        }

        if (syntax is not MapSyntax map)
        {
            document.File.Report(ContractDiagnostics.WrongType(syntax.At, "a schema", "a map, true or false", syntax.Kind));
            return;
        }

        foreach (var (key, value) in map.Entries)
        {
            if (_keywords.TryGetValue(key.Text, out var read))
            {
                read(new Rule(this, document, node, key, value));
            }
            else if (!document.File.IsFull)
            {
                document.File.Report(ContractDiagnostics.SchemaKeyword(key.At, key.Text, _keywords.Keys));
            }
        }
    }

    private void ResolveReference(Rule rule)
    {
        var reference = rule.Text();
        if (reference is null)
        {
            return;
        }

        var hash = reference.IndexOf('#', StringComparison.Ordinal);
        var path = hash < 0 ? reference : reference[..hash];
        var pointer = hash < 0 ? "" : Uri.UnescapeDataString(reference[(hash + 1)..]);
        var document = path.Length == 0 ? rule.Document : Open(rule, path, reference);
        if (document is null)
        {
            return;
        }

        if (Find(document.Root, pointer) is { } target)
        {
            rule.Node.Reference = GetOrEnqueue(document, target);
        }
        else
        {
            rule.Document.File.Report(
                ContractDiagnostics.ReferenceWrong(rule.Value.At, reference, $"there is nothing at '{Spelling.Clip(pointer)}'"));
        }
    }

    private SchemaDocument? Open(Rule rule, string path, string reference)
    {
        var file = references.Open(rule.Document.Path, path, out var problem);
        if (file is null)
        {
            rule.Document.File.Report(ContractDiagnostics.ReferenceWrong(rule.Value.At, reference, problem!));
        }

        return file?.Root is { } root ? new SchemaDocument(file.Path, file.File, root) : null;
    }

    private static SyntaxNode? Find(SyntaxNode root, string pointer)
    {
        if (pointer.Length == 0)
        {
            return root;
        }

        if (!pointer.StartsWith('/'))
        {
            return null;
        }

        SyntaxNode? node = root;
        foreach (var segment in JsonPointer.Segments(pointer))
        {
            node = node switch
            {
                MapSyntax map => map.Find(segment),
                ListSyntax list when int.TryParse(segment, out var index) && index >= 0 && index < list.Items.Count => list.Items[index],
                _ => null,
            };
        }

        return node;
    }

    /// <summary>A keyword and its value, with the methods that read it.</summary>
    private sealed record Rule(SchemaReader Reader, SchemaDocument Document, SchemaNode Node, ScalarSyntax Key, SyntaxNode Value)
    {
        public SchemaNode Child(SyntaxNode syntax) => Reader.GetOrEnqueue(Document, syntax);

        public void Children(Action<(SyntaxNode Key, string Name, SchemaNode Node)> add)
        {
            if (Value is not MapSyntax map)
            {
                ReportExpected("a map of schemas");
                return;
            }

            foreach (var (key, value) in map.Entries)
            {
                add((key, key.Text, Child(value)));
            }
        }

        public IReadOnlyList<SchemaNode> List()
        {
            if (Value is ListSyntax { Items.Count: > 0 } list)
            {
                return [.. list.Items.Select(Child)];
            }

            ReportExpected("a list of schemas, not empty");
            return [];
        }

        public IReadOnlyList<CelValue>? Values()
        {
            if (Value is ListSyntax list)
            {
                return [.. list.Items.Select(item => item.ToValue())];
            }

            ReportExpected("a list of values");
            return null;
        }

        public IReadOnlyList<string> Names() => Names(Value);

        public Dictionary<string, IReadOnlyList<string>> NamesByName()
        {
            var names = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
            foreach (var (key, value) in (Value as MapSyntax)?.Entries ?? [])
            {
                names[key.Text] = Names(value);
            }

            if (Value is not MapSyntax)
            {
                ReportExpected("a map of lists of names");
            }

            return names;
        }

        private IReadOnlyList<string> Names(SyntaxNode value)
        {
            if (value is ListSyntax list && list.Items.All(item => item is ScalarSyntax))
            {
                return [.. list.Items.Cast<ScalarSyntax>().Select(item => item.Text)];
            }

            ReportExpected("a list of names");
            return [];
        }

        public string? Text()
        {
            if (Value is ScalarSyntax { IsText: true } scalar)
            {
                return scalar.Text;
            }

            ReportExpected("text");
            return null;
        }

        public bool Bool()
        {
            if (Value is ScalarSyntax { Bool: { } truth })
            {
                return truth;
            }

            ReportExpected("true or false");
            return false;
        }

        public CelValue? Number()
        {
            if (Value is ScalarSyntax { Number: not null } number)
            {
                return number.ToValue();
            }

            ReportExpected("a number");
            return null;
        }

        public CelValue? Positive()
        {
            if (Value is ScalarSyntax { Number: > 0 } number)
            {
                return number.ToValue();
            }

            ReportExpected("a number above 0");
            return null;
        }

        public long? Count()
        {
            if (Value is ScalarSyntax { Number: >= 0 } number && Numbers.TryWhole(number.ToValue(), out var count))
            {
                return count;
            }

            ReportExpected("a whole number, 0 or more");
            return null;
        }

        /// <summary>A regular expression of ECMA-262.</summary>
        public Pattern? Pattern(SyntaxNode at, string pattern)
        {
            if (Expressions.Patterns.Pattern.CompileEcma(pattern, out var problem, isStrict: !Reader._isRegistered) is { } compiled)
            {
                return compiled;
            }

            Document.File.Report(
                ContractDiagnostics.SchemaWrong(at.At, Key.Text,
                $"a regular expression that can be run in linear time; here {problem!.TrimEnd('.')}"));
            return null;
        }

        public JsonTypes Types()
        {
            var names = Value is ListSyntax { Items.Count: > 0 } list ? list.Items : [Value];
            var types = JsonTypes.None;
            foreach (var name in names)
            {
                var type = (name as ScalarSyntax)?.Text switch
                {
                    "null" => JsonTypes.Null,
                    "boolean" => JsonTypes.Boolean,
                    "integer" => JsonTypes.Integer,
                    "number" => JsonTypes.Number,
                    "string" => JsonTypes.String,
                    "array" => JsonTypes.Array,
                    "object" => JsonTypes.Object,
                    _ => JsonTypes.None,
                };
                if (type == JsonTypes.None)
                {
                    Document.File.Report(ContractDiagnostics.SchemaWrong(
                        name.At, Key.Text, "null, boolean, integer, number, string, array, object, or a list of them"));
                }

                types |= type;
            }

            return types;
        }

        private void ReportExpected(string expected) => Document.File.Report(ContractDiagnostics.SchemaWrong(Value.At, Key.Text, expected));
    }
}
