using System.Collections.Immutable;
using System.Text.Json;
using Onex.Contracts.Expressions;
using Onex.Contracts.Messages;
using Onex.Contracts.Plans;
using Onex.Engine;
using Onex.Persistence.Sagas;
using static Onex.Orchestrator.Mapping.RowJson;

namespace Onex.Orchestrator.Mapping;

/// <summary>Maps a saga to its row and back. People read the names in the JSON columns with <c>psql</c>.</summary>
internal static class SagaRows
{
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
        Data = Json(saga.Data, ProgressJson.WriteValues),
        Progress = Json(saga, ProgressJson.WriteProgress),
        Fault = saga.Fault is { } fault ? Json(fault, WriteFault) : null,
        ReplyTo = saga.Facts.Requester.ReplyTo,
        Headers = Json(saga.Facts.Requester, static (writer, requester) => RequesterJson.WriteRequester(writer, requester, whole: false)),
        Waiters = saga.Waiters.IsEmpty ? null : Json(saga.Waiters, RequesterJson.WriteWaiters),
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
    /// The state of a row, with the values of <c>data</c> converted to the types that the plan declares. Output, response and
    /// buffered events are missing, because they are rows of their own; <paramref name="hasResponded"/> says whether there is a response.
    /// </summary>
    public static SagaState FromRow(Plan plan, SagaRow row, RawJson input, out bool hasResponded)
    {
        using var progress = JsonDocument.Parse(row.Progress.Utf8, ValueJson.ReaderOptions);
        using var headers = JsonDocument.Parse((row.Headers ?? RawJson.EmptyObject).Utf8, ValueJson.ReaderOptions);
        var root = progress.RootElement;
        hasResponded = Flag(root, "responded");

        // Only converts the types: the input was validated when the saga started.
        _ = plan.Input.Validate(StoredValues.Read(input.Utf8.Span), out var typed);
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
                Requester = RequesterJson.ReadRequester(headers.RootElement, row),
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
            StepIndex = Count(root, "step"),
            Outstanding = ReadArray(root, "outstanding", CommandJson.ReadOutstanding),
            Compensables = ReadArray(root, "undo", CommandJson.ReadCompensable),
            PastPivot = Flag(root, "past_pivot"),
            Branches = ReadArray(root, "branches", ProgressJson.ReadBranch),
            EachRuns = ReadArray(root, "each", ProgressJson.ReadEach),
            Blockages = ReadArray(root, "blocked", ProgressJson.ReadBlockage),
            PausedBy = ProgressJson.ReadOperatorRequest(root, "paused"),
            CancelledBy = ProgressJson.ReadOperatorRequest(root, "cancelled"),
            EnteredAt = Time(root, "entered_at") ?? row.UpdatedAt,
            StateDueAt = Time(root, "state_due_at"),
            DeadlineAt = Time(root, "deadline_at"),
            WaitUntil = Time(root, "wait_until"),
            WaitingFor = ReadArray(root, "waiting_for", name => name.GetString()!),
            Leaving = root.TryGetProperty("leaving", out var leaving)
                ? new Departure(leaving.GetProperty("next").GetString()!) { Failed = Flag(leaving, "failed"), At = Time(leaving, "at") }
                : null,
            Idle = root.TryGetProperty("idle_entries", out var idle)
                ? idle.EnumerateObject().ToImmutableDictionary(
                    entry => entry.Name,
                    entry => new IdleEntries(
                        entry.Value.GetProperty("count").GetInt32(),
                        Count(entry.Value, "failures"),
                        entry.Value.GetProperty("mark").GetString()!))
                : ImmutableDictionary<string, IdleEntries>.Empty,
            Skipped = root.TryGetProperty("skipped", out var skipped)
                ? skipped.EnumerateArray().Select(id => id.GetString()!).ToImmutableSortedSet(StringComparer.Ordinal)
                : ImmutableSortedSet<string>.Empty.WithComparer(StringComparer.Ordinal),
            Held = ReadArray(root, "held", held => new HeldSequence(held.GetProperty("steps_of").GetString()!, Count(held, "round"))),
            Fault = row.Fault is { } fault ? ReadFault(fault) : null,
            Waiters = row.Waiters is { } waiters ? RequesterJson.ReadWaiters(waiters) : [],
            UpdatedAt = row.UpdatedAt,
            EndedAt = row.EndedAt,
        };
    }

    /// <summary>
    /// The row of an unreadable saga, blocked with the reason and without a timer. Only former blockages are lost: a version of Onex that
    /// can read the row, or an operator who repairs it, finds everything else.
    /// </summary>
    public static SagaRow ToBlocked(SagaRow row, string reason, Guid transitionId, DateTimeOffset now) => row with
    {
        Status = SagaStatus.Blocked,
        Progress = WithBlockage(row.Progress, reason, now),
        Version = row.Version + 1,
        LastTransitionId = transitionId,
        UpdatedAt = now > row.UpdatedAt ? now : row.UpdatedAt,
        NextWakeupAt = null,
        Parked = true,
    };

    // Replaces only the blockages and the reason that people read. Progress that is not a JSON object is unchanged.
    private static RawJson WithBlockage(RawJson progress, string reason, DateTimeOffset now)
    {
        using var document = JsonDocument.Parse(progress.Utf8, ValueJson.ReaderOptions);
        if (document.RootElement.ValueKind != JsonValueKind.Object)
        {
            return progress;
        }

        return Json(writer =>
        {
            foreach (
                var member in document.RootElement.EnumerateObject().Where(member => member.Name is not ("blocked" or "blocked_because")))
            {
                member.WriteTo(writer);
            }

            writer.WriteString("blocked_because", reason);
            WriteArray(writer, "blocked", [new Blockage(BlockedBy.Handling, null, null, 0, now, reason)], ProgressJson.WriteBlockage);
        });
    }

    private static ImmutableDictionary<string, CelValue> ReadData(Plan plan, RawJson json, JsonElement? kinds)
    {
        using var document = JsonDocument.Parse(json.Utf8, ValueJson.ReaderOptions);
        var data = ImmutableDictionary.CreateBuilder<string, CelValue>(StringComparer.Ordinal);
        foreach (var field in plan.Data)
        {
            if (document.RootElement.TryGetProperty(field.Name, out var stored))
            {
                var value = StoredValues.Read(stored, Member(kinds, field.Name));
                data[field.Name] = field.Type.TryConvert(value, out var typed, out _) ? typed : value;
            }
        }

        return data.ToImmutable();
    }

    private static ImmutableDictionary<string, CelValue> ReadValues(JsonElement values, JsonElement? kinds) =>
        values.EnumerateObject()
            .ToImmutableDictionary(value => value.Name, value => StoredValues.Read(value.Value, Member(kinds, value.Name)));

    private static void WriteFault(Utf8JsonWriter writer, Fault fault)
    {
        writer.WriteString("code", fault.Code);
        writer.WriteString("message", fault.Message);
        writer.WriteString("step", fault.Step);
        writer.WriteString("at", fault.At);
    }

    private static Fault ReadFault(RawJson json)
    {
        using var document = JsonDocument.Parse(json.Utf8, ValueJson.ReaderOptions);
        var root = document.RootElement;
        return new Fault(
            root.GetProperty("code").GetString()!,
            root.GetProperty("message").GetString()!,
            Text(root, "step"),
            root.GetProperty("at").GetDateTimeOffset());
    }
}
