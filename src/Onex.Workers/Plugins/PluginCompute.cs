using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Operations;
using Onex.Workers.Operations;

namespace Onex.Workers.Plugins;

/// <summary>Runs a compute of a plug-in as one of the role's operations.</summary>
/// <param name="compute">The plug-in's operation.</param>
/// <param name="descriptor">Its entry in the catalogue.</param>
/// <param name="time">The clock of the operation.</param>
/// <param name="health">Shows the operation as unhealthy while its attempts hang.</param>
internal sealed class PluginCompute(ICompute compute, OperationDescriptor descriptor, TimeProvider time, RoleHealth health)
    : IComputeOperation
{
    private readonly PluginRuns _runs = new(descriptor.Name, descriptor.Package!, health);

    public async Task<RawJson> RunAsync(RawJson arguments, Operations.ComputeContext context)
    {
        var pluginContext = new Onex.Operations.ComputeContext
        {
            Operation = descriptor.Name,
            CommandId = context.Command?.CommandId.Value ?? Guid.Empty,
            Attempt = context.Command?.Attempt ?? 1,
            SagaId = context.Command?.SagaId.Value ?? Guid.Empty,
            CorrelationId = context.Command?.CorrelationId ?? Guid.Empty,
            Timeout = TimeSpan.FromMilliseconds(context.Command?.TimeoutMs ?? 0),
            Time = time,
            Progress = context.ReportProgress,
        };
        try
        {
            return await _runs.RunAsync(
                async () =>
                {
                    var result = new ResultBuffer(ComputeLimits.ResultBytesMax);
                    try
                    {
                        await compute.RunAsync(arguments.Utf8, pluginContext, result, context.Cancellation);
                    }
                    catch (ComputeRejectedException tooLarge)
                    {
                        // The buffer threw it. PluginRuns would report any other exception as one of the plug-in.
                        throw new OperationRejectedException(tooLarge.Code, tooLarge.Message);
                    }

                    return new RawJson(result.Written);
                },
                context.Cancellation);
        }
        catch (OperationRejectedException rejected)
        {
            throw new ComputeRejectedException(rejected.Code, rejected.Message.TrimEnd('.'));
        }
    }
}
