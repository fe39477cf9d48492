using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Hosting.Plugins;
using Onex.Operations;
using Onex.Workers.Operations;

namespace Onex.Workers.Plugins;

/// <summary>Runs a compute of a plug-in as one of the role's operations.</summary>
/// <param name="compute">The plug-in's operation.</param>
/// <param name="descriptor">Its entry in the catalogue.</param>
/// <param name="time">The clock of the operation.</param>
internal sealed class PluginCompute(ICompute compute, OperationDescriptor descriptor, TimeProvider time) : IComputeOperation
{
    private readonly PluginRuns _runs = new(descriptor.Name, descriptor.Package!);

    public async Task<RawJson> RunAsync(RawJson arguments, CancellationToken cancellation)
    {
        var context = new Onex.Operations.ComputeContext
        {
            Operation = descriptor.Name,
            CommandId = Guid.Empty,
            Attempt = 1,
            SagaId = Guid.Empty,
            CorrelationId = Guid.Empty,
            Timeout = TimeSpan.Zero,
            Time = time,
        };
        try
        {
            return await _runs.RunAsync(
                async () =>
                {
                    var result = new ResultBuffer(ComputeLimits.ResultBytesMax);
                    try
                    {
                        await compute.RunAsync(arguments.Utf8, context, result, cancellation);
                    }
                    catch (ComputeRejectedException tooLarge)
                    {
                        throw new OperationRejectedException(tooLarge.Code, tooLarge.Message);
                    }

                    return new RawJson(result.Written);
                },
                cancellation);
        }
        catch (OperationRejectedException rejected)
        {
            throw new ComputeRejectedException(rejected.Code, rejected.Message.TrimEnd('.'));
        }
    }
}
