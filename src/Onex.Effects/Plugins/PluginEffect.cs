using Microsoft.Extensions.Logging;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Effects.Connections;
using Onex.Effects.Db;
using Onex.Effects.Http;
using Onex.Effects.Operations;
using Onex.Hosting.Plugins;
using Onex.Operations;

namespace Onex.Effects.Plugins;

/// <summary>Runs an effect of a plug-in as one of the role's operations.</summary>
/// <param name="effect">The plug-in's operation.</param>
/// <param name="descriptor">Its entry in the catalogue.</param>
/// <param name="transport">Sends requests of HTTP connections.</param>
/// <param name="pools">The sessions of database connections.</param>
/// <param name="time">The clock of the operation.</param>
/// <param name="logger">For what it throws.</param>
internal sealed class PluginEffect(
    IEffect effect, OperationDescriptor descriptor, HttpTransport transport, DatabasePools pools, TimeProvider time, ILogger logger)
    : IEffectOperation
{
    private readonly PluginRuns _runs = new(descriptor.Name, descriptor.Package!);

    public async Task<AttemptOutcome> RunAsync(RawJson arguments, AttemptContext context, CancellationToken cancellation)
    {
        // The transport knows when a request is sent. What else an operation does is unknown, so it may have taken effect at any time.
        if (descriptor.ChangesWorld && context.Connection?.Type != ConnectionTypes.Http)
        {
            context.Progress.Send();
        }

        var plugin = new EffectContext
        {
            Operation = context.Operation,
            CommandId = context.CommandId.Value,
            Attempt = context.Attempt,
            SagaId = context.SagaId.Value,
            CorrelationId = context.CorrelationId,
            Timeout = context.Timeout,
            Time = time,
            FollowsAttempt = context.FollowsAttempt,
            Sending = context.Progress.Send,
            ConnectionOrNull = context.Connection is { } connection ? Connect(connection, context) : null,
        };
        try
        {
            var outcome = await _runs.RunAsync(() => effect.RunAsync(arguments.Utf8, plugin, cancellation), cancellation);
            return outcome.Result?.Length > context.LargestResult
                ? AttemptOutcome.Rejected(
                    "result_too_large",
                    $"The result has {Plural.Format(outcome.Result.Length, "byte")}; at most {context.LargestResult} can be kept.") with
                { Reach = outcome.Reach }
                : AttemptOutcome.From(outcome, outcome.Result is { } result ? new RawJson(result) : null);
        }
        catch (PluginException failed)
        {
            if (failed.InnerException is HttpRequestException request && context.Connection is { Url: { } url })
            {
                return AttemptOutcome.From(HttpErrors.NoAnswer<object>(request, url, context.Progress.Reach), null);
            }

            Log.OperationThrew(logger, context.Operation, failed.Message, failed.InnerException?.StackTrace);
            return AttemptOutcome.Failed(
                failed.Code == StepCodes.OperationStuck ? AttemptReach.NotSent : context.Progress.Reach, failed.Code, failed.Message);
        }
    }

    private OperationConnection Connect(Connection connection, AttemptContext context) => new()
    {
        Name = connection.Name,
        Type = connection.Type,
        Settings = connection.Public.AsMap().ToDictionary(entry => entry.Key, entry => entry.Value.AsString(), StringComparer.Ordinal),
        HttpFactory = connection.Type == ConnectionTypes.Http
            ? () => new HttpClient(new ConnectionHandler(transport, connection, context))
            {
                BaseAddress = connection.Url is { } url ? new Uri(url.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/") : null,
                MaxResponseContentBufferSize = context.LargestResult,
                Timeout = Timeout.InfiniteTimeSpan,
            }
            : null,
        DatabaseFactory = connection.Type == ConnectionTypes.Postgres ? () => pools.For(connection).ForPlugins() : null,
    };
}
