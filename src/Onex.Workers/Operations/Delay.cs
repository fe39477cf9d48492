using System.Text.Json;
using Onex.Operations;

namespace Onex.Workers.Operations;

[Operation("delay", Description = "Completes after a delay; for tests. A contract that waits uses a step with 'wait'.")]
internal sealed class Delay(TimeProvider time)
    : ComputeOperation<DelayArguments, DelayResult>(ComputeJson.Default.DelayArguments, ComputeJson.Default.DelayResult)
{
    protected override async ValueTask<DelayResult> RunAsync(DelayArguments arguments, ComputeContext context)
    {
        if (arguments.Ms < 0)
        {
            throw new JsonException("'ms' is below 0.", "$.ms", null, null);
        }

        await Task.Delay(TimeSpan.FromMilliseconds(arguments.Ms), time, context.Cancellation);
        return new DelayResult();
    }
}

internal sealed record DelayArguments
{
    [Argument("The delay in milliseconds, 0 or more. It must be shorter than the step's timeout.")]
    public required int Ms { get; init; }
}

internal sealed record DelayResult;
