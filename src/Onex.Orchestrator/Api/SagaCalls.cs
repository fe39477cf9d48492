using System.Globalization;
using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Engine;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Api;

/// <summary>
/// Calls that show sagas and send them commands. A page of history has at most <paramref name="historyMax"/> entries.
/// </summary>
internal sealed class SagaCalls(ISagaControl control, ISagaQueries sagas, int historyMax)
{
    private const int StuckMax = 1000;
    private const int HistoryPage = 200;

    // An error counts as recent within the last 20 versions of a saga.
    private const int RecentVersions = 20;

    // History is read after a position; this one is before the first entry of a version.
    private const int BeforeFirst = -1;

    public static CallException Unknown(SagaId id) => new(
        404,
        ErrorCodes.SagaUnknown,
        $"There is no saga {id}.",
        "It never started here, or its retention has expired. Search for it: onex sagas list --q TEXT.");

    public async Task ListAsync(ApiCall call)
    {
        var filter = new SagaFilter
        {
            Contract = call.Query("contract"),
            State = call.Query("state"),
            Statuses = call.Values<SagaStatus>("status", SagaStatusText.ToText),
            Key = call.Query("key"),
            Parent = call.Id("parent") is { } parent ? new SagaId(parent) : null,
            Text = call.Query("q"),
            After = call.Query("after"),
            Limit = call.Number("limit", @default: 50, max: 500),
        };
        await call.AnswerPageAsync(
            "sagas",
            async () =>
            {
                var page = await sagas.ListAsync(filter, call.Aborted);
                return (page.Sagas, page.Next);
            },
            SagaJson.WriteSummary);
    }

    public async Task CountAsync(ApiCall call)
    {
        var counts = await sagas.CountAsync(call.Aborted);
        await call.AnswerAsync(200, writer =>
        {
            writer.WriteStartArray("counts");
            foreach (var count in counts)
            {
                writer.WriteStartObject();
                writer.WriteString("contract", count.Contract);
                writer.WriteString("state", count.State);
                writer.WriteString("status", count.Status);
                writer.WriteNumber("count", count.Count);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
    }

    public async Task StuckAsync(ApiCall call)
    {
        var stuck = await sagas.StuckAsync(StuckMax, call.Aborted);
        await call.AnswerAsync(200, writer =>
        {
            writer.WriteStartArray("stuck");
            foreach (var saga in stuck)
            {
                writer.WriteStartObject();
                writer.WriteString("id", saga.Id);
                writer.WriteString("contract", saga.Contract);
                writer.WriteString("state", saga.State);
                writer.WriteString("status", saga.Status);
                writer.WriteString("updated_at", saga.UpdatedAt);
                writer.WriteString("reason", saga.Reason);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        });
    }

    public async Task ShowAsync(ApiCall call)
    {
        var id = call.SagaId;
        var detail = await sagas.FindAsync(id, call.Aborted) ?? throw Unknown(id);
        var why = await control.WhyAsync(id, call.Aborted);
        await call.AnswerAsync(200, writer => SagaJson.WriteDetail(writer, detail, why));
    }

    public async Task HistoryAsync(ApiCall call)
    {
        var id = call.SagaId;
        var limit = call.Number("limit", @default: Math.Min(HistoryPage, historyMax), max: historyMax);
        var (version, ordinal) = ParsePosition(call.Query("after"));
        var entries = await sagas.HistoryAsync(id, version, ordinal, limit, call.Aborted);
        if (entries.Count == 0 && await sagas.FindAsync(id, call.Aborted) is null)
        {
            throw Unknown(id);
        }

        await call.AnswerAsync(200, writer =>
        {
            writer.WriteStartArray("history");
            foreach (var entry in entries)
            {
                writer.WriteStartObject();
                SagaJson.WriteEntry(writer, entry);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (entries.Count == limit)
            {
                writer.WriteString("next", $"{entries[^1].Version}.{entries[^1].Ordinal}");
            }
        });
    }

    public async Task WhyAsync(ApiCall call)
    {
        var id = call.SagaId;
        var why = await control.WhyAsync(id, call.Aborted) ?? throw Unknown(id);
        var lastError = await FindLastErrorAsync(id, call.Aborted);
        await call.AnswerAsync(200, writer => SagaJson.WriteWhy(writer, why, lastError));
    }

    // Searches only the latest entries, because an old error does not explain the present state.
    private async Task<HistoryEntry?> FindLastErrorAsync(SagaId id, CancellationToken cancellation)
    {
        if (await sagas.FindAsync(id, cancellation) is not { } saga)
        {
            return null;
        }

        HistoryEntry? lastError = null;
        var (version, ordinal) = (Math.Max(1, saga.Row.Version - RecentVersions + 1), BeforeFirst);
        while (true)
        {
            var entries = await sagas.HistoryAsync(id, version, ordinal, HistoryPage, cancellation);
            lastError = entries.LastOrDefault(
                entry => entry.Detail is not null
                    && (entry.Kind == HistoryKind.AttemptFailed.ToText() || entry.Kind == HistoryKind.StepRejected.ToText())) ?? lastError;
            if (entries.Count < HistoryPage)
            {
                return lastError;
            }

            (version, ordinal) = (entries[^1].Version, entries[^1].Ordinal);
        }
    }

    public async Task ResponseAsync(ApiCall call)
    {
        var id = call.SagaId;
        var (exists, response) = await control.FindResponseAsync(id, call.Aborted);
        if (!exists)
        {
            throw Unknown(id);
        }

        await call.AnswerAsync(
            200,
            "application/json",
            response ?? throw new CallException(
                409, ErrorCodes.NotAllowedInState, $"Saga {id} has not responded yet.", "'onex sagas why' shows what it waits for."));
    }

    public async Task CommandAsync(ApiCall call, OperatorCommand command)
    {
        var id = call.SagaId;
        var body = await call.CommandAsync();
        var reason = ApiCall.Reason(body);
        if (command == OperatorCommand.Terminate)
        {
            CheckConfirmation(body, id);
        }

        var answer = await control.OperateAsync(id, command, call.Caller, reason, call.Aborted);
        switch (answer.Outcome)
        {
            case OperatorOutcome.NotFound:
                throw Unknown(id);
            case OperatorOutcome.NotAllowed:
                throw new CallException(409, ErrorCodes.NotAllowedInState, answer.Text, "'onex sagas why' shows what can be done.");
        }

        await call.AnswerAsync(200, writer =>
        {
            writer.WriteString("saga_id", id);
            writer.WriteString("text", answer.Text);
            writer.WriteString("status", answer.Status);
        });
    }

    // The confirmation names the saga, so that it cannot be used for another one.
    private static void CheckConfirmation(JsonElement body, SagaId id)
    {
        if (!body.TryGetProperty("confirm", out var confirm) || confirm.ValueKind != JsonValueKind.String
            || !string.Equals(confirm.GetString(), id.ToString(), StringComparison.OrdinalIgnoreCase))
        {
            throw new CallException(
                400,
                ErrorCodes.ConfirmationMissing,
                "Terminating a saga compensates nothing, and the call does not confirm that.",
                $"Give 'confirm': the saga's id, {id} (onex sagas terminate {id} --confirm {id}). 'cancel' compensates.");
        }
    }

    // The position of a history entry, written as VERSION.ORDINAL.
    private static (long Version, int Ordinal) ParsePosition(string? text)
    {
        if (text is null)
        {
            return (0, BeforeFirst);
        }

        return text.Split('.') is [var versionText, var ordinalText]
            && long.TryParse(versionText, NumberStyles.None, CultureInfo.InvariantCulture, out var version)
            && int.TryParse(ordinalText, NumberStyles.None, CultureInfo.InvariantCulture, out var ordinal)
            ? (version, ordinal)
            : throw new CallException(
                400, ErrorCodes.CallInvalid, "'after' is not a position in a history.", "Give the 'next' of the previous page unchanged.");
    }
}
