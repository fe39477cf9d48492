using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Api;

/// <summary>Sagas in the API's form: the names are those of the table's columns.</summary>
internal static class SagaJson
{
    /// <summary>The fields in a list.</summary>
    public static void WriteSummary(Utf8JsonWriter writer, SagaRow row)
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("contract", row.Contract);
        writer.WriteString("contract_version", row.ContractVersion);
        WriteText(writer, "business_key", row.BusinessKey);
        writer.WriteString("state", row.State);
        writer.WriteString("status", row.Status.ToString().ToLowerInvariant());
        writer.WriteString("correlation_id", row.CorrelationId);
        WriteJson(writer, "fault", row.Fault);
        writer.WriteString("started_at", row.StartedAt);
        writer.WriteString("updated_at", row.UpdatedAt);
        WriteTime(writer, "ended_at", row.EndedAt);
        WriteTime(writer, "next_wakeup_at", row.NextWakeupAt);
    }

    public static void WriteDetail(Utf8JsonWriter writer, SagaDetail detail, WaitReason? why)
    {
        var row = detail.Row;
        WriteSummary(writer, row);
        writer.WriteString("contract_hash", row.ContractHash);
        writer.WriteString("request_id", row.RequestId);
        writer.WriteString("source", row.Source);
        WriteText(writer, "reply_to", row.ReplyTo);
        if (row.ParentId is { } parent)
        {
            writer.WriteString("parent_id", parent);
        }

        writer.WriteNumber("home_partition", row.HomePartition);
        writer.WriteNumber("version", row.Version);
        WriteJson(writer, "data", row.Data);
        WriteJson(writer, "progress", row.Progress);
        WriteJson(writer, "input", detail.Input);
        WriteJson(writer, "output", detail.Output);
        if (detail.BufferedEvents.Count > 0)
        {
            // The name of the table, which has buffered events, too.
            writer.WriteStartArray("early_events");
            foreach (var buffered in detail.BufferedEvents)
            {
                writer.WriteStartObject();
                writer.WriteString("event", buffered.Event);
                writer.WriteString("message_id", buffered.MessageId);
                writer.WriteString("received_at", buffered.ReceivedAt);
                writer.WriteString("expires_at", buffered.ExpiresAt);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        if (why is not null)
        {
            writer.WriteString("why", why.Sentence);
        }
    }

    public static void WriteEntry(Utf8JsonWriter writer, HistoryEntry entry)
    {
        writer.WriteString("at", entry.At);
        writer.WriteNumber("version", entry.Version);
        writer.WriteString("kind", entry.Kind);
        writer.WriteString("state", entry.State);
        WriteText(writer, "step", entry.Step);
        WriteJson(writer, "detail", entry.Detail);
    }

    /// <summary>What a saga waits for, and its last error, if any.</summary>
    public static void WriteWhy(Utf8JsonWriter writer, WaitReason why, HistoryEntry? lastError)
    {
        writer.WriteString("sentence", why.Sentence);
        writer.WriteString("status", why.Status);
        writer.WriteString("state", why.State);
        writer.WriteString("since", why.Since);
        WriteTime(writer, "until", why.Until);
        WriteTexts(writer, "waits", why.Waits);
        WriteTexts(writer, "actions", why.Actions);
        if (lastError?.Detail is { } detail)
        {
            using var facts = JsonDocument.Parse(detail.Utf8);
            writer.WriteStartObject("last_error");
            writer.WriteString("at", lastError.At);
            WriteText(writer, "step", lastError.Step);
            foreach (var name in (ReadOnlySpan<string>)["code", "message"])
            {
                WriteText(
                    writer,
                    name,
                    facts.RootElement.TryGetProperty(name, out var fact) && fact.ValueKind == JsonValueKind.String
                        ? fact.GetString()
                        : null);
            }

            writer.WriteEndObject();
        }
    }

    private static void WriteTexts(Utf8JsonWriter writer, string name, IReadOnlyList<string> texts)
    {
        writer.WriteStartArray(name);
        foreach (var text in texts)
        {
            writer.WriteStringValue(text);
        }

        writer.WriteEndArray();
    }

    public static void WriteText(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(name, text);
        }
    }

    public static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset? at)
    {
        if (at is { } time)
        {
            writer.WriteString(name, time);
        }
    }

    private static void WriteJson(Utf8JsonWriter writer, string name, RawJson? json)
    {
        if (json is { IsNull: false } value)
        {
            writer.WritePropertyName(name);
            writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
        }
    }
}
