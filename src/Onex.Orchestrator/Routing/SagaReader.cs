using System.Text.Json;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Mapping;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Routing;

/// <summary>A saga as it stands in the store.</summary>
/// <param name="Row">Its row.</param>
/// <param name="Pipe">Its plan; null if it is not registered here, and then nothing else can be read.</param>
/// <param name="Saga">The engine's view.</param>
/// <param name="Unsent">Its messages that no broker has acknowledged yet.</param>
internal sealed record StoredSaga(SagaRow Row, PlanPipe? Pipe, SagaState? Saga, IReadOnlyList<OutgoingMessage> Unsent)
{
    /// <summary>Why it cannot be read although its contract is registered here, or null.</summary>
    public string? Problem { get; init; }

    /// <summary>What its input weighs.</summary>
    public SagaWeight Input { get; init; }
}

/// <summary>Reads sagas from the store, with the plan that each of them started with.</summary>
internal sealed class SagaReader(ISagaStore store, PlanCatalogue plans, ILogger<SagaReader> logger)
{
    /// <summary>The sagas of those ids; what is not there is missing from the answer.</summary>
    public Task<IReadOnlyList<StoredSaga>> ReadAsync(IReadOnlyCollection<Guid> ids, CancellationToken cancellation) => ReadAsync(ids, null, cancellation);

    /// <summary>The same, as many of them as the limit allows.</summary>
    public async Task<IReadOnlyList<StoredSaga>> ReadAsync(IReadOnlyCollection<Guid> ids, ReadLimit? limit, CancellationToken cancellation)
    {
        var loaded = await store.LoadAsync(ids, limit, cancellation);
        var answers = await AnswersAsync(loaded.Values, cancellation);
        var sagas = new List<StoredSaga>(loaded.Count);
        foreach (var (row, input, unsent, early) in loaded.Values.Select(saga => (saga.Row, saga.Input, saga.Unsent, saga.Early)))
        {
            try
            {
                if (await plans.FindAsync(row.ContractHash, cancellation) is not { } pipe)
                {
                    Log.PlanNotRegistered(logger, row.Id, row.Contract, row.ContractVersion, row.ContractHash);
                    sagas.Add(new StoredSaga(row, null, null, unsent));
                    continue;
                }

                var saga = SagaRows.FromRow(pipe.Plan, row, input, Answer(answers, row.Id, "output"), Answer(answers, row.Id, "response"));
                sagas.Add(new StoredSaga(
                    row, pipe, early.Count == 0 ? saga : saga with { Early = [.. early.Select(kept => EarlyEventRows.ToKept(pipe.Plan, kept))] }, unsent)
                {
                    Input = SagaWeight.Of(input),
                });
            }
#pragma warning disable CA1031 // One saga that cannot be read must hold up no other.
            catch (Exception failure) when (failure is not (OperationCanceledException or StoreUnavailableException) && !MemoryShortage.Is(failure))
#pragma warning restore CA1031
            {
                Log.SagaUnreadable(logger, row.Id, failure);
                sagas.Add(new StoredSaga(row, null, null, unsent)
                {
                    Problem = $"Its row cannot be read by this version of Onex ({failure.Message.Split(Environment.NewLine)[0]}). "
                        + "Nothing of it is lost: mend the row, or run the version that wrote it, then ask for 'retry'.",
                });
            }
        }

        return sagas;
    }

    // What sagas have answered is kept apart from their rows. In one query for all of them, and in none for those that have not answered.
    private async Task<IReadOnlyDictionary<Guid, SagaPayload>> AnswersAsync(IEnumerable<LoadedSaga> loaded, CancellationToken cancellation)
    {
        var wanted = new List<Guid>();
        foreach (var row in loaded.Select(saga => saga.Row))
        {
            if (row.EndedAt is not null)
            {
                wanted.Add(Identity.Payload(row.Id, "output"));
            }

            if (HasResponded(row.Progress))
            {
                wanted.Add(Identity.Payload(row.Id, "response"));
            }
        }

        return wanted.Count == 0 ? new Dictionary<Guid, SagaPayload>() : await store.LoadPayloadsAsync(wanted, cancellation);
    }

    private static RawJson? Answer(IReadOnlyDictionary<Guid, SagaPayload> answers, Guid sagaId, string name) =>
        answers.GetValueOrDefault(Identity.Payload(sagaId, name))?.Content;

    // Few sagas answer before their end, so that the text is looked at before it is read.
    private static bool HasResponded(RawJson progress)
    {
        if (progress.Utf8.Span.IndexOf("\"responded\""u8) < 0)
        {
            return false;
        }

        try
        {
            using var document = JsonDocument.Parse(progress.Utf8, ValueJson.Reading);
            return document.RootElement.TryGetProperty("responded", out var responded) && responded.ValueKind == JsonValueKind.True;
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            // Whoever reads the row says so.
            return false;
        }
    }
}
