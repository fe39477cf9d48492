using System.Collections.Immutable;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Executes each kind of step.</summary>
internal static class Steps
{
    /// <summary>Runs a step. True if it is done; false if it is awaited or the saga went elsewhere.</summary>
    public static bool Run(DecisionBuilder decision, Sequence sequence, StepPlan step, int retryPass) => step switch
    {
        CallStep call => Call(decision, call, Math.Max(retryPass, Branches.RetryPass(decision.Saga, sequence))),
        ParallelStep parallel => Branches.Start(decision, parallel),
        EachStep each => EachItems.Begin(decision, each, retryPass),
        StartStep start => Start(decision, start),
        EmitStep emit => Emit(decision, emit),
        WaitStep wait => Wait(decision, sequence, wait),
        SetStep set => Set(decision, set),
        RespondStep respond => Respond(decision, respond),
        FailStep fail => Fail(decision, fail),
        _ => throw new InvalidOperationException($"Step '{step.Id}' is of a kind that the engine does not know: {step.GetType().Name}."),
    };

    private static bool Call(DecisionBuilder decision, CallStep step, int retryPass)
    {
        var saga = decision.Saga;
        var scope = new SagaScope(decision.Plan, saga, decision.Now);
        if (!CallArguments.TryEvaluate(step.Invocation, scope, out var arguments, out var code, out var problem))
        {
            Flow.Fail(decision, step.Catch, step.Id, code, $"The arguments of step '{step.Id}': {problem}");
            return false;
        }

        var id = Identity.Command(saga.Facts.SagaId, $"{saga.State}/{step.Id}", saga.Visit, retryPass: retryPass);
        var stepCall = StepCall.ForStep(step, arguments);
        Commands.Begin(decision, id, StepDirection.Forward, stepCall, retryPass);
        decision.Note(HistoryKind.StepStarted, step.Id, ("operation", step.Invocation.Operation));
        return false;
    }

    // Nobody waits for the child's response.
    private static bool Start(DecisionBuilder decision, StartStep step)
    {
        var saga = decision.Saga;
        if (!ValueJson.TryEvaluate(step.Input, new SagaScope(decision.Plan, saga, decision.Now), out var input, out var problem))
        {
            Flow.Fail(decision, step.Catch, step.Id, StepCodes.ExpressionFailed, $"The input of step '{step.Id}': {problem}");
            return false;
        }

        decision.AddCommand(new CommandToSend(
            Identity.Command(saga.Facts.SagaId, $"{saga.State}/{step.Id}", saga.Visit), 1, step.Id, StepDirection.Forward, CallRole.Saga,
            step.Contract, null, input, TimeSpan.Zero, decision.Now + Outstanding.LifeTime)
        {
            Detached = true,
        });
        decision.Note(HistoryKind.StepCompleted, step.Id, ("contract", step.Contract));
        return true;
    }

    private static bool Emit(DecisionBuilder decision, EmitStep step)
    {
        var scope = new SagaScope(decision.Plan, decision.Saga, decision.Now);
        var key = step.Key?.Evaluate(scope) ?? CelValue.String(decision.Saga.Facts.Requester.CorrelationId.ToString());
        if (key.Kind != CelKind.String)
        {
            var why = key.IsError ? key.AsError() : $"text is required, not {key.Kind}.";
            Flow.Fail(decision, step.Catch, step.Id, StepCodes.ExpressionFailed, $"The key of step '{step.Id}': {why}");
            return false;
        }

        if (!ValueJson.TryEvaluate(step.Value, scope, out var value, out var problem))
        {
            Flow.Fail(decision, step.Catch, step.Id, StepCodes.ExpressionFailed, $"The value of step '{step.Id}': {problem}");
            return false;
        }

        decision.Publish(new EventToPublish(step.Id, step.Topic, key.AsString(), value));
        decision.Note(HistoryKind.StepCompleted, step.Id, ("topic", step.Topic));
        return true;
    }

    private static bool Wait(DecisionBuilder decision, Sequence sequence, WaitStep step)
    {
        var until = Times.After(decision.Now, step.For ?? TimeSpan.Zero);
        if (step.Until is { } expression)
        {
            var value = expression.Evaluate(new SagaScope(decision.Plan, decision.Saga, decision.Now));
            if (value.Kind != CelKind.Timestamp)
            {
                var why = value.IsError ? value.AsError() : $"a timestamp is required, not {value.Kind}.";
                Flow.Fail(decision, [], step.Id, StepCodes.ExpressionFailed, $"The time of step '{step.Id}': {why}");
                return false;
            }

            until = value.AsTimestamp();
        }

        if (until <= decision.Now)
        {
            return true;
        }

        Branches.Wait(decision, sequence, until);
        decision.Note(HistoryKind.Waiting, step.Id, ("until", until));
        return false;
    }

    private static bool Set(DecisionBuilder decision, SetStep step)
    {
        var scope = new SagaScope(decision.Plan, decision.Saga, decision.Now);
        if (!Assignments.TryApply(step.Assignments, scope, decision.Saga.Data, out var data, out var problem))
        {
            Flow.Fail(decision, [], step.Id, StepCodes.ExpressionFailed, $"What step '{step.Id}' sets as {problem}");
            return false;
        }

        Interruption.FreezeArguments(decision);
        decision.Saga = decision.Saga with { Data = data };
        decision.Note(HistoryKind.StepCompleted, step.Id);
        return true;
    }

    // A saga has one response. A later `respond` step does not change it.
    private static bool Respond(DecisionBuilder decision, RespondStep step)
    {
        if (decision.Saga.Response is not null)
        {
            return true;
        }

        if (!ValueJson.TryEvaluate(
            step.Payload, new SagaScope(decision.Plan, decision.Saga, decision.Now), out var payload, out var problem))
        {
            Flow.Fail(decision, [], step.Id, StepCodes.ExpressionFailed, $"The response of step '{step.Id}': {problem}");
            return false;
        }

        decision.Saga = decision.Saga with { Response = payload };
        decision.Note(HistoryKind.Responded, step.Id);
        Endings.AnswerAll(decision);
        return true;
    }

    private static bool Fail(DecisionBuilder decision, FailStep step)
    {
        var message = step.Message.Evaluate(new SagaScope(decision.Plan, decision.Saga, decision.Now));
        var (code, text) = message.Kind == CelKind.String
            ? (step.Code, message.AsString())
            : (StepCodes.ExpressionFailed,
                $"The message of step '{step.Id}': {(message.IsError ? message.AsError() : $"text is required, not {message.Kind}.")}");
        decision.Note(HistoryKind.StepRejected, step.Id, ("code", code), ("message", text));
        Flow.Fail(decision, step.Catch, step.Id, code, text);
        return false;
    }
}

/// <summary>Assignments to <c>data</c>.</summary>
internal static class Assignments
{
    /// <summary>
    /// The data after all assignments. Every value is evaluated with the data before them. False, with the reason, if one of them fails.
    /// </summary>
    public static bool TryApply(
        ImmutableArray<Assignment> assignments,
        IExpressionScope before,
        ImmutableDictionary<string, CelValue> data,
        out ImmutableDictionary<string, CelValue> after,
        out string? problem)
    {
        after = data;
        problem = null;
        foreach (var assignment in assignments)
        {
            var value = assignment.Value.Evaluate(before);
            string? reason = null;
            if (value.IsError)
            {
                reason = value.AsError();
            }
            else if (!assignment.Type.TryConvert(value, out value, out var mismatch))
            {
                reason = mismatch!.ToString();
            }
            else
            {
                reason = ValueJson.ProblemOf(value);
            }

            if (reason is null && value.Kind is CelKind.Map or CelKind.List)
            {
                // The value as it is after the row is read again, so that decisions do not depend on a reload.
                value = StoredOrder.Sort(value);
                value = assignment.Type.TryConvert(value, out var typed, out _) ? typed : value;
            }

            if (reason is not null)
            {
                problem = $"'{assignment.Field}' (`{assignment.Value}`): {reason}";
                return false;
            }

            after = after.SetItem(assignment.Field, value);
        }

        return true;
    }
}
