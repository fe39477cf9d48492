using System.Collections.Immutable;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;

namespace Onex.Engine;

/// <summary>The names that a contract's expressions may read.</summary>
internal sealed class SagaScope(Plan plan, SagaState saga, DateTimeOffset now, CelValue? result = null) : IExpressionScope
{
    /// <summary>The current item of an <c>each</c>, or null.</summary>
    public CelValue? Item { get; init; }

    /// <summary>Its index.</summary>
    public int Index { get; init; }

    /// <summary>The results of the items of an <c>each</c> and the failed items, while the step saves them.</summary>
    public (CelValue Results, CelValue Failures)? Gathered { get; init; }

    /// <summary>The payload of the current event, or null.</summary>
    public CelValue? Event { get; init; }

    /// <summary>The command to compensate, if the contract compensates it although its outcome is unknown; else null.</summary>
    public CommandId? CommandId { get; init; }

    /// <summary>Assignments that are not made because one of them fails: no field of theirs can be read, not even as null.</summary>
    public ImmutableArray<Assignment> Unreadable { get; init; } = [];

    public bool HasQualifiedNames => false;

    public bool TryGet(string name, out CelValue value)
    {
        switch (name)
        {
            case "input":
                value = saga.Facts.Input;
                return true;
            case "data":
                value = CelValue.Map(Fields());
                return true;
            case "steps":
                value = CelValue.Map(saga.Results);
                return true;
            case "result" when result is { } present:
                value = present;
                return true;
            case "item" when Item is { } item:
                value = item;
                return true;
            case "index" when Item is not null:
                value = CelValue.Int(Index);
                return true;
            case "results" when Gathered is { } gathered:
                value = gathered.Results;
                return true;
            case "failures" when Gathered is { } gathered:
                value = gathered.Failures;
                return true;
            case "event" when Event is { } data:
                value = data;
                return true;
            case "command_id" when CommandId is { } id:
                value = CelValue.String(id.ToString());
                return true;
            case "fault" when saga.Fault is { } fault:
                value = CelValue.Map(
                [
                    new("code", CelValue.String(fault.Code)),
                    new("message", CelValue.String(fault.Message)),
                    new("step", fault.Step is null ? CelValue.Null : CelValue.String(fault.Step)),
                    new("at", CelValue.Timestamp(fault.At)),
                ]);
                return true;
            case "saga":
                value = CelValue.Map(
                [
                    new("id", CelValue.String(saga.Facts.SagaId.ToString())),
                    new("contract", CelValue.String(saga.Facts.Contract)),
                    new("version", CelValue.String(saga.Facts.ContractVersion)),
                    new("started_at", CelValue.Timestamp(saga.Facts.StartedAt)),
                ]);
                return true;
            case "connections":
                value = plan.Connections;
                return true;
            case "now":
                value = CelValue.Timestamp(now);
                return true;
            default:
                value = default;
                return false;
        }
    }

    // A guard that reads one field or step does not pay for the map of all of them.
    public bool TryGetField(string name, string field, out CelValue value)
    {
        switch (name)
        {
            case "input":
                return saga.Facts.Input.TryGetField(field, out value);
            case "connections":
                return plan.Connections.TryGetField(field, out value);
            case "data" when saga.Data.TryGetValue(field, out value) && !IsUnreadable(field):
            case "steps" when saga.Results.TryGetValue(field, out value):
                return true;
            case "result" when result is { } present:
                return present.TryGetField(field, out value);
            case "event" when Event is { } data:
                return data.TryGetField(field, out value);
            default:
                value = default;
                return TryGet(name, out var all) && all.TryGetField(field, out value);
        }
    }

    // An operator who skips a step accepts that its result is missing.
    public string? WhyMissing(string name, string field) => name switch
    {
        "steps" when saga.Skipped.Contains(field) =>
            $"an operator skipped step '{field}', so that it has no result; test it with has(steps.{field}), or read steps.?{field}",
        "data" when saga.Skipped.FirstOrDefault(step => Saves(step, field)) is { } step =>
            $"an operator skipped step '{step}', so that 'data.{field}', which it saves, is not set; test it with has(data.{field}), "
                + $"or read data.?{field}",
        _ => null,
    };

    private bool Saves(string step, string field) => PlanFacts.For(plan).Step(step) switch
    {
        CallStep call => call.Save.Any(save => save.Field == field),
        EachStep each => each.Save.Any(save => save.Field == field),
        _ => false,
    };

    /// <summary>Why the value of a guard is not a bool.</summary>
    public static string WhyNoBool(CelValue value) => value.IsError ? value.AsError() : $"a bool is required, not {value.Kind}.";

    // A field that is not set is null if its type allows null, and absent otherwise.
    private IEnumerable<KeyValuePair<string, CelValue>> Fields()
    {
        foreach (var field in plan.Data.Where(field => !IsUnreadable(field.Name)))
        {
            if (saga.Data.TryGetValue(field.Name, out var value))
            {
                yield return new(field.Name, value);
            }
            else if (field.Type.TryConvert(CelValue.Null, out _, out _))
            {
                yield return new(field.Name, CelValue.Null);
            }
        }
    }

    // A loop without a lambda, so that a guard allocates nothing.
    private bool IsUnreadable(string field)
    {
        foreach (var assignment in Unreadable)
        {
            if (assignment.Field == field)
            {
                return true;
            }
        }

        return false;
    }
}
