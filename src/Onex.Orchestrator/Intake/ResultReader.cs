using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Operations;

namespace Onex.Orchestrator.Intake;

/// <summary>Reads results and reports of steps, and messages between sagas.</summary>
internal static class ResultReader
{
    /// <summary>The result in a record's value; null, with the problem, if it cannot be read.</summary>
    public static StepResult? Read(ReadOnlySpan<byte> value, out string? problem) =>
        Read(value, MessageJson.Default.StepResult, out problem);

    /// <summary>The message between sagas in a record's value; null, with the problem, if it cannot be read.</summary>
    public static SagaMessage? ReadSagaMessage(ReadOnlySpan<byte> value, out string? problem) =>
        Read(value, MessageJson.Default.SagaMessage, out problem);

    /// <summary>A result as a message for the engine.</summary>
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

    /// <summary>The report in a record's value; null if the value is not a report.</summary>
    public static StepReport? ReadReport(ReadOnlySpan<byte> value) => Read(value, MessageJson.Default.StepReport, out _);

    /// <summary>A report as a message for the engine. Progress and texts out of bounds are cut, because they are only for people.</summary>
    public static StepReportArrived ToEvent(StepReport report, MessageId causedBy) => new()
    {
        SagaId = report.SagaId,
        CausedBy = causedBy,
        CommandId = report.CommandId,
        Attempt = report.Attempt,
        HasBegun = report.Report == StepReportKinds.Started,
        Progress = report.Progress is { } progress && double.IsFinite(progress) ? Math.Clamp(progress, 0, 1) : null,
        Text = Clip(report.Text),
        Worker = Clip(report.Worker),
    };

    // Shortens the text, and removes U+0000, which the database cannot store.
    private static string? Clip(string? text)
    {
        const int CharsMax = 500;
        if (text?.Length > CharsMax)
        {
            text = text[..(char.IsHighSurrogate(text[CharsMax - 1]) ? CharsMax - 1 : CharsMax)];
        }

        return text?.Replace("\0", "", StringComparison.Ordinal);
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
            problem = DescribeMissing(value, type) ?? bad.Message;
            return null;
        }
    }

    // Names the missing fields; null if none is. System.Text.Json's message names a C# type of Onex, which authors of workers do not know.
    private static string? DescribeMissing(ReadOnlySpan<byte> value, JsonTypeInfo type)
    {
        try
        {
            var reader = new Utf8JsonReader(value);
            var json = JsonElement.ParseValue(ref reader);
            if (json.ValueKind != JsonValueKind.Object)
            {
                return "it is not a JSON object.";
            }

            var missing = type.Properties.Where(property => property.IsRequired && !json.TryGetProperty(property.Name, out _))
                .Select(property => $"'{property.Name}'").ToList();
            return missing.Count > 0 ? $"it has no {string.Join(", ", missing)}." : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
