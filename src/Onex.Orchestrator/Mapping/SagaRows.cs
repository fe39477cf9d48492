using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Mapping;

/// <summary>Maps a saga to its row and back. People read the names in the JSON columns with <c>psql</c>.</summary>
internal static partial class SagaRows
{
    private const string Handling = "handling";

    /// <summary>The row of a state, after the transition that led to it.</summary>
    public static SagaRow ToRow(SagaState saga, long version, Guid transitionId) => new()
    {
        Id = saga.Facts.SagaId,
        Contract = saga.Facts.Contract,
        ContractVersion = saga.Facts.ContractVersion,
        ContractHash = saga.Facts.ContractHash,
        CorrelationId = saga.Facts.Requester.CorrelationId,
        RequestId = saga.Facts.Requester.RequestId,
        RequestHash = saga.Facts.Requester.RequestHash,
        BusinessKey = saga.Facts.BusinessKey,
        ParentId = saga.Facts.Requester.Parent?.SagaId,
        Source = saga.Facts.Requester.Source,
        State = saga.State,
        Status = saga.Status,
        Data = Json(saga.Data, WriteValues),
        Progress = Json(saga, WriteProgress),
        Fault = saga.Fault is { } fault ? Json(fault, WriteFault) : null,
        ReplyTo = saga.Facts.Requester.ReplyTo,
        Headers = Json(saga.Facts.Requester, static (writer, requester) => WriteRequester(writer, requester, whole: false)),
        Waiters = saga.Waiters.IsEmpty ? null : Json(saga.Waiters, WriteWaiters),
        HomePartition = saga.Facts.HomePartition,
        Version = version,
        LastTransitionId = transitionId,
        StartedAt = saga.Facts.StartedAt,
        UpdatedAt = saga.UpdatedAt,
        EndedAt = saga.EndedAt,
        NextWakeupAt = saga.EndedAt is null ? saga.NextWakeupAt : null,
        Parked = saga.EndedAt is null && saga.Parked,
    };

    /// <summary>
    /// The state of a row. The plan gives the values of <c>data</c> their types. Output and response are rows of their own and missing
    /// here; <paramref name="hasResponded"/> says whether there is a response.
    /// </summary>
    public static SagaState FromRow(Plan plan, SagaRow row, RawJson input, out bool hasResponded)
    {
        using var progress = JsonDocument.Parse(row.Progress.Utf8, ValueJson.Reading);
        using var headers = JsonDocument.Parse((row.Headers ?? RawJson.EmptyObject).Utf8, ValueJson.Reading);
        var root = progress.RootElement;
        hasResponded = Flag(root, "responded");
        var given = StoredValues.Read(input.Utf8.Span);
        _ = plan.Input.Validate(given, out var typed);
        return new SagaState
        {
            Facts = new SagaFacts
            {
                SagaId = row.Id,
                Contract = row.Contract,
                ContractVersion = row.ContractVersion,
                ContractHash = row.ContractHash,
                HomePartition = row.HomePartition,
                StartedAt = row.StartedAt,
                BusinessKey = row.BusinessKey,
                Input = typed,
                Requester = ReadRequester(headers.RootElement, row),
            },
            State = row.State,
            Status = row.Status,
            Data = ReadData(plan, row.Data, Member(root, "data_kinds")),
            Results = root.TryGetProperty("steps", out var steps)
                ? ReadValues(steps, Member(root, "steps_kinds"))
                : ImmutableDictionary<string, CelValue>.Empty,
            Visits = root.TryGetProperty("visits", out var visits)
                ? visits.EnumerateObject().ToImmutableDictionary(visit => visit.Name, visit => visit.Value.GetInt32())
                : ImmutableDictionary<string, int>.Empty,
            StepIndex = root.TryGetProperty("step", out var step) ? step.GetInt32() : 0,
            Outstanding = root.TryGetProperty("outstanding", out var outstanding)
                ? [.. outstanding.EnumerateArray().Select(ReadOutstanding)]
                : [],
            Compensables = root.TryGetProperty("undo", out var undo) ? [.. undo.EnumerateArray().Select(ReadCompensable)] : [],
            PastPivot = root.TryGetProperty("past_pivot", out var pivot) && pivot.GetBoolean(),
            Branches = root.TryGetProperty("branches", out var branches) ? [.. branches.EnumerateArray().Select(ReadBranch)] : [],
            Eaches = root.TryGetProperty("each", out var eaches) ? [.. eaches.EnumerateArray().Select(ReadEach)] : [],
            Blockages = root.TryGetProperty("blocked", out var blocked) ? [.. blocked.EnumerateArray().Select(ReadBlockage)] : [],
            PausedBy = ReadOperatorRequest(root, "paused"),
            CancelledBy = ReadOperatorRequest(root, "cancelled"),
            EnteredAt = Time(root, "entered_at") ?? row.UpdatedAt,
            StateDueAt = Time(root, "state_due_at"),
            DeadlineAt = Time(root, "deadline_at"),
            WaitUntil = Time(root, "wait_until"),
            WaitingFor = root.TryGetProperty("waiting_for", out var names)
                ? [.. names.EnumerateArray().Select(name => name.GetString()!)]
                : [],
            Leaving = root.TryGetProperty("leaving", out var leaving)
                ? new Departure(leaving.GetProperty("next").GetString()!) { Failed = Flag(leaving, "failed"), At = Time(leaving, "at") }
                : null,
            Idle = root.TryGetProperty("idle_entries", out var idle)
                ? idle.EnumerateObject().ToImmutableDictionary(
                    entry =>
                        entry.Name, entry =>
                            new IdleEntries(
                                entry.Value.GetProperty("count").GetInt32(),
                                Count(entry.Value, "failures"),
                                entry.Value.GetProperty("mark").GetString()!))
                : ImmutableDictionary<string, IdleEntries>.Empty,
            Skipped = root.TryGetProperty("skipped", out var skipped)
                ? skipped.EnumerateArray().Select(id => id.GetString()!).ToImmutableSortedSet(StringComparer.Ordinal)
                : ImmutableSortedSet<string>.Empty.WithComparer(StringComparer.Ordinal),
            Held = root.TryGetProperty("held", out var held)
                ? [
                    .. held.EnumerateArray()
                        .Select(each => new HeldSequence(each.GetProperty("steps_of").GetString()!, Count(each, "round"))),
                ]
                : [],
            Fault = row.Fault is { } fault ? ReadFault(fault) : null,
            Waiters = row.Waiters is { } waiters ? ReadWaiters(waiters) : [],
            UpdatedAt = row.UpdatedAt,
            EndedAt = row.EndedAt,
        };
    }

    private static void WriteProgress(Utf8JsonWriter writer, SagaState saga)
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
                writer.WriteString("mark", entries.Mark);
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

        WriteArray(writer, "held", saga.Held, (to, held) =>
        {
            to.WriteString("steps_of", held.Key);
            WriteCount(to, "round", held.RetryPass);
        });
        WriteArray(writer, "branches", saga.Branches, WriteBranch);
        WriteArray(writer, "each", saga.Eaches, WriteEach);
        WriteArray(writer, "outstanding", saga.Outstanding, WriteOutstanding);
        WriteArray(writer, "undo", saga.Compensables, WriteCompensable);
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

    private static void WriteBlockage(Utf8JsonWriter to, Blockage blockage)
    {
        to.WriteString("kind", blockage.Kind switch
        {
            BlockedBy.Step => "step",
            BlockedBy.Compensation => "compensation",
            BlockedBy.Interrupted => "interrupted",
            BlockedBy.Unknown => "unknown",
            BlockedBy.Handling => Handling,
            _ => "way",
        });
        WriteText(to, "step", blockage.Step);
        if (blockage.CommandId is { } command)
        {
            to.WriteString("command_id", command);
        }

        WriteNumber(to, "item", blockage.Item);
        WriteCount(to, "round", blockage.RetryPass);
        WriteTime(to, "at", blockage.At);
        to.WriteString("reason", blockage.Reason);
        WriteText(to, "code", blockage.Code);
        WriteText(to, "failure", blockage.Failure);
    }

    private static Blockage ReadBlockage(JsonElement json) => new(
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

    private static BranchState ReadBranch(JsonElement json) =>
        new(json.GetProperty("parallel").GetString()!, json.GetProperty("branch").GetInt32())
        {
            Index = json.GetProperty("step").GetInt32(),
            Phase = json.GetProperty("phase").GetString() switch
            {
                "running" => BranchPhase.Running,
                "completed" => BranchPhase.Completed,
                "failed" => BranchPhase.Failed,
                _ => BranchPhase.Lost,
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
        WriteText(writer, "broken", run.Broken);
        if (!run.Totals.IsEmpty)
        {
            WriteValue(writer, "totals", CelValue.List([.. run.Totals]));
        }

        if (run.Items is { } items)
        {
            WriteValue(writer, "items", items);
        }
    }

    private static EachRun ReadEach(JsonElement json) => new(json.GetProperty("step").GetString()!, json.GetProperty("total").GetInt32())
    {
        Next = json.GetProperty("next").GetInt32(),
        Completed = json.GetProperty("completed").GetInt32(),
        Failed = json.GetProperty("failed").GetInt32(),
        Gathering = Flag(json, "gathering"),
        Broken = Text(json, "broken"),
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

    private static OperatorRequest? ReadOperatorRequest(JsonElement json, string name) => json.TryGetProperty(name, out var request)
        ? new OperatorRequest(
            request.GetProperty("by").GetString()!, Text(request, "reason"), request.GetProperty("at").GetDateTimeOffset())
        : null;

    private static void WriteOutstanding(Utf8JsonWriter writer, Outstanding command)
    {
        writer.WriteString("command_id", command.CommandId);
        writer.WriteString("step", command.Step);
        WriteNumber(writer, "item", command.Item);
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
        WriteCount(writer, "resent", command.Resent);
        WriteFlag(writer, "interrupted", command.Interrupted);
        WriteFlag(writer, "kept", command.Kept);
        WriteFlag(writer, "answered", command.Answered);
        if (command.ItemValue is { } item)
        {
            WriteValue(writer, "item_value", item);
        }

        writer.WriteString("happened", command.Happened switch
        {
            Happening.No => "no",
            Happening.Yes => "yes",
            _ => "unknown",
        });
        WriteCount(writer, "ended_attempt", command.EndedAttempt);
        WriteCount(writer, "interrupted_at", command.InterruptedAt);
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

    private static Outstanding ReadOutstanding(JsonElement json) => new()
    {
        CommandId = new(json.GetProperty("command_id").GetGuid()),
        Step = json.GetProperty("step").GetString()!,
        Item = Number(json, "item"),
        ItemValue = ReadValue(json, "item_value"),
        Answered = Flag(json, "answered"),
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
        Resent = Count(json, "resent"),
        Interrupted = Flag(json, "interrupted"),
        Kept = Flag(json, "kept"),
        RetryPass = Count(json, "round"),
        AttemptsBefore = Count(json, "attempts_before"),
        RetriedAt = Time(json, "retried_at"),
        Happened = Text(json, "happened") switch
        {
            "no" => Happening.No,
            "yes" => Happening.Yes,
            "unknown" => Happening.Unknown,

            // A version without this field wrote the row: an attempt that had ended may have taken effect.
            _ => json.GetProperty("attempt").GetInt32() > 1 || json.GetProperty("phase").GetString() is "backing_off" or "stuck"
                ? Happening.Unknown
                : Happening.No,
        },
        EndedAttempt = Count(json, "ended_attempt"),
        InterruptedAt = Count(json, "interrupted_at"),
        Report = ReadReport(json),
        ArgumentsIfDone = Text(json, "arguments_if_done") is { } done ? RawJson.FromText(done) : null,
        Arguments = Text(json, "arguments") is { } arguments ? RawJson.FromText(arguments) : null,
        ArgumentsIfUnknown = json.TryGetProperty("arguments_if_unknown", out var unknown)
            ? StoredOrder.Sort(RawJson.FromText(unknown.GetRawText()))
            : null,
    };

    private static void WriteCompensable(Utf8JsonWriter writer, Compensable compensable)
    {
        writer.WriteString("step", compensable.Step);
        writer.WriteString("state", compensable.State);
        writer.WriteString("command_id", compensable.CommandId);
        writer.WritePropertyName("arguments");
        writer.WriteRawValue(compensable.Arguments.Utf8.Span, skipInputValidation: true);
        WriteCount(writer, "round", compensable.RetryPass);
        WriteCount(writer, "visit", compensable.Visit);
        WriteNumber(writer, "item", compensable.Item);
        WriteFlag(writer, "lost", compensable.Lost);
        if (compensable.Items is { } items)
        {
            writer.WriteStartObject("items");
            writer.WriteNumber("below", items.Below);
            WriteFlag(writer, "fetching", items.Fetching);
            writer.WriteEndObject();
        }
    }

    private static Compensable ReadCompensable(JsonElement json) => new(
        json.GetProperty("step").GetString()!,
        json.GetProperty("state").GetString()!,
        new CommandId(json.GetProperty("command_id").GetGuid()),
        RawJson.FromText(json.GetProperty("arguments").GetRawText()))
    {
        RetryPass = Count(json, "round"),
        Visit = Count(json, "visit"),
        Item = Number(json, "item"),
        Lost = Flag(json, "lost"),
        Items = json.TryGetProperty("items", out var items)
            ? new ItemCompensation(items.GetProperty("below").GetInt32(), Flag(items, "fetching"))
            : null,
    };

    private static void WriteFault(Utf8JsonWriter writer, Fault fault)
    {
        writer.WriteString("code", fault.Code);
        writer.WriteString("message", fault.Message);
        writer.WriteString("step", fault.Step);
        writer.WriteString("at", fault.At);
    }

    private static Fault ReadFault(RawJson json)
    {
        using var document = JsonDocument.Parse(json.Utf8, ValueJson.Reading);
        var root = document.RootElement;
        return new Fault(
            root.GetProperty("code").GetString()!, root.GetProperty("message").GetString()!, Text(root, "step"), root.GetProperty("at")
                .GetDateTimeOffset());
    }

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static DateTimeOffset? Time(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) ? value.GetDateTimeOffset() : null;

    private static int? Number(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetInt32() : null;

    private static bool Flag(JsonElement json, string name) => json.TryGetProperty(name, out var value) && value.GetBoolean();

    private static int Count(JsonElement json, string name) => json.TryGetProperty(name, out var value) ? value.GetInt32() : 0;

    private static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset? at)
    {
        if (at is { } time)
        {
            writer.WriteString(name, time);
        }
    }

    private static void WriteText(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(name, text);
        }
    }

    private static void WriteCount(Utf8JsonWriter writer, string name, int count)
    {
        if (count > 0)
        {
            writer.WriteNumber(name, count);
        }
    }

    private static void WriteNumber(Utf8JsonWriter writer, string name, int? number)
    {
        if (number is { } value)
        {
            writer.WriteNumber(name, value);
        }
    }

    private static void WriteFlag(Utf8JsonWriter writer, string name, bool flag)
    {
        if (flag)
        {
            writer.WriteBoolean(name, true);
        }
    }

    private static void WriteArray<T>(Utf8JsonWriter writer, string name, ImmutableArray<T> items, Action<Utf8JsonWriter, T> write)
    {
        if (items.IsEmpty)
        {
            return;
        }

        writer.WriteStartArray(name);
        foreach (var item in items)
        {
            writer.WriteStartObject();
            write(writer, item);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    // A function that captures nothing is created once.
    private static RawJson Json<T>(T content, Action<Utf8JsonWriter, T> write)
    {
        using var rented = RentedJsonWriter.Rent();
        rented.Writer.WriteStartObject();
        write(rented.Writer, content);
        rented.Writer.WriteEndObject();
        return rented.ToJson();
    }

    /// <summary>A JSON object.</summary>
    internal static RawJson Json(Action<Utf8JsonWriter> write)
    {
        using var rented = RentedJsonWriter.Rent();
        rented.Writer.WriteStartObject();
        write(rented.Writer);
        rented.Writer.WriteEndObject();
        return rented.ToJson();
    }
}
