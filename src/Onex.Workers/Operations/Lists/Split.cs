using Onex.Contracts.Expressions;
using Onex.Operations;

namespace Onex.Workers.Operations.Lists;

[Operation("split", Description = "Splits a list into batches of the same size; the last one may be smaller.")]
internal sealed class Split()
    : ComputeOperation<SplitArguments, SplitResult>(ListsJson.Default.SplitArguments, ListsJson.Default.SplitResult)
{
    protected override ValueTask<SplitResult> RunAsync(SplitArguments arguments, ComputeContext context) =>
        arguments.Size < 1
            ? throw ComputeRejectedException.Arguments("'size' must be at least 1")
            : new(new SplitResult { Batches = [.. arguments.Items.Chunk(arguments.Size)] });
}

internal sealed record SplitArguments
{
    [Argument("The list.")]
    public required IReadOnlyList<CelValue> Items { get; init; }

    [Argument("The number of items of a batch, at least 1.")]
    public required int Size { get; init; }
}

internal sealed record SplitResult
{
    [Result("The batches, in order. An empty list has none.")]
    public required IReadOnlyList<IReadOnlyList<CelValue>> Batches { get; init; }
}
