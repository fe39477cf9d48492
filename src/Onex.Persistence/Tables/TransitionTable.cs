using System.Text.Json;
using Onex.Contracts.Messages;
using Onex.Persistence.Sagas;

namespace Onex.Persistence.Tables;

/// <summary>
/// A row of <c>saga_transitions</c>: history entries of one version of a saga. The view <c>saga_history</c> has a row for each entry.
/// </summary>
/// <param name="SagaId">The saga.</param>
/// <param name="First">The first entry, whose version, time and ordinal the row has.</param>
/// <param name="Entries">All entries: an array of kind, state, step and detail for each, without nulls at the end.</param>
internal readonly record struct TransitionRow(SagaId SagaId, HistoryEntry First, RawJson Entries);

/// <summary>The columns of <c>saga_transitions</c>.</summary>
internal static class TransitionTable
{
    public static readonly Table<TransitionRow> Columns = Create();

    /// <summary>Adds the rows of a saga's history: one for each run of consecutive entries with the same version and time.</summary>
    public static void AddRows(List<TransitionRow> rows, SagaId sagaId, IReadOnlyList<HistoryEntry> history)
    {
        for (var first = 0; first < history.Count;)
        {
            using var rented = RentedJsonWriter.Rent();
            var writer = rented.Writer;
            var next = first;
            writer.WriteStartArray();
            for (; next < history.Count && IsSameRow(history[first], history[next], next - first); next++)
            {
                Write(writer, history[next]);
            }

            writer.WriteEndArray();
            rows.Add(new TransitionRow(sagaId, history[first], rented.ToJson()));
            first = next;
        }
    }

    private static bool IsSameRow(HistoryEntry first, HistoryEntry entry, int distance) =>
        entry.Version == first.Version && entry.At == first.At && entry.Ordinal == first.Ordinal + distance;

    private static void Write(Utf8JsonWriter writer, HistoryEntry entry)
    {
        writer.WriteStartArray();
        writer.WriteStringValue(entry.Kind);
        writer.WriteStringValue(entry.State);
        var detail = entry.Detail is { IsNull: false } json ? json : (RawJson?)null;
        if (entry.Step is not null || detail is not null)
        {
            writer.WriteStringValue(entry.Step);
        }

        if (detail is { } value)
        {
            writer.WriteRawValue(value.Utf8.Span, skipInputValidation: true);
        }

        writer.WriteEndArray();
    }

    private static Table<TransitionRow> Create()
    {
        var table = new Table<TransitionRow>();
        table.Uuid("saga_id", row => row.SagaId.Value);
        table.Time("at", row => row.First.At);
        table.Bigint("version", row => row.First.Version);
        table.Integer("ordinal", row => row.First.Ordinal);
        table.ExactJson("entries", row => row.Entries);
        return table;
    }
}
