using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Orchestrator.Intake;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Mapping;

/// <summary>Maps early and buffered events to and from rows of <c>early_events</c>.</summary>
internal static class EarlyEventRows
{
    public static EarlyEvent ToRow(EventRequest request, DateTimeOffset now, TimeSpan bufferedFor) => new()
    {
        MessageId = request.MessageId,
        Contract = request.Contract,
        Event = request.Event,
        CorrelationId = request.Requester.CorrelationId,
        BusinessKey = request.Requester.Target?.Key,
        RequestHash = request.Requester.RequestHash,
        Content = Content(request.Payload, request.Requester),
        ReceivedAt = now,
        ExpiresAt = now + bufferedFor,
    };

    public static EarlyEvent ToRow(SagaFacts saga, BufferedEvent buffered) => new()
    {
        MessageId = buffered.MessageId,
        SagaId = saga.SagaId,
        Contract = saga.Contract,
        Event = buffered.Event,
        CorrelationId = buffered.Requester.CorrelationId,
        BusinessKey = buffered.Requester.Target?.Key,
        RequestHash = buffered.Requester.RequestHash,
        Content = Content(buffered.Data, buffered.Requester),
        ReceivedAt = buffered.ReceivedAt,
        ExpiresAt = buffered.ExpiresAt,
    };

    /// <summary>A buffered event, with its payload converted to the types that the plan declares.</summary>
    public static BufferedEvent ToBuffered(Plan plan, EarlyEvent row)
    {
        var request = ToRequest(row);
        var data = plan.Events.TryGetValue(row.Event, out var declared) && declared.Data.TryConvert(request.Payload, out var typed, out _)
            ? typed
            : request.Payload;
        return new BufferedEvent(row.MessageId, row.Event, data, request.Requester, row.ReceivedAt, row.ExpiresAt);
    }

    /// <summary>The event, with the payload as it was stored.</summary>
    public static EventRequest ToRequest(EarlyEvent row)
    {
        using var content = JsonDocument.Parse(row.Content.Utf8, ValueJson.ReaderOptions);
        return new EventRequest(
            row.Contract,
            row.Event,
            RowJson.ReadValue(content.RootElement, "payload") ?? CelValue.Null,
            RequesterJson.ReadRequester(content.RootElement.GetProperty("asker"), null) with { RequestHash = row.RequestHash })
        {
            Early = row.ExpiresAt - row.ReceivedAt,
        };
    }

    private static RawJson Content(CelValue payload, Requester requester) => RowJson.Json(writer =>
    {
        RowJson.WriteValue(writer, "payload", payload);
        writer.WriteStartObject("asker");
        RequesterJson.WriteRequester(writer, requester, whole: true);
        writer.WriteEndObject();
    });
}
