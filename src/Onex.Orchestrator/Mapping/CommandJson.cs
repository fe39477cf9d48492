using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using static Onex.Orchestrator.Mapping.RowJson;

namespace Onex.Orchestrator.Mapping;

/// <summary>Commands and compensations in the column <c>progress</c>. Fields keep the names that stored rows have.</summary>
internal static class CommandJson
{
    public static void WriteOutstanding(Utf8JsonWriter writer, Outstanding command)
    {
        writer.WriteString("command_id", command.CommandId);
        writer.WriteString("step", command.Step);
        WriteNumber(writer, "item", command.Item);
        WriteText(writer, "compensated_command", command.CompensatedCommand?.ToString());
        writer.WriteString("direction", command.Direction.ToText());
        writer.WriteNumber("attempt", command.Attempt);
        writer.WriteString("phase", command.Phase switch
        {
            AttemptPhase.InFlight => "in_flight",
            AttemptPhase.BackingOff => "backing_off",
            AttemptPhase.Held => "held",
            _ => "stuck",
        });
        writer.WriteString("due_at", command.DueAt);
        writer.WriteString("first_sent_at", command.FirstSentAt);
        WriteCount(writer, "resent", command.Resends);
        WriteFlag(writer, "interrupted", command.Interrupted);
        WriteFlag(writer, "kept", command.Kept);
        WriteFlag(writer, "answered", command.IsFinal);
        if (command.ItemValue is { } item)
        {
            WriteValue(writer, "item_value", item);
        }

        writer.WriteString("happened", command.TookEffect switch
        {
            TookEffect.No => "no",
            TookEffect.Yes => "yes",
            _ => "unknown",
        });
        WriteCount(writer, "ended_attempt", command.EndedAttempt);
        WriteCount(writer, "interrupted_at", command.InterruptedAttempt);
        WriteText(writer, "arguments_if_done", command.ArgumentsIfDone?.ToString());
        WriteCount(writer, "round", command.RetryPass);
        WriteCount(writer, "attempts_before", command.AttemptsBefore);
        WriteTime(writer, "retried_at", command.RetriedAt);

        // As text, because every attempt must send the same bytes, and jsonb keeps the bytes of strings only.
        WriteText(writer, "arguments", command.Arguments?.ToString());
        WriteReport(writer, command.Report);
        if (command.ArgumentsIfUnknown is { } unknown)
        {
            writer.WritePropertyName("arguments_if_unknown");
            writer.WriteRawValue(unknown.Utf8.Span, skipInputValidation: true);
        }
    }

    public static Outstanding ReadOutstanding(JsonElement json) => new()
    {
        CommandId = new(json.GetProperty("command_id").GetGuid()),
        Step = json.GetProperty("step").GetString()!,
        Item = Number(json, "item"),
        ItemValue = ReadValue(json, "item_value"),
        CompensatedCommand = Text(json, "compensated_command") is { } compensated ? new(Guid.Parse(compensated)) : null,
        IsFinal = Flag(json, "answered"),
        Direction = StepDirectionText.Parse(json.GetProperty("direction").GetString()),
        Attempt = json.GetProperty("attempt").GetInt32(),
        Phase = json.GetProperty("phase").GetString() switch
        {
            "in_flight" => AttemptPhase.InFlight,
            "backing_off" => AttemptPhase.BackingOff,
            "held" => AttemptPhase.Held,
            _ => AttemptPhase.Stuck,
        },
        DueAt = json.GetProperty("due_at").GetDateTimeOffset(),
        FirstSentAt = json.GetProperty("first_sent_at").GetDateTimeOffset(),
        Resends = Count(json, "resent"),
        Interrupted = Flag(json, "interrupted"),
        Kept = Flag(json, "kept"),
        RetryPass = Count(json, "round"),
        AttemptsBefore = Count(json, "attempts_before"),
        RetriedAt = Time(json, "retried_at"),
        TookEffect = Text(json, "happened") switch
        {
            "no" => TookEffect.No,
            "yes" => TookEffect.Yes,
            "unknown" => TookEffect.Unknown,

            // An older Onex, without this field, wrote the row: an attempt that had ended may have taken effect.
            _ => json.GetProperty("attempt").GetInt32() > 1 || json.GetProperty("phase").GetString() is "backing_off" or "stuck"
                ? TookEffect.Unknown
                : TookEffect.No,
        },
        EndedAttempt = Count(json, "ended_attempt"),
        InterruptedAttempt = Count(json, "interrupted_at"),
        Report = ReadReport(json),
        ArgumentsIfDone = Text(json, "arguments_if_done") is { } done ? RawJson.FromText(done) : null,
        Arguments = Text(json, "arguments") is { } arguments ? RawJson.FromText(arguments) : null,
        ArgumentsIfUnknown = json.TryGetProperty("arguments_if_unknown", out var unknown)
            ? StoredOrder.Sort(RawJson.FromText(unknown.GetRawText()))
            : null,
    };

    public static void WriteCompensable(Utf8JsonWriter writer, Compensable compensable)
    {
        writer.WriteString("step", compensable.Step);
        writer.WriteString("state", compensable.State);
        writer.WriteString("command_id", compensable.CommandId);
        writer.WritePropertyName("arguments");
        writer.WriteRawValue(compensable.Arguments.Utf8.Span, skipInputValidation: true);
        WriteCount(writer, "round", compensable.RetryPass);
        WriteCount(writer, "visit", compensable.Visit);
        WriteNumber(writer, "item", compensable.Item);
        WriteFlag(writer, "lost", compensable.MustCompensate);
        if (compensable.Items is { } items)
        {
            writer.WriteStartObject("items");
            writer.WriteNumber("below", items.Below);
            WriteFlag(writer, "fetching", items.Fetching);
            writer.WriteEndObject();
        }
    }

    public static Compensable ReadCompensable(JsonElement json) => new(
        json.GetProperty("step").GetString()!,
        json.GetProperty("state").GetString()!,
        new CommandId(json.GetProperty("command_id").GetGuid()),
        StoredOrder.Sort(RawJson.FromText(json.GetProperty("arguments").GetRawText())))
    {
        RetryPass = Count(json, "round"),
        Visit = Count(json, "visit"),
        Item = Number(json, "item"),
        MustCompensate = Flag(json, "lost"),
        Items = json.TryGetProperty("items", out var items)
            ? new ItemCompensation(items.GetProperty("below").GetInt32(), Flag(items, "fetching"))
            : null,
    };

    private static void WriteReport(Utf8JsonWriter writer, AttemptReport? report)
    {
        if (report is null)
        {
            return;
        }

        writer.WriteStartObject("report");
        WriteTime(writer, "started_at", report.StartedAt);
        WriteTime(writer, "at", report.At);
        if (report.Progress is { } progress)
        {
            writer.WriteNumber("progress", progress);
        }

        WriteText(writer, "text", report.Text);
        WriteText(writer, "worker", report.Worker);
        writer.WriteEndObject();
    }

    private static AttemptReport? ReadReport(JsonElement json) => json.TryGetProperty("report", out var report)
        ? new AttemptReport(report.GetProperty("started_at").GetDateTimeOffset(), report.GetProperty("at").GetDateTimeOffset())
        {
            Progress = report.TryGetProperty("progress", out var progress) ? progress.GetDouble() : null,
            Text = Text(report, "text"),
            Worker = Text(report, "worker"),
        }
        : null;
}
