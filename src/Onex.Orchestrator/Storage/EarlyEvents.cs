using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Orchestrator.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Storage;

/// <summary>Events that are kept, as rows of <c>early_events</c>, and back.</summary>
internal static class EarlyEvents
{
    /// <summary>The row of an event that a saga keeps.</summary>
    public static EarlyEvent ToRow(SagaState saga, KeptEvent kept) => new()
    {
        MessageId = kept.MessageId,
        SagaId = saga.Facts.SagaId,
        Contract = saga.Facts.Contract,
        Event = kept.Event,
        CorrelationId = kept.Asker.CorrelationId,
        Content = Content(kept.Data, kept.Asker),
        ReceivedAt = kept.ReceivedAt,
        ExpiresAt = kept.ExpiresAt,
    };

    /// <summary>What a row holds besides its columns: the payload, and who is told if nothing comes of it.</summary>
    public static RawJson Content(CelValue data, Asker asker) => SagaRows.Json(writer =>
    {
        writer.WritePropertyName("data");
        if (!data.TryWriteJson(writer, out var problem))
        {
            throw new InvalidOperationException($"A value without JSON reached the store: {problem}");
        }

        writer.WriteStartObject("asker");
        SagaRows.WriteAsker(writer, asker, whole: true);
        writer.WriteEndObject();
    });

    /// <summary>The event of a row. The plan gives its payload its type.</summary>
    public static KeptEvent Read(Plan plan, EarlyEvent row)
    {
        using var content = JsonDocument.Parse(row.Content.Utf8);
        var data = CelValue.FromJson(content.RootElement.GetProperty("data"));
        if (plan.Events.TryGetValue(row.Event, out var planned) && planned.Data.TryConvert(data, out var typed, out _))
        {
            data = typed;
        }

        var asker = SagaRows.ReadAsker(content.RootElement.GetProperty("asker"), null);
        return new KeptEvent(row.MessageId, row.Event, data, asker, row.ReceivedAt, row.ExpiresAt);
    }
}
