using Onex.Effects;
using Onex.Effects.Connections;
using Onex.Workers;

namespace Onex.Tests.Unit.House;

/// <summary><c>docs/operations.md</c> lists the operations of the catalogue and the connections of the reader's table.</summary>
public sealed class OperationsDocumentTests
{
    private const string Document = "operations.md";

    [Fact]
    public void Every_effect_is_documented_as_in_the_catalogue() => GeneratedDocument.Verify(
        Document, "effects", string.Concat(EffectOperations.Descriptors.Select(Operation)));

    [Fact]
    public void Every_compute_is_documented_as_in_the_catalogue() =>
        GeneratedDocument.Verify(Document, "computes", string.Concat(ComputeOperations.Descriptors.Select(Operation)));

    [Fact]
    public void The_documented_connection_keys_are_those_of_the_reader()
    {
        var text = new StringBuilder()
            .Append("### Every connection\n\n").Append(Keys(ConnectionKeys.Common)).Append('\n');
        foreach (var type in ConnectionTypes.All)
        {
            text.Append("### ").Append(type).Append("\n\n");
            text.Append(Keys(ConnectionKeys.For(type))).Append('\n');
        }

        text.Append("### retry\n\n").Append(Keys(ConnectionKeys.Retry)).Append('\n');
        text.Append("### breaker\n\n").Append(Keys(ConnectionKeys.Breaker)).Append('\n');
        text.Append("### rate_limit\n\n").Append(Keys(ConnectionKeys.Rate)).Append('\n');
        text.Append("### concurrency\n\n").Append(Keys(ConnectionKeys.Concurrency));
        GeneratedDocument.Verify(Document, "connections", text.ToString());
    }

    [Fact]
    public void Every_argument_and_result_field_has_a_description() => Assert.All(
        EffectOperations.Descriptors.Concat(ComputeOperations.Descriptors),
        operation =>
        {
            Assert.All(operation.Arguments, argument => Assert.EndsWith(".", argument.Description, StringComparison.Ordinal));
            Assert.Equal(operation.Result.Keys, operation.ResultMeanings.Keys);
            Assert.All(operation.ResultMeanings.Values, meaning => Assert.EndsWith(".", meaning, StringComparison.Ordinal));
        });

    [Fact]
    public void Connection_examples_are_valid()
    {
        var directory = Directory.CreateTempSubdirectory("onex-connections-").FullName;
        try
        {
            var text = File.ReadAllText(Repository.At("docs", Document));
            var connections = text.Split("\n## Connections\n")[1];
            File.WriteAllText(Path.Combine(directory, "shown.yaml"), connections.Split("```yaml\n")[1].Split("```")[0]);
            var secrets = new Dictionary<string, string>(StringComparer.Ordinal) { ["STOCK_TOKEN"] = "one", ["LEDGER_PASSWORD"] = "two" };

            var reading = ConnectionsReader.Read(directory, secrets, resolveSecrets: true);

            Assert.Empty(reading.Diagnostics);
            Assert.Equal(["ledger", "stock"], reading.Connections.Keys.Order(StringComparer.Ordinal));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Operation(OperationDescriptor operation)
    {
        var text = new StringBuilder().Append("### ").Append(operation.Name).Append("\n\n").Append(operation.Description).Append(' ');
        text.Append(
            operation.ChangesWorld ? "It changes the world, so its step needs `compensate` before the pivot. " : "It changes nothing. ");
        text.Append(operation.IsRepeatable ? "It may be repeated. " : "It may not be repeated after it has happened. ");
        text.Append(operation.ConnectionType is { } type
            ? $"Connection: `{type}`{(operation.IsConnectionOptional ? ", or none" : "")}." : "It takes no connection.");
        text.Append(string.Concat(OperationAliases.For(operation.Name).Skip(1).Select(alias => $" Alias: `{alias}`.")));
        text.Append("\n\n");
        text.Append(GeneratedDocument.Table("argument | type | without it | meaning", operation.Arguments.Select(Argument)));
        text.Append('\n');
        text.Append(GeneratedDocument.Table(
            "result | type | meaning",
            operation.Result.Select(field =>
                $"`{field.Key}` | `{field.Value}` | {GeneratedDocument.Cell(operation.ResultMeanings[field.Key])}")));
        return text.Append(operation.Result.Count > 0 ? "\n" : "").ToString();
    }

    private static string Argument(ArgumentDescriptor argument)
    {
        var filling = argument.Filling switch
        {
            ArgumentFilling.Constant => " A constant: it takes no `${...}`.",
            ArgumentFilling.Expression =>
                $" {(argument.Type == "string" ? "An expression" : "Expressions")} over `{string.Join("`, `", argument.Reads)}`.",
            ArgumentFilling.PercentEncoded => " Inserted values are percent-encoded, and must not be empty before a `?`.",
            ArgumentFilling.Address => " Inserted values are put in as they are, and must not be empty before a `?`.",
            _ => argument.ConstantKeys.Count > 0 ? $" `{string.Join("`, `", argument.ConstantKeys)}` takes no `${{...}}`." : "",
        };
        var without = argument.Required ? "required" : argument.Default ?? "";
        return $"`{argument.Name}` | `{argument.Type}` | {without} | {GeneratedDocument.Cell(argument.Description)}{filling}";
    }

    private static string Keys(IEnumerable<ConnectionKey> keys) => GeneratedDocument.Table(
        "key | type | values | without it | meaning",
        keys.Select(key => $"`{key.Name}` | {key.Type} | {key.Bounds} | {key.Default} | {GeneratedDocument.Cell(key.Meaning)}"));
}
