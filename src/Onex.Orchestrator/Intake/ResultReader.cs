using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Operations;

namespace Onex.Orchestrator.Intake;

/// <summary>Reads results of steps for the engine.</summary>
internal static class ResultReader
{
    /// <summary>The result in a record's value, or what is wrong with it.</summary>
    public static StepResult? Read(ReadOnlySpan<byte> value, out string? problem) =>
        Read(value, MessageJson.Default.StepResult, out problem);

    /// <summary>The message between sagas in a record's value, or what is wrong with it.</summary>
    public static SagaMessage? ReadSagaMessage(ReadOnlySpan<byte> value, out string? problem) =>
        Read(value, MessageJson.Default.SagaMessage, out problem);

    /// <summary>The event of a result.</summary>
    public static StepResultArrived ToEvent(StepResult result, MessageId causedBy) => new()
    {
        SagaId = result.SagaId,
        CausedBy = causedBy,
        CommandId = result.CommandId,
        Attempt = result.Attempt,
        Outcome = result.Outcome switch
        {
            StepOutcomes.Completed => StepOutcome.Completed,
            StepOutcomes.Rejected => StepOutcome.Rejected,
            _ => StepOutcome.Failed,
        },
        Result = result.Result is { IsNull: false } json ? CelValue.FromJson(json.Utf8.Span) : null,
        Code = result.Code,
        Message = result.Message,
        Unparsed = result.Unparsed,
        RetryAfter = result.RetryAfterMs is { } after ? TimeSpan.FromMilliseconds(Math.Max(after, 0)) : null,
        Reach = result.Reach switch
        {
            StepReaches.NotSent => AttemptReach.NotSent,
            StepReaches.Sent => AttemptReach.Sent,
            StepReaches.Answered => AttemptReach.Answered,
            StepReaches.Done => AttemptReach.Done,
            _ => null,
        },
    };

    /// <summary>The report in a record's value, or null if it is none.</summary>
    public static StepReport? ReadReport(ReadOnlySpan<byte> value) => Read(value, MessageJson.Default.StepReport, out _);

    /// <summary>The event of a report. Values out of bounds are clamped, because a report is only for people.</summary>
    public static StepReportArrived ToEvent(StepReport report, MessageId causedBy) => new()
    {
        SagaId = report.SagaId,
        CausedBy = causedBy,
        CommandId = report.CommandId,
        Attempt = report.Attempt,
        HasBegun = report.Report == StepReportKinds.Started,
        Progress = report.Progress is { } progress && double.IsFinite(progress) ? Math.Clamp(progress, 0, 1) : null,
        Text = Short(report.Text),
        Worker = Short(report.Worker),
    };

    // Without what the database cannot store.
    private static string? Short(string? text)
    {
        const int Most = 500;
        var end = text?.Length > Most ? (char.IsHighSurrogate(text[Most - 1]) ? Most - 1 : Most) : text?.Length ?? 0;
        return text?[..end].Replace("\0", "", StringComparison.Ordinal);
    }

    private static T? Read<T>(ReadOnlySpan<byte> value, JsonTypeInfo<T> type, out string? problem)
        where T : class
    {
        try
        {
            problem = null;
            return JsonSerializer.Deserialize(value, type);
        }
        catch (JsonException bad)
        {
            problem = Missing(value, type) ?? bad.Message;
            return null;
        }
    }

    // The reader's own text names a type of Onex, which means nothing to those who write workers.
    private static string? Missing(ReadOnlySpan<byte> value, JsonTypeInfo type)
    {
        try
        {
            var reader = new Utf8JsonReader(value);
            var json = JsonElement.ParseValue(ref reader);
            return json.ValueKind != JsonValueKind.Object
                ? "it is not a JSON object."
                : type.Properties.Where(property => property.IsRequired && !json.TryGetProperty(property.Name, out _))
                    .Select(property => $"'{property.Name}'").ToList() is { Count: > 0 } missing
                    ? $"it has no {string.Join(", ", missing)}."
                    : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
