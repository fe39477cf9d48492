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
            problem = bad.Message;
            return null;
        }
    }
}
