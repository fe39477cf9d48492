using Microsoft.Extensions.Logging;
using Npgsql;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Effects.Connections;
using Onex.Effects.Db;
using Onex.Effects.Http;
using Onex.Effects.Operations;
using Onex.Hosting.Health;
using Onex.Hosting.Plugins;
using Onex.Operations;

namespace Onex.Effects.Plugins;

/// <summary>Runs an effect of a plug-in as one of the role's operations.</summary>
/// <param name="effect">The plug-in's operation.</param>
/// <param name="descriptor">Its entry in the catalogue.</param>
/// <param name="transport">Sends requests of HTTP connections.</param>
/// <param name="pools">The sessions of database connections.</param>
/// <param name="time">The clock of the operation.</param>
/// <param name="health">Shows an operation whose attempts hang.</param>
/// <param name="logger">Logs the exceptions of the plug-in.</param>
internal sealed class PluginEffect(
    IEffect effect, OperationDescriptor descriptor, HttpTransport transport, DatabasePools pools, TimeProvider time, RoleHealth health,
    ILogger logger)
    : IEffectOperation
{
    private readonly PluginRuns _runs = new(descriptor.Name, descriptor.Package!, health);

    public async Task<AttemptOutcome> RunAsync(RawJson arguments, AttemptContext context, CancellationToken cancellation)
    {
        // A connection of these types reports when something is sent. With another or none, the operation may take effect at any time.
        if (descriptor.ChangesWorld && context.Connection?.Type is not (ConnectionTypes.Http or ConnectionTypes.Postgres))
        {
            context.Progress.MarkSent();
        }

        using var reports = context.BeginReports();
        var pluginContext = new EffectContext
        {
            Operation = context.Operation,
            CommandId = context.CommandId.Value,
            Attempt = context.Attempt,
            SagaId = context.SagaId.Value,
            CorrelationId = context.CorrelationId,
            Timeout = context.Timeout,
            Time = time,
            FollowsAttempt = context.Record.FollowsAttempt,
            Sending = context.Progress.MarkSent,
            Progress = (fraction, text) => reports?.Take(fraction, context.Record.Mask.Apply(text)),
            ConnectionOrNull = context.Connection is { } connection ? CreateConnection(connection, context) : null,
        };
        try
        {
            var outcome = await _runs.RunAsync(() => effect.RunAsync(arguments.Utf8, pluginContext, cancellation), cancellation);
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
                return AttemptOutcome.From(HttpErrors.ToOutcome<object>(request, url, context.Progress.Reach), null);
            }

            if (failed.InnerException is NpgsqlException lost && context.Connection is { Database: not null } database)
            {
                return DatabaseError(lost, database, context.Progress);
            }

            Log.OperationThrew(logger, context.Operation, failed.Message, failed.InnerException?.StackTrace);
            return AttemptOutcome.Failed(
                failed.Code == StepCodes.OperationStuck ? AttemptReach.NotSent : context.Progress.Reach, failed.Code, failed.Message);
        }
    }

    // The attempt fails and is not rejected, because it is unknown what the plug-in has committed before.
    private static AttemptOutcome DatabaseError(NpgsqlException exception, Connection connection, AttemptProgress progress)
    {
        var stage = progress.HasConnected ? DatabaseStage.Running : DatabaseStage.Connecting;
        var error = DatabaseErrors.Classify(exception, stage, connection.Name, readOnly: false);
        return AttemptOutcome.Failed(
            progress.Reach, error.Code,
            exception is PostgresException || !progress.HasConnected ? error.Message : $"The database of {connection} was lost.");
    }

    private void MarkOpened(AttemptContext context)
    {
        context.Progress.MarkConnected();
        if (descriptor.ChangesWorld)
        {
            context.Progress.MarkSent();
        }
    }

    private OperationConnection CreateConnection(Connection connection, AttemptContext context) => new()
    {
        Name = connection.Name,
        Type = connection.Type,
        Settings = connection.Public.AsMap().ToDictionary(entry => entry.Key, entry => entry.Value.ToString(), StringComparer.Ordinal),
        HttpFactory = connection.Type == ConnectionTypes.Http
            ? () => new HttpClient(new ConnectionHandler(transport, connection, context))
            {
                BaseAddress = connection.Url is { } url ? new Uri(url.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/") : null,
                MaxResponseContentBufferSize = context.LargestResult,
                Timeout = Timeout.InfiniteTimeSpan,
            }
            : null,
        DatabaseFactory = connection.Type == ConnectionTypes.Postgres
            ? () => pools.For(connection).ForPlugin(() => MarkOpened(context))
            : null,
    };
}
