using Onex.Contracts.Diagnostics;
using Onex.Contracts.Expressions;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;
using Onex.Operations;

namespace Onex.Workers.Operations.Documents;

[Operation("validate", Description = "Validates a value against a JSON Schema (2020-12, the keywords that contracts may use).")]
internal sealed class Validate()
    : ComputeOperation<ValidateArguments, ValidateResult>(
        DocumentsJson.Default.ValidateArguments, DocumentsJson.Default.ValidateResult)
{
    protected override ValueTask<ValidateResult> RunAsync(ValidateArguments arguments, ComputeContext context)
    {
        // Needs no cancellation token, because the number of its checks and the size of a schema are limited.
        var problems = Read(arguments.Schema).Validate(arguments.Value, out _);
        return new(new ValidateResult
        {
            Valid = problems.Count == 0,
            Problems = [.. problems.Select(problem => new ValueProblem { Pointer = problem.Pointer, Problem = problem.Problem })],
        });
    }

    private static JsonSchema Read(CelValue schema)
    {
        var text = CelJson.TryToText(schema, out var json, out var problem) ? json : throw ComputeRejectedException.Arguments(problem!);
        var file = new SourceFile("schema.json", text);
        var root = JsonReader.Read(file, ExpressionLimits.KeptDepth);
        var external = new LoadedFile(Text: null, Problem: "a schema here refers to itself only", Root: null, []);
        var references = new References(_ => external, path => path);

        // A worker does not know whether the contract is registered, and must run the steps of one that is.
        var reader = new SchemaReader(references, isRegistered: true);
        var compiled = root is null ? null : reader.Read(new SchemaDocument(file.Path, file, root));
        var error = file.Reported.FirstOrDefault(each => each.Severity == Severity.Error);
        return compiled is not null && error is null
            ? compiled
            : throw ComputeRejectedException.Arguments($"'schema': {error?.Problem.TrimEnd('.') ?? "it is not a schema"}");
    }
}

internal sealed record ValidateArguments
{
    [Argument("The value.")]
    public required CelValue Value { get; init; }

    [Argument("The schema: a map, true or false. `$ref` refers to a part of it (`#/$defs/line`).")]
    public required CelValue Schema { get; init; }
}

internal sealed record ValidateResult
{
    [Result("Whether the value is valid. `reject` of the step makes an invalid value a rejection.")]
    public required bool Valid { get; init; }

    [Result("At most 20 problems, each with a JSON pointer to its place.")]
    public required IReadOnlyList<ValueProblem> Problems { get; init; }
}

internal sealed record ValueProblem
{
    public required string Pointer { get; init; }

    public required string Problem { get; init; }
}
