using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;
using static Onex.Orchestrator.Mapping.RowJson;

namespace Onex.Orchestrator.Mapping;

/// <summary>Requesters and waiters in JSON columns.</summary>
internal static class RequesterJson
{
    /// <summary>Writes a requester except its hash; if not whole, also without what the saga's row has in columns of its own.</summary>
    public static void WriteRequester(Utf8JsonWriter writer, Requester requester, bool whole)
    {
        writer.WriteString("operation", requester.Operation);
        if (requester.EnvelopeId is { } envelope)
        {
            writer.WriteString("envelope_id", envelope);
        }

        if (requester.Parent is { } parent)
        {
            writer.WriteStartObject("parent");
            writer.WriteString("saga_id", parent.SagaId);
            writer.WriteString("command_id", parent.CommandId);
            writer.WriteNumber("attempt", parent.Attempt);
            writer.WriteNumber("home_partition", parent.HomePartition);
            writer.WriteBoolean("awaits", parent.Awaits);
            writer.WriteEndObject();
        }

        if (!requester.Headers.IsEmpty)
        {
            writer.WriteStartObject("headers");
            foreach (var (name, value) in requester.Headers)
            {
                writer.WriteString(name, value);
            }

            writer.WriteEndObject();
        }

        if (requester.Extra is { } extra)
        {
            writer.WritePropertyName("extra");
            writer.WriteRawValue(extra.Utf8.Span, skipInputValidation: true);
        }

        if (requester.Silent)
        {
            writer.WriteBoolean("silent", true);
        }

        if (whole)
        {
            writer.WriteString("request_id", requester.RequestId);
            writer.WriteString("correlation_id", requester.CorrelationId);
            writer.WriteString("source", requester.Source);
            writer.WriteString("reply_to", requester.ReplyTo);
            WriteTarget(writer, requester.Target);
        }
    }

    /// <summary>Writes the field <c>target</c> in the form of a request, if there is one.</summary>
    public static void WriteTarget(Utf8JsonWriter writer, RequestTarget? target)
    {
        if (target is null)
        {
            return;
        }

        writer.WriteStartObject("target");
        if (target.SagaId is { } id)
        {
            writer.WriteString("saga_id", id);
        }
        else
        {
            writer.WriteString("key", target.Key);
        }

        writer.WriteEndObject();
    }

    private static RequestTarget? ReadTarget(JsonElement requester)
    {
        if (!requester.TryGetProperty("target", out var target))
        {
            return null;
        }

        return target.TryGetProperty("saga_id", out var id)
            ? new RequestTarget { SagaId = new(id.GetGuid()) }
            : new RequestTarget { Key = Text(target, "key") };
    }

    /// <summary>
    /// Reads a requester from its JSON and the columns of its saga's row; without a row, from JSON that has all but the hash.
    /// </summary>
    public static Requester ReadRequester(JsonElement json, SagaRow? row) => new()
    {
        RequestId = row?.RequestId ?? new MessageId(json.GetProperty("request_id").GetGuid()),
        CorrelationId = row?.CorrelationId ?? json.GetProperty("correlation_id").GetGuid(),
        RequestHash = row?.RequestHash,
        Source = row?.Source ?? json.GetProperty("source").GetString()!,
        ReplyTo = row is null ? Text(json, "reply_to") : row.ReplyTo,
        Target = row is null ? ReadTarget(json) : null,
        Operation = Text(json, "operation") ?? row?.Contract ?? "",
        EnvelopeId = json.TryGetProperty("envelope_id", out var envelope) ? envelope.GetGuid() : null,
        Parent = json.TryGetProperty("parent", out var parent)
            ? new ParentLink(
                new(parent.GetProperty("saga_id").GetGuid()),
                new(parent.GetProperty("command_id").GetGuid()),
                parent.GetProperty("attempt").GetInt32(),
                parent.GetProperty("home_partition").GetInt32(),
                parent.GetProperty("awaits").GetBoolean())
            : null,
        Headers = json.TryGetProperty("headers", out var headers)
            ? headers.EnumerateObject().ToImmutableSortedDictionary(header => header.Name, header => header.Value.GetString() ?? "")
            : ImmutableSortedDictionary<string, string>.Empty,
        Extra = json.TryGetProperty("extra", out var extra) ? RawJson.FromText(extra.GetRawText()) : null,
        Silent = json.TryGetProperty("silent", out _),
    };

    public static void WriteWaiters(Utf8JsonWriter writer, ImmutableArray<Waiter> waiters)
    {
        writer.WriteStartArray("waiters");
        foreach (var waiter in waiters)
        {
            writer.WriteStartObject();
            WriteRequester(writer, waiter.Requester, whole: true);
            writer.WriteBoolean("duplicate", waiter.IsDuplicate);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public static ImmutableArray<Waiter> ReadWaiters(RawJson json)
    {
        using var document = JsonDocument.Parse(json.Utf8, ValueJson.ReaderOptions);
        return
        [
            .. document.RootElement.GetProperty("waiters").EnumerateArray()
                .Select(waiter => new Waiter(ReadRequester(waiter, null), waiter.GetProperty("duplicate").GetBoolean())),
        ];
    }
}
