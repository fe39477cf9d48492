using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Operations;

namespace Onex.Engine.Examples;

/// <summary>Answers commands instead of the roles, as the scripts of an example say.</summary>
internal sealed class ScriptedSteps(ExamplePlan example)
{
    private readonly Dictionary<string, int> _calls = new(StringComparer.Ordinal);

    /// <summary>Whether the example scripts the command's step.</summary>
    public bool Has(CommandToSend command) => example.Scripts.ContainsKey(NameOf(command));

    /// <summary>The error of an expression that reads the result of an unscripted step.</summary>
    public static string Missing(string step) => $"script the result of step '{step}'";

    /// <summary>The answer to a command. <paramref name="problem"/> is what is wrong with the script, or null.</summary>
    public StepResultArrived Answer(CommandToSend command, SagaId saga, out string? problem)
    {
        problem = null;
        if (!example.Scripts.TryGetValue(NameOf(command), out var script))
        {
            return Result(command, saga, StepOutcome.Completed, StandIn(command), null) with { IsStandIn = true };
        }

        var call = _calls.GetValueOrDefault(NameOf(command));
        _calls[NameOf(command)] = call + 1;
        var answer = script.Answers[Math.Min(call, script.Answers.Length - 1)];
        return answer.Outcome switch
        {
            ScriptedOutcome.Failed =>
                Result(command, saga, StepOutcome.Failed, null, Code(answer)) with { Reach = FailureCodes.ReachOf(Code(answer)) },
            ScriptedOutcome.Rejected => Result(command, saga, StepOutcome.Rejected, null, Code(answer)),
            _ when IsHttp(command) => Http(command, saga, answer.Result, out problem),
            _ => Result(command, saga, StepOutcome.Completed, answer.Result.IsNull ? CelValue.Map([]) : answer.Result, null),
        };
    }

    /// <summary>The end of a child that its parent cancelled: it has compensated its steps.</summary>
    public static StepResultArrived Cancelled(CommandToSend command, SagaId saga) =>
        Result(command, saga, StepOutcome.Rejected, null, StepCodes.Cancelled);

    /// <summary>The name of a command's script.</summary>
    public static string NameOf(CommandToSend command) =>
        command.Direction == StepDirection.Compensation ? ExamplePlan.CompensationOf(command.Step) : command.Step;

    // The script, completed with the fields that every HTTP response has, and classified as in production.
    private static StepResultArrived Http(CommandToSend command, SagaId saga, CelValue script, out string? problem)
    {
        problem = null;
        var fields = new Dictionary<string, CelValue>(StringComparer.Ordinal)
        {
            ["status_code"] = CelValue.Int(200),
            ["headers"] = CelValue.Map([]),
            ["body"] = CelValue.Null,
        };
        if (script.Kind is not (CelKind.Map or CelKind.Null))
        {
            problem = "is not a map: an HTTP response has status_code, headers and body";
        }

        foreach (var (key, value) in script.Kind == CelKind.Map ? script.AsMap() : [])
        {
            problem ??= fields.ContainsKey(key) ? null : $"has '{key}': an HTTP response has status_code, headers and body";
            fields[key] = value;
        }

        if (fields["status_code"].Kind != CelKind.Int)
        {
            problem ??= "has a status_code that is not a whole number";
            fields["status_code"] = CelValue.Int(200);
        }

        var status = (int)Math.Clamp(fields["status_code"].AsInt(), 0, 999);
        var outcome = HttpStatuses.Classify(status) switch
        {
            HttpAnswer.Completed => StepOutcome.Completed,
            HttpAnswer.Failed => StepOutcome.Failed,
            _ => StepOutcome.Rejected,
        };
        return Result(
            command, saga, outcome, CelValue.Map(fields), outcome == StepOutcome.Completed ? null : HttpStatuses.Code(status)) with
        {
            Reach = HttpStatuses.ReachOf(status),
        };
    }

    // An unscripted HTTP call counts as a success with status 200. Nothing else about its answer is known.
    private static CelValue StandIn(CommandToSend command)
    {
        var missing = CelValue.Error(Missing(command.Step));
        return IsHttp(command)
            ? CelValue.Map([new("status_code", CelValue.Int(200)), new("headers", CelValue.Map([])), new("body", missing)])
            : missing;
    }

    private static bool IsHttp(CommandToSend command) => command.Operation.StartsWith("http.", StringComparison.Ordinal);

    private static string Code(ScriptedAnswer answer) => answer.Code == "timeout" ? StepCodes.StepTimedOut : answer.Code!;

    private static StepResultArrived Result(
        CommandToSend command, SagaId saga, StepOutcome outcome, CelValue? result, string? code) => new()
        {
            SagaId = saga,
            CausedBy = Identity.Result(command.CommandId, command.Attempt, outcome.ToString()),
            CommandId = command.CommandId,
            Attempt = command.Attempt,
            Outcome = outcome,
            Result = result,
            Code = code,
            Message = code is null ? null : "The example says so.",
        };
}
