using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Mapping;
using Onex.Persistence;
using Onex.Persistence.Outbox;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>A saga as read from the store.</summary>
/// <param name="Row">The saga's row.</param>
/// <param name="Machine">The saga's plan; null if it is not registered or no longer compiles, or the row cannot be read.</param>
/// <param name="Saga">The engine's state; null if <paramref name="Machine"/> is null.</param>
/// <param name="Unsent">The saga's messages that the broker has not acknowledged yet.</param>
internal sealed record StoredSaga(SagaRow Row, PlanMachine? Machine, SagaState? Saga, IReadOnlyList<OutgoingMessage> Unsent)
{
    /// <summary>Why the row cannot be read; null if it can be, or if only the plan is missing.</summary>
    public string? Problem { get; init; }

    public SagaWeight InputWeight { get; init; }
}

/// <summary>Reads sagas from the store, with the plan that each of them started with.</summary>
internal sealed class SagaReader(ISagaStore store, IPayloads payloads, PlanCatalogue plans, ILogger<SagaReader> logger)
{
    private const string OutputName = "output";
    private const string ResponseName = "response";

    /// <summary>Reads the sagas with these ids; ids without a saga are left out.</summary>
    public Task<IReadOnlyList<StoredSaga>> ReadAsync(IReadOnlyCollection<SagaId> ids, CancellationToken cancellation) =>
        ReadAsync(ids, null, cancellation);

    /// <summary>Reads the sagas with these ids, as many of them as the limit allows.</summary>
    public async Task<IReadOnlyList<StoredSaga>> ReadAsync(
        IReadOnlyCollection<SagaId> ids, ReadLimit? limit, CancellationToken cancellation)
    {
        var loaded = await store.LoadAsync(ids, limit, cancellation);
        var sagas = new List<StoredSaga>(loaded.Count);
        var payloadIds = new List<Guid>();
        foreach (var (row, input, unsent, early) in loaded.Values.Select(saga => (saga.Row, saga.Input, saga.Unsent, saga.BufferedEvents)))
        {
            try
            {
                if (await plans.FindAsync(row.ContractHash, cancellation) is not { } machine)
                {
                    Log.PlanNotRegistered(logger, row.Id, row.Contract, row.ContractVersion, row.ContractHash);
                    sagas.Add(new StoredSaga(row, null, null, unsent));
                    continue;
                }

                var saga = SagaRows.FromRow(machine.Plan, row, input, out var hasResponded);
                sagas.Add(new StoredSaga(
                    row, machine, early.Count == 0
                        ? saga
                        : saga with { BufferedEvents = [.. early.Select(entry => EarlyEventRows.ToBuffered(machine.Plan, entry))] }, unsent)
                {
                    InputWeight = SagaWeight.From(input),
                });
                if (row.EndedAt is not null)
                {
                    payloadIds.Add(Identity.Payload(row.Id, OutputName));
                }

                if (hasResponded)
                {
                    payloadIds.Add(Identity.Payload(row.Id, ResponseName));
                }
            }
#pragma warning disable CA1031 // One saga that cannot be read must not stop the others.
            catch (Exception failure) when (
                failure is not (OperationCanceledException or StoreUnavailableException) && !MemoryShortage.Is(failure))
#pragma warning restore CA1031
            {
                Log.SagaUnreadable(logger, row.Id, failure);
                sagas.Add(new StoredSaga(row, null, null, unsent)
                {
                    Problem = $"Its row cannot be read by this version of Onex ({failure.Message.Split(Environment.NewLine)[0]}). "
                        + "No data is lost: repair the row, or run the version that wrote it, then send 'retry'.",
                });
            }
        }

        return payloadIds.Count == 0 ? sagas : WithAnswers(sagas, await payloads.LoadPayloadsAsync(payloadIds, cancellation));
    }

    // Outputs and responses are rows of their own: one query loads them for all sagas; none if no saga has ended or responded.
    private static List<StoredSaga> WithAnswers(List<StoredSaga> sagas, IReadOnlyDictionary<Guid, SagaPayload> answers) =>
    [
        .. sagas.Select(stored => stored.Saga is not { } saga ? stored : stored with
        {
            Saga = saga with
            {
                Output = FindAnswer(answers, stored.Row.Id, OutputName),
                Response = FindAnswer(answers, stored.Row.Id, ResponseName),
            },
        }),
    ];

    private static RawJson? FindAnswer(IReadOnlyDictionary<Guid, SagaPayload> answers, SagaId sagaId, string name) =>
        answers.GetValueOrDefault(Identity.Payload(sagaId, name))?.Content;
}
