using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Schemas;
using Onex.Operations;

namespace Onex.Contracts.Compiling;

/// <summary>
/// Creates the JSON Schemas (2020-12) of contracts and remote operations for editors, from the tables of the compiler and the catalogue of
/// operations. The compiler rejects everything that a schema rejects, and more.
/// </summary>
internal sealed class EditorSchema
{
    private static readonly JsonSerializerOptions _indented = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    private readonly OperationCatalogue _operations;
    private readonly SortedDictionary<string, JsonNode> _definitions = new(StringComparer.Ordinal);

    private EditorSchema(OperationCatalogue operations) => _operations = operations;

    /// <summary>The schema's text for contracts.</summary>
    public static string Write(OperationCatalogue operations)
    {
        var schema = new EditorSchema(operations);
        var root = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "A contract of Onex",
        };
        schema.Fill(root, Keys.Contract);
        root["$defs"] = new JsonObject(schema._definitions.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value)));
        return root.ToJsonString(_indented) + "\n";
    }

    /// <summary>The schema's text for files that declare remote operations.</summary>
    public static string WriteRemoteOperations()
    {
        var schema = new EditorSchema(new OperationCatalogue([]));
        var root = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = "A file of remote operations of Onex",
        };
        schema.Fill(root, RemoteOperationKeys.File);
        root["$defs"] = new JsonObject(schema._definitions.Select(entry => KeyValuePair.Create(entry.Key, (JsonNode?)entry.Value)));
        return root.ToJsonString(_indented) + "\n";
    }

    private JsonObject Reference(Keys keys)
    {
        if (!_definitions.ContainsKey(keys.Name))
        {
            var definition = new JsonObject();
            _definitions[keys.Name] = definition;
            Fill(definition, keys);
        }

        return new JsonObject { ["$ref"] = $"#/$defs/{keys.Name}" };
    }

    private void Fill(JsonObject schema, Keys keys)
    {
        schema["type"] = "object";
        schema["properties"] = new JsonObject(keys.All.Select(key => KeyValuePair.Create(key.Name, (JsonNode?)DescribedSchema(key))));
        if (keys.All.Any(key => key.Required))
        {
            schema["required"] = StringArray(keys.All.Where(key => key.Required).Select(key => key.Name));
        }

        if (keys.OneOf.Count > 0)
        {
            schema["oneOf"] = new JsonArray([.. keys.OneOf.Select(name => new JsonObject { ["required"] = StringArray([name]) })]);
        }

        schema["additionalProperties"] = false;
        if (keys.All.Any(key => key.Shape == Shape.Arguments))
        {
            schema["allOf"] = new JsonArray(
                [.. from operation in _operations.All from name in OperationAliases.For(operation.Name) select Arguments(operation, name)]);
        }
    }

    private JsonObject DescribedSchema(Key key)
    {
        var schema = SchemaFor(key.Shape) as JsonObject ?? [];
        schema["description"] = key.Description;
        return schema;
    }

    private JsonNode SchemaFor(Shape shape) => shape switch
    {
        Shape.Plain plain => JsonNode.Parse(plain.Json)!,
        Shape.List list => new JsonObject { ["type"] = "array", ["items"] = SchemaFor(list.Item) },
        Shape.Named named => new JsonObject { ["type"] = "object", ["additionalProperties"] = SchemaFor(named.Item) },
        Shape.Keyed map => Reference(map.Target()!),
        Shape.Either either => new JsonObject { ["anyOf"] = new JsonArray([.. either.Shapes.Select(SchemaFor)]) },
        Shape.OperationName operation => new JsonObject
        {
            ["anyOf"] = new JsonArray(
            [
                .. from known in _operations.All
                   where known.Role == operation.Role
                   from name in OperationAliases.For(known.Name)
                   select new JsonObject { ["const"] = name, ["description"] = known.Description },
            ]),
        },
        _ => throw new InvalidOperationException($"{shape.GetType().Name} has no JSON Schema."),
    };

    // The schema of `with` for steps that name this operation.
    private JsonObject Arguments(OperationDescriptor operation, string name)
    {
        var definition = $"with {operation.Name}";
        if (!_definitions.ContainsKey(definition))
        {
            var arguments = new JsonObject
            {
                ["type"] = operation.Arguments.Any(argument => argument.Required) ? "object" : new JsonArray("object", "null"),
                ["properties"] = new JsonObject(
                    operation.Arguments.Select(argument => KeyValuePair.Create(argument.Name, (JsonNode?)Argument(argument)))),
            };
            if (operation.Arguments.Where(argument => argument.Required).Select(argument => argument.Name)
                .ToList() is { Count: > 0 } required)
            {
                arguments["required"] = StringArray(required);
            }

            arguments["additionalProperties"] = operation.AnyArguments;
            _definitions[definition] = arguments;
        }

        var key = operation.Role == OperationRole.Effect ? "effect" : "compute";
        var then = new JsonObject { ["properties"] = new JsonObject { ["with"] = new JsonObject { ["$ref"] = $"#/$defs/{definition}" } } };
        if (operation.Arguments.Any(argument => argument.Required))
        {
            then["required"] = StringArray(["with"]);
        }

        return new JsonObject
        {
            ["if"] = new JsonObject
            {
                ["properties"] = new JsonObject { [key] = new JsonObject { ["const"] = name } },
                ["required"] = StringArray([key])
            },
            ["then"] = then,
        };
    }

    private static JsonObject Argument(ArgumentDescriptor argument)
    {
        var type = SchemaFor(DataTypeReader.Parse(argument.Type), argument.Filling == ArgumentFilling.Expression);
        if (type is not JsonObject plain)
        {
            return new JsonObject { ["description"] = Describe(argument) };
        }

        var schema = argument.Filling is ArgumentFilling.Constant or ArgumentFilling.Expression ? plain : OrTemplate(plain);
        schema["description"] = Describe(argument);
        return schema;
    }

    private static string Describe(ArgumentDescriptor argument) =>
        argument.Default is { } value ? $"{argument.Description} Without it: {value}." : argument.Description;

    private static JsonNode SchemaFor(DataType type, bool isExpression = false) => type switch
    {
        DataType.Basic when isExpression => new JsonObject { ["type"] = new JsonArray("string", "boolean", "number", "null") },
        DataType.Optional optional => SchemaFor(optional.Value, isExpression),
        DataType.Basic { Kind: Expressions.CelKind.Bool } => new JsonObject { ["type"] = new JsonArray("boolean", "null") },
        DataType.Basic { Kind: Expressions.CelKind.Int } => new JsonObject { ["type"] = new JsonArray("integer", "null") },
        DataType.Basic { Kind: Expressions.CelKind.Double } => new JsonObject { ["type"] = new JsonArray("number", "null") },
        DataType.Basic => new JsonObject { ["type"] = new JsonArray("string", "null") },
        DataType.ListOf list => new JsonObject
        {
            ["type"] = new JsonArray("array", "null"),
            ["items"] = OrTemplate(SchemaFor(list.Item, isExpression)),
        },
        DataType.MapOf map => new JsonObject
        {
            ["type"] = new JsonArray("object", "null"),
            ["additionalProperties"] = OrTemplate(SchemaFor(map.Value, isExpression)),
        },
        DataType.Fields fields => new JsonObject
        {
            ["type"] = new JsonArray("object", "null"),
            ["properties"] = new JsonObject(
                fields.Declared.Select(field =>
                    KeyValuePair.Create(field.Key, (JsonNode?)OrTemplate(SchemaFor(field.Value, isExpression))))),
        },
        _ => JsonValue.Create(true),
    };

    // Allows a text with `${...}` in place of the value.
    private static JsonNode OrTemplate(JsonNode type) => type is JsonObject schema ? OrTemplate(schema) : type;

    private static JsonObject OrTemplate(JsonObject type) =>
        type["type"] is JsonArray types && types.Any(each => each!.GetValue<string>() == "string")
            ? type
            : new JsonObject { ["anyOf"] = new JsonArray(type, new JsonObject { ["type"] = "string", ["pattern"] = @"\$\{" }) };

    private static JsonArray StringArray(IEnumerable<string> texts) => [.. texts.Select(text => JsonValue.Create(text))];
}
