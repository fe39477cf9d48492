using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Plans;
using Onex.Contracts.Schemas;
using Onex.Contracts.Text;

namespace Onex.Contracts.Compiling;

/// <summary>
/// The built-in contracts of operations that a request may name instead of a contract (<c>handlers.direct</c>): one step, its arguments
/// the request's payload, its result the response. There is one per operation and connection, because a step's connection is constant.
/// </summary>
public static class DirectContracts
{
    /// <summary>The key of the payload that names the connection. It is not an argument of the operation.</summary>
    public const string ConnectionKey = "connection";

    private const string PathPrefix = "built-in:";

    /// <summary>Compiles the contracts of these operations.</summary>
    /// <param name="operations">Names of effect operations, or aliases. Others are skipped: see <see cref="Problems"/>.</param>
    /// <param name="context">The catalogue and the connections.</param>
    public static IReadOnlyList<DirectContract> Compile(IEnumerable<string> operations, CompilerContext context)
    {
        var contracts = new List<DirectContract>();
        foreach (var operation in operations.Select(context.Operations.Find).OfType<OperationDescriptor>()
            .Where(operation => operation.Role == OperationRole.Effect).DistinctBy(operation => operation.Name))
        {
            foreach (var connection in ConnectionNames(operation, context))
            {
                var source = new ContractSource(
                    PathPrefix + operation.Name, Text(operation, connection), ImmutableSortedDictionary<string, string>.Empty);
                var plan = ContractCompiler.Compile(source, context).Plans is [var compiled]
                    ? compiled
                    : throw new InvalidOperationException($"The built-in contract of {operation.Name} does not compile.");
                contracts.Add(new DirectContract(operation.Name, connection, plan));
            }
        }

        return contracts;
    }

    /// <summary>An error text for each name that does not belong to an effect operation.</summary>
    public static IEnumerable<string> Problems(IEnumerable<string> operations, OperationCatalogue catalogue) =>
        from name in operations
        where catalogue.Find(name) is not { Role: OperationRole.Effect }
        select $"handlers.direct names '{name}', which is no effect operation of this runtime. "
            + Spelling.Suggest(name, "operations", [.. Names(catalogue)]);

    /// <summary>Whether this is the source of a built-in contract, in which even constant arguments come from the payload.</summary>
    internal static bool IsSource(ContractSource source) => source.Path.StartsWith(PathPrefix, StringComparison.Ordinal);

    private static IEnumerable<string> Names(OperationCatalogue catalogue) =>
        catalogue.All.Where(each => each.Role == OperationRole.Effect).Select(each => each.Name);

    // Null stands for a contract without a connection, for operations that can run without one.
    private static IEnumerable<string?> ConnectionNames(OperationDescriptor operation, CompilerContext context)
    {
        if (operation.ConnectionType is null || operation.IsConnectionOptional
            || operation.Arguments.Any(argument => argument.Name == "url"))
        {
            yield return null;
        }

        foreach (var connection in context.Connections?.Values.Where(each => each.Type == operation.ConnectionType) ?? [])
        {
            yield return connection.Name;
        }
    }

    private static string Text(OperationDescriptor operation, string? connection)
    {
        var properties = new JsonObject();
        foreach (var argument in operation.Arguments)
        {
            properties[argument.Name] = SchemaOf(DataTypeReader.Parse(argument.Type), orNull: !argument.Required);
        }

        var input = new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray(
                [.. operation.Arguments.Where(argument => argument.Required).Select(argument => JsonValue.Create(argument.Name))]),
            ["additionalProperties"] = operation.AnyArguments,
        };
        var body = $$"""
            description: The operation {{operation.Name}}, requested without a contract.
            input: {{input.ToJsonString()}}
            initial: running
            states:
              running:
                steps:
                  - id: run
                    effect: {{operation.Name}}
                    with: "${input}"

            """;
        body += connection is null ? "" : $"        connection: {connection}\n";
        body += operation.ChangesWorld ? "        compensate: { none: the request asked for this effect alone }\n" : "";
        body += """
                next: done
              done:
                end: completed
                output: "${steps.run}"

            """;

        // A later Onex may describe the operation differently: the hash makes that a new version, so that running sagas keep theirs.
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)))[..8];
        return $"contract: direct-{operation.Name.Replace('.', '-').Replace('_', '-')}\n"
            + $"version: 1.0.0-{(connection is null ? "" : connection + ".")}h{hash}\n{body}";
    }

    private static JsonObject SchemaOf(DataType type, bool orNull)
    {
        var schema = type switch
        {
            DataType.Optional optional => SchemaOf(optional.Value, orNull: true),
            DataType.Basic { Kind: CelKind.Bool } => new JsonObject { ["type"] = "boolean" },
            DataType.Basic { Kind: CelKind.Int } => new JsonObject { ["type"] = "integer" },
            DataType.Basic { Kind: CelKind.Double } => new JsonObject { ["type"] = "number" },
            DataType.Basic => new JsonObject { ["type"] = "string" },
            DataType.ListOf list => new JsonObject { ["type"] = "array", ["items"] = SchemaOf(list.Item, orNull: false) },
            DataType.MapOf map => new JsonObject { ["type"] = "object", ["additionalProperties"] = SchemaOf(map.Value, orNull: false) },
            _ => [],
        };
        if (orNull && schema["type"] is JsonValue single)
        {
            schema["type"] = new JsonArray(single.DeepClone(), "null");
        }

        return schema;
    }
}

/// <summary>The built-in contract of an operation and a connection, or of an operation without one.</summary>
public sealed record DirectContract(string Operation, string? Connection, Plan Plan);
