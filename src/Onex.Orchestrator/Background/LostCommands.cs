using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Routing;
using Onex.Persistence;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Background;

/// <summary>
/// Resends commands at the start of a process with the in-memory bus, because the previous process lost every command in flight with its
/// log. Every live saga sends its commands in flight again, after the first assignment. The ledger has the results of effects that ran.
/// </summary>
internal sealed class LostCommands(
    SagaRouter router, ISagaStore store, HomePartitions home, TimeProvider time, ILogger<LostCommands> logger)
    : BackgroundService
{
    private const int BatchSize = 500;
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await home.Assigned.WaitAsync(stoppingToken);
        IReadOnlyList<SagaId>? live = null;
        var sent = 0;
        while (live is null || sent < live.Count)
        {
            try
            {
                live ??= await store.LiveAsync(stoppingToken);
                var batch = live.Skip(sent).Take(BatchSize).ToList();
                await router.HandleAsync(
                    [.. batch.Select(id => new Delivery(
                        new ResendRequested { SagaId = id, CausedBy = MessageId.Create(time.GetUtcNow()) }, OutcomeSink.None))],
                    stoppingToken);
                sent += batch.Count;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                throw;
            }
#pragma warning disable CA1031 // Whatever the exception, it is logged, and the batch is tried again.
            catch (Exception failure)
#pragma warning restore CA1031
            {
                Log.ResendFailed(logger, failure.Message, failure is StoreUnavailableException ? null : failure);
                await Task.Delay(_pause, time, stoppingToken);
            }
        }

        if (sent > 0)
        {
            Log.SagasContinued(logger, sent);
        }
    }
}
