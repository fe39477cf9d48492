using System.Globalization;
using System.Text.RegularExpressions;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Messages;

namespace Onex.Orchestrator.Intake;

/// <summary>
/// Checks results of workers, which other teams may have written. A result with a problem becomes a failed one that describes the problem.
/// </summary>
internal static partial class WorkerResults
{
    private const int TextLengthMax = 2_000;

    /// <summary>The result itself, or a failed one with the reason.</summary>
    public static StepResult Check(StepResult result)
    {
        var bytes = result.Result is { } json ? json.Utf8.Length : 0;
        if (result.Outcome is not (StepOutcomes.Completed or StepOutcomes.Rejected or StepOutcomes.Failed))
        {
            return Failed(
                result, StepCodes.ResultInvalid, StepReaches.Sent,
                $"The worker answered with the outcome '{Clip(result.Outcome, 50)}'; there are completed, rejected and failed.");
        }

        if (bytes > MessageSizes.RemoteMax)
        {
            return Failed(
                result, StepCodes.ResultTooLarge, result.Outcome == StepOutcomes.Completed ? StepReaches.Done : result.Reach,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The worker's result has {bytes:N0} bytes; {MessageSizes.RemoteMax:N0} are allowed. Store the data elsewhere and "
                        + $"return its address."));
        }

        if (result.Code is { } code && !CodePattern().IsMatch(code))
        {
            return Failed(
                result, StepCodes.ResultInvalid, result.Outcome == StepOutcomes.Rejected ? StepReaches.Answered : result.Reach,
                $"The worker answered with the code '{Clip(code, 50)}'. Codes consist of lower-case letters, digits and '_'.");
        }

        if (result is { Outcome: StepOutcomes.Completed, ResultRef: null, Result: null or { IsNull: true } })
        {
            // Without a result, the saga would not check it against the declared types.
            result = result with { Result = RawJson.EmptyObject };
        }

        return result.Message?.Length > TextLengthMax ? result with { Message = Clip(result.Message, TextLengthMax) } : result;
    }

    private static StepResult Failed(StepResult result, string code, string? reach, string message) => result with
    {
        Outcome = StepOutcomes.Failed,
        Code = code,
        Reach = reach,
        Message = message,
        Result = null,
        ResultRef = null,
    };

    private static string Clip(string text, int length) =>
        text.Length <= length ? text : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[length - 1]) ? length - 1 : length), "...");

    [GeneratedRegex(@"^[a-z][a-z0-9_]{0,99}\z", RegexOptions.NonBacktracking)]
    private static partial Regex CodePattern();
}
