using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>Executes each kind of step.</summary>
internal static class Steps
{
    /// <summary>Runs a step. True if it is done; false if it is awaited, or has led elsewhere.</summary>
    public static bool Run(Transition transition, Sequence sequence, StepPlan step, int retryPass) => step switch
    {
        CallStep call => Call(transition, call, Math.Max(retryPass, Branches.RetryPass(transition.Saga, sequence))),
        ParallelStep parallel => Branches.Open(transition, parallel),
        EachStep each => EachItems.Begin(transition, each, retryPass),
        StartStep start => Start(transition, start),
        EmitStep emit => Emit(transition, emit),
        WaitStep wait => Wait(transition, sequence, wait),
        SetStep set => Set(transition, set),
        RespondStep respond => Respond(transition, respond),
        FailStep fail => Fail(transition, fail),
        _ => throw new InvalidOperationException($"Step '{step.Id}' has a type that the engine does not know: {step.GetType().Name}."),
    };

    private static bool Call(Transition transition, CallStep step, int retryPass)
    {
        var saga = transition.Saga;
        var scope = new SagaScope(transition.Plan, saga, transition.Now);
        if (!ValueJson.TryEvaluate(step.Invocation.Arguments, scope, out var arguments, out var problem))
        {
            transition.Fail(step.Catch, step.Id, StepCodes.ExpressionFailed, $"The arguments of step '{step.Id}': {problem}");
            return false;
        }

        var id = Identity.Command(saga.Facts.SagaId, $"{saga.State}/{step.Id}", saga.Visit, retryPass: retryPass);
        var stepCall = StepCall.Doing(step, arguments);
        Commands.Send(transition, id, StepDirections.Do, stepCall, retryPass);
        transition.Note(HistoryKinds.StepStarted, step.Id, ("operation", step.Invocation.Operation));
        return false;
    }

    // Nobody waits for the child's end.
    private static bool Start(Transition transition, StartStep step)
    {
        var saga = transition.Saga;
        if (!ValueJson.TryEvaluate(step.Input, new SagaScope(transition.Plan, saga, transition.Now), out var input, out var problem))
        {
            transition.Fail(step.Catch, step.Id, StepCodes.ExpressionFailed, $"The input of step '{step.Id}': {problem}");
            return false;
        }

        transition.Emit(new CommandToSend(
            Identity.Command(saga.Facts.SagaId, $"{saga.State}/{step.Id}", saga.Visit), 1, step.Id, StepDirections.Do, CallRole.Saga,
            step.Contract, null, input, TimeSpan.Zero, transition.Now + Outstanding.LifeTime)
        {
            Detached = true,
        });
        transition.Note(HistoryKinds.StepCompleted, step.Id, ("contract", step.Contract));
        return true;
    }

    // It is sent with the commit, or not at all, so it needs no compensation.
    private static bool Emit(Transition transition, EmitStep step)
    {
        var scope = new SagaScope(transition.Plan, transition.Saga, transition.Now);
        var key = step.Key?.Evaluate(scope) ?? CelValue.String(transition.Saga.Facts.Requester.CorrelationId.ToString());
        if (key.Kind != CelKind.String)
        {
            var why = key.IsError ? key.AsError() : $"text is required, not {key.Kind}.";
            transition.Fail(step.Catch, step.Id, StepCodes.ExpressionFailed, $"The key of step '{step.Id}': {why}");
            return false;
        }

        if (!ValueJson.TryEvaluate(step.Value, scope, out var value, out var problem))
        {
            transition.Fail(step.Catch, step.Id, StepCodes.ExpressionFailed, $"The value of step '{step.Id}': {problem}");
            return false;
        }

        transition.Publish(new EventToPublish(step.Id, step.Topic, key.AsString(), value));
        transition.Note(HistoryKinds.StepCompleted, step.Id, ("topic", step.Topic));
        return true;
    }

    // A time in the past is not waited for.
    private static bool Wait(Transition transition, Sequence sequence, WaitStep step)
    {
        var until = Times.After(transition.Now, step.For ?? TimeSpan.Zero);
        if (step.Until is { } expression)
        {
            var value = expression.Evaluate(new SagaScope(transition.Plan, transition.Saga, transition.Now));
            if (value.Kind != CelKind.Timestamp)
            {
                var why = value.IsError ? value.AsError() : $"a timestamp is required, not {value.Kind}.";
                transition.Fail([], step.Id, StepCodes.ExpressionFailed, $"The time of step '{step.Id}': {why}");
                return false;
            }

            until = value.AsTimestamp();
        }

        if (until <= transition.Now)
        {
            return true;
        }

        Branches.Wait(transition, sequence, until);
        transition.Note(HistoryKinds.Waiting, step.Id, ("until", until));
        return false;
    }

    private static bool Set(Transition transition, SetStep step)
    {
        var scope = new SagaScope(transition.Plan, transition.Saga, transition.Now);
        if (!Assignments.TryApply(step.Assignments, scope, transition.Saga.Data, out var data, out var problem))
        {
            transition.Fail([], step.Id, StepCodes.ExpressionFailed, $"What step '{step.Id}' sets as {problem}");
            return false;
        }

        Interruption.Freeze(transition);
        transition.Saga = transition.Saga with { Data = data };
        transition.Note(HistoryKinds.StepCompleted, step.Id);
        return true;
    }

    // A saga has one response. A later `respond` step does not change it.
    private static bool Respond(Transition transition, RespondStep step)
    {
        if (transition.Saga.Response is not null)
        {
            return true;
        }

        if (!ValueJson.TryEvaluate(
            step.Payload, new SagaScope(transition.Plan, transition.Saga, transition.Now), out var payload, out var problem))
        {
            transition.Fail([], step.Id, StepCodes.ExpressionFailed, $"The response of step '{step.Id}': {problem}");
            return false;
        }

        transition.Saga = transition.Saga with { Response = payload };
        transition.Note(HistoryKinds.Responded, step.Id);
        Endings.AnswerAll(transition);
        return true;
    }

    private static bool Fail(Transition transition, FailStep step)
    {
        var message = step.Message.Evaluate(new SagaScope(transition.Plan, transition.Saga, transition.Now));
        var (code, text) = message.Kind == CelKind.String
            ? (step.Code, message.AsString())
            : (StepCodes.ExpressionFailed,
                $"The message of step '{step.Id}': {(message.IsError ? message.AsError() : $"text is required, not {message.Kind}.")}");
        transition.Note(HistoryKinds.StepRejected, step.Id, ("code", code), ("message", text));
        transition.Fail(step.Catch, step.Id, code, text);
        return false;
    }
}

/// <summary>Assignments to <c>data</c>.</summary>
internal static class Assignments
{
    /// <summary>
    /// The data after all assignments. Every value is evaluated over the data as it was before. False with the field and what is wrong.
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
                reason = $"{mismatch!.Pointer} {mismatch.Problem}";
            }
            else if (ValueJson.TryWrite(value, out _, out reason) && value.Kind is CelKind.Map or CelKind.List)
            {
                // As it is after the row is read again, so that decisions do not depend on a reload.
                value = StoredOrder.Of(value);
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
