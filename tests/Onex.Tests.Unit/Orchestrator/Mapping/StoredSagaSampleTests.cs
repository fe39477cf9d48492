using Onex.Orchestrator.Mapping;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Mapping;

/// <summary>This version of Onex continues sagas whose rows an earlier version wrote. The rows are in tests/samples.</summary>
public sealed class StoredSagaSampleTests
{
    private static readonly JsonWriterOptions _indented = new() { Indented = true, NewLine = "\n" };

    public static TheoryData<string> Samples() => [.. StoredSagaSamples.All.Select(sample => sample.Name)];

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_saga_stored_by_an_earlier_version_continues_to_its_end(string name)
    {
        // With ONEX_GOLDEN=update a new sample is written first.
        var sample = StoredSagaSamples.All.Single(sample => sample.Name == name);
        if (Repository.Updating && !Directory.Exists(FolderOf(name)))
        {
            Write(sample);
        }

        sample.Continue(Read(name));
    }

    [Fact]
    public void Every_sample_folder_is_tested() => Assert.Equal(
        StoredSagaSamples.All.Select(sample => sample.Name).Order(StringComparer.Ordinal),
        Directory.EnumerateDirectories(FolderOf("")).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal));

    private static string FolderOf(string name) => Repository.At("tests", "samples", StoredSagaSamples.Version, name);

    private static void Write(StoredSagaSample sample)
    {
        var scenario = sample.Begin(new SagaScenario(sample.Contract).Starts(sample.Input));
        var saga = scenario.Saga;
        Directory.CreateDirectory(FolderOf(sample.Name));
        File.WriteAllText(Path.Combine(FolderOf(sample.Name), "contract.yaml"), sample.Contract + "\n");
        using var file = File.Create(Path.Combine(FolderOf(sample.Name), "rows.json"));
        using var json = new Utf8JsonWriter(file, _indented);
        json.WriteStartObject();
        json.WriteString("at", scenario.Now);
        WriteRows(json, "sagas", SagaTable.Columns, [SagaRows.ToRow(saga, 3, Identity.OfRequest(default, sample.Name))]);
        Assert.True(ValueJson.TryWrite(saga.Facts.Input, out var input, out _));
        WriteRows(
            json,
            "saga_payloads",
            PayloadTable.Columns,
            [new SagaPayload(Identity.OfRequest(default, "input"), saga.Facts.SagaId, "input", input)]);
        WriteRows(
            json,
            "saga_items",
            SagaItemTable.Columns,
            scenario.Items.All.OrderBy(item => item.Index).Select(item => (saga.Facts.SagaId, item)));
        WriteRows(
            json,
            "early_events",
            EarlyEventTable.Columns,
            saga.BufferedEvents.Select(buffered => EarlyEventRows.ToRow(saga.Facts, buffered)));
        json.WriteEndObject();
        json.Flush();
        file.WriteByte((byte)'\n');
    }

    private static void WriteRows<TRow>(Utf8JsonWriter json, string table, Table<TRow> columns, IEnumerable<TRow> rows)
    {
        json.WriteStartArray(table);
        foreach (var row in rows)
        {
            json.WriteStartObject();
            foreach (var column in columns.Columns)
            {
                json.WritePropertyName(column.Name);
                switch (column.ToValue(row))
                {
                    case RawJson value: json.WriteRawValue(value.Utf8.Span); break;
                    case var value: JsonSerializer.Serialize(json, value); break;
                }
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static SagaScenario Read(string name)
    {
        var scenario = new SagaScenario(File.ReadAllText(Path.Combine(FolderOf(name), "contract.yaml")));
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(FolderOf(name), "rows.json")));
        var root = document.RootElement;
        var row = SagaTable.Read(Row(SagaTable.Columns, root.GetProperty("sagas")[0]));
        var input = PayloadTable.Read(Row(PayloadTable.Columns, root.GetProperty("saga_payloads")[0])).Content;
        var early = root.GetProperty("early_events")
            .EnumerateArray()
            .Select(json => EarlyEventTable.Read(Row(EarlyEventTable.Columns, json)));
        scenario.Items.Keep(
            root.GetProperty("saga_items").EnumerateArray().Select(json => SagaItemTable.Read(Row(SagaItemTable.Columns, json))));
        scenario.Reloads(
            SagaRows.FromRow(scenario.Plan, row, input, out _) with
            {
                BufferedEvents = [.. early.Select(@event => EarlyEventRows.ToBuffered(scenario.Plan, @event))],
            },
            root.GetProperty("at").GetDateTimeOffset());
        return scenario;
    }

    private static JsonRow Row<TRow>(Table<TRow> columns, JsonElement row) => new([.. columns.Columns.Select(column => column.Name)], row);

    /// <summary>
    /// A row whose columns are the members of a JSON object. A column that a later version added is missing, which reads as null.
    /// </summary>
    private readonly struct JsonRow(string[] columns, JsonElement row) : IRowReader
    {
        public bool IsNull(int index) => !row.TryGetProperty(columns[index], out var value) || value.ValueKind == JsonValueKind.Null;

        public Guid Uuid(int index) => Value(index).GetGuid();

        public string Text(int index) => Value(index).GetString()!;

        public int Integer(int index) => Value(index).GetInt32();

        public long Bigint(int index) => Value(index).GetInt64();

        public bool Boolean(int index) => Value(index).GetBoolean();

        public DateTimeOffset Time(int index) => Value(index).GetDateTimeOffset();

        public byte[] Bytes(int index) => Value(index).GetBytesFromBase64();

        public RawJson Json(int index) => RawJson.FromText(Value(index).GetRawText());

        private JsonElement Value(int index) => row.GetProperty(columns[index]);
    }
}
