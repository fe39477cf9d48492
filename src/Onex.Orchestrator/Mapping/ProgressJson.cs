using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Engine;
using static Onex.Orchestrator.Mapping.RowJson;

namespace Onex.Orchestrator.Mapping;

/// <summary>The column <c>progress</c>: where a saga is, and what it waits for. Fields keep the names that stored rows have.</summary>
internal static class ProgressJson
{
    private const string Handling = "handling";

    public static void WriteProgress(Utf8JsonWriter writer, SagaState saga)
    {
        writer.WriteNumber("step", saga.StepIndex);
        WriteTime(writer, "entered_at", saga.EnteredAt);
        WriteWaits(writer, saga);
        writer.WriteStartObject("visits");
        foreach (var (state, count) in saga.Visits)
        {
            writer.WriteNumber(state, count);
        }

        writer.WriteEndObject();
        if (!saga.Results.IsEmpty)
        {
            writer.WriteStartObject("steps");
            WriteValues(writer, saga.Results);
            writer.WriteEndObject();
        }

        WriteKinds(writer, "data_kinds", saga.Data);
        WriteKinds(writer, "steps_kinds", saga.Results);

        if (!saga.Idle.IsEmpty)
        {
            writer.WriteStartObject("idle_entries");
            foreach (var (state, entries) in saga.Idle)
            {
                writer.WriteStartObject(state);
                writer.WriteNumber("count", entries.Count);
                WriteCount(writer, "failures", entries.Failures);
                writer.WriteString("mark", entries.Hash);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        if (!saga.Skipped.IsEmpty)
        {
            writer.WriteStartArray("skipped");
            foreach (var step in saga.Skipped)
            {
                writer.WriteStringValue(step);
            }

            writer.WriteEndArray();
        }

        WriteArray(writer, "held", saga.Held, (heldWriter, held) =>
        {
            heldWriter.WriteString("steps_of", held.Key);
            WriteCount(heldWriter, "round", held.RetryPass);
        });
        WriteArray(writer, "branches", saga.Branches, WriteBranch);
        WriteArray(writer, "each", saga.EachRuns, WriteEach);
        WriteArray(writer, "outstanding", saga.Outstanding, CommandJson.WriteOutstanding);
        WriteArray(writer, "undo", saga.Compensables, CommandJson.WriteCompensable);
        if (saga.PastPivot)
        {
            writer.WriteBoolean("past_pivot", true);
        }

        if (saga.Response is not null)
        {
            writer.WriteBoolean("responded", true);
        }

        WriteStops(writer, saga);
    }

    private static void WriteWaits(Utf8JsonWriter writer, SagaState saga)
    {
        WriteTime(writer, "state_due_at", saga.StateDueAt);
        WriteTime(writer, "deadline_at", saga.DeadlineAt);
        WriteTime(writer, "wait_until", saga.WaitUntil);
        if (!saga.WaitingFor.IsEmpty)
        {
            writer.WriteStartArray("waiting_for");
            foreach (var name in saga.WaitingFor)
            {
                writer.WriteStringValue(name);
            }

            writer.WriteEndArray();
        }

        if (saga.Leaving is { } leaving)
        {
            writer.WriteStartObject("leaving");
            writer.WriteString("next", leaving.Next);
            WriteFlag(writer, "failed", leaving.Failed);
            WriteTime(writer, "at", leaving.At);
            writer.WriteEndObject();
        }
    }

    private static void WriteStops(Utf8JsonWriter writer, SagaState saga)
    {
        WriteText(writer, "blocked_because", saga.BlockedBecause);
        WriteArray(writer, "blocked", saga.Blockages, WriteBlockage);
        WriteOperatorRequest(writer, "paused", saga.PausedBy);
        WriteOperatorRequest(writer, "cancelled", saga.CancelledBy);
    }

    public static void WriteBlockage(Utf8JsonWriter writer, Blockage blockage)
    {
        writer.WriteString("kind", blockage.Kind switch
        {
            BlockedBy.Step => "step",
            BlockedBy.Compensation => "compensation",
            BlockedBy.Interrupted => "interrupted",
            BlockedBy.Unknown => "unknown",
            BlockedBy.Handling => Handling,
            _ => "way",
        });
        WriteText(writer, "step", blockage.Step);
        if (blockage.CommandId is { } command)
        {
            writer.WriteString("command_id", command);
        }

        WriteNumber(writer, "item", blockage.Item);
        WriteCount(writer, "round", blockage.RetryPass);
        WriteTime(writer, "at", blockage.At);
        writer.WriteString("reason", blockage.Reason);
        WriteText(writer, "code", blockage.Code);
        WriteText(writer, "failure", blockage.Failure);
    }

    public static Blockage ReadBlockage(JsonElement json) => new(
        json.GetProperty("kind").GetString() switch
        {
            "step" => BlockedBy.Step,
            "compensation" => BlockedBy.Compensation,
            "interrupted" => BlockedBy.Interrupted,
            "unknown" => BlockedBy.Unknown,
            Handling => BlockedBy.Handling,
            _ => BlockedBy.Transition,
        },
        Text(json, "step"),
        json.TryGetProperty("command_id", out var command) ? new CommandId(command.GetGuid()) : null,
        Count(json, "round"),
        json.GetProperty("at").GetDateTimeOffset(),
        json.GetProperty("reason").GetString()!)
    {
        Item = Number(json, "item"),
        Code = Text(json, "code"),
        Failure = Text(json, "failure"),
    };

    private static void WriteBranch(Utf8JsonWriter writer, BranchState branch)
    {
        writer.WriteString("parallel", branch.Parallel);
        writer.WriteNumber("branch", branch.Branch);
        writer.WriteNumber("step", branch.Index);
        writer.WriteString("phase", branch.Phase switch
        {
            BranchPhase.Running => "running",
            BranchPhase.Completed => "completed",
            BranchPhase.Failed => "failed",
            _ => "lost",
        });
        WriteTime(writer, "wait_until", branch.WaitUntil);
        WriteCount(writer, "round", branch.RetryPass);
    }

    public static BranchState ReadBranch(JsonElement json) =>
        new(json.GetProperty("parallel").GetString()!, json.GetProperty("branch").GetInt32())
        {
            Index = json.GetProperty("step").GetInt32(),
            Phase = json.GetProperty("phase").GetString() switch
            {
                "running" => BranchPhase.Running,
                "completed" => BranchPhase.Completed,
                "failed" => BranchPhase.Failed,
                _ => BranchPhase.Dropped,
            },
            WaitUntil = Time(json, "wait_until"),
            RetryPass = Count(json, "round"),
        };

    private static void WriteEach(Utf8JsonWriter writer, EachRun run)
    {
        writer.WriteString("step", run.Step);
        writer.WriteNumber("total", run.Total);
        writer.WriteNumber("next", run.Next);
        writer.WriteNumber("completed", run.Completed);
        writer.WriteNumber("failed", run.Failed);
        WriteFlag(writer, "gathering", run.Gathering);
        WriteText(writer, "broken", run.AggregateProblem);
        if (!run.Totals.IsEmpty)
        {
            WriteValue(writer, "totals", CelValue.List([.. run.Totals]));
        }

        if (run.Items is { } items)
        {
            WriteValue(writer, "items", items);
        }
    }

    public static EachRun ReadEach(JsonElement json) => new(json.GetProperty("step").GetString()!, json.GetProperty("total").GetInt32())
    {
        Next = json.GetProperty("next").GetInt32(),
        Completed = json.GetProperty("completed").GetInt32(),
        Failed = json.GetProperty("failed").GetInt32(),
        Gathering = Flag(json, "gathering"),
        AggregateProblem = Text(json, "broken"),
        Totals = ReadValue(json, "totals") is { } totals ? [.. totals.AsList()] : [],
        Items = ReadValue(json, "items"),
    };

    private static void WriteOperatorRequest(Utf8JsonWriter writer, string name, OperatorRequest? request)
    {
        if (request is not null)
        {
            writer.WriteStartObject(name);
            writer.WriteString("by", request.By);
            WriteText(writer, "reason", request.Reason);
            WriteTime(writer, "at", request.At);
            writer.WriteEndObject();
        }
    }

    public static OperatorRequest? ReadOperatorRequest(JsonElement json, string name) => json.TryGetProperty(name, out var request)
        ? new OperatorRequest(
            request.GetProperty("by").GetString()!, Text(request, "reason"), request.GetProperty("at").GetDateTimeOffset())
        : null;

    public static void WriteValues(Utf8JsonWriter writer, ImmutableDictionary<string, CelValue> values)
    {
        foreach (var (name, value) in values)
        {
            writer.WritePropertyName(name);
            Write(writer, value);
        }
    }

    // Writes the types that plain JSON does not have. Most values have none, and then the field is left out.
    private static void WriteKinds(Utf8JsonWriter writer, string name, ImmutableDictionary<string, CelValue> values)
    {
        var hasStarted = false;
        foreach (var (field, value) in values)
        {
            if (StoredValues.NeedsMark(value))
            {
                if (!hasStarted)
                {
                    writer.WriteStartObject(name);
                    hasStarted = true;
                }

                writer.WritePropertyName(field);
                StoredValues.WriteMark(value, writer);
            }
        }

        if (hasStarted)
        {
            writer.WriteEndObject();
        }
    }
}
