using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Kafka.DeadLetters;
using Onex.Persistence.DeadLetters;

namespace Onex.Orchestrator.Api;

/// <summary>Dead letters in the API's form: the names are those of the table's columns, and secrets are masked.</summary>
internal static class DeadLetterJson
{
    /// <summary>The maximum number of characters of a value that are shown.</summary>
    public const int ValueCharsMax = 64 * 1024;

    public static void WriteSummary(Utf8JsonWriter writer, DeadLetterRow row)
    {
        writer.WriteString("id", row.Id);
        writer.WriteString("topic", row.Topic);
        writer.WriteNumber("partition", row.Partition);
        writer.WriteNumber("offset", row.Offset);
        writer.WriteString("code", row.Code);
        writer.WriteString("reason", row.Reason);
        writer.WriteString("status", row.Status.ToText());
        writer.WriteString("at", row.At);
        if (row.CorrelationId is { } correlation)
        {
            writer.WriteString("correlation_id", correlation);
        }

        SagaJson.WriteText(writer, "key", row.Key);
        SagaJson.WriteText(writer, "error_type", row.ErrorType.Length > 0 ? row.ErrorType : null);
        writer.WriteNumber("retry_count", row.RetryCount);
        writer.WriteNumber("redrives", row.Redrives);
        SagaJson.WriteTime(writer, "decided_at", row.DecidedAt);
        SagaJson.WriteText(writer, "decided_by", row.DecidedBy);
        SagaJson.WriteText(writer, "decision_reason", row.DecisionReason);
    }

    /// <summary>All fields, and how the record was handled, if it was.</summary>
    public static void WriteDetail(Utf8JsonWriter writer, DeadLetterRow row, HandledRecord? handled = null)
    {
        WriteSummary(writer, row);
        if (handled is not null)
        {
            writer.WriteString("handled_by", handled.SagaId);
            writer.WriteString("handled", handled.Reason);
        }

        if (row.Headers is { } headers)
        {
            WriteHeaders(writer, headers);
        }

        if (row.Value is { } value)
        {
            var text = SecretMask.Apply(RecordText.From(value));
            writer.WriteString("value", Cut(text));
            writer.WriteNumber("value_bytes", value.Length);
            writer.WriteBoolean("value_cut", text.Length > ValueCharsMax);
        }
    }

    // Never cuts between the halves of a surrogate pair.
    private static string Cut(string text) =>
        text.Length <= ValueCharsMax ? text : text[..(char.IsHighSurrogate(text[ValueCharsMax - 1]) ? ValueCharsMax - 1 : ValueCharsMax)];

    private static void WriteHeaders(Utf8JsonWriter writer, MessageHeaders headers)
    {
        writer.WriteStartObject("headers");
        foreach (var (name, value) in headers.Items)
        {
            writer.WriteString(name, SecretMask.IsSecret(name) ? SecretMask.Mask : value);
        }

        writer.WriteEndObject();
    }
}
