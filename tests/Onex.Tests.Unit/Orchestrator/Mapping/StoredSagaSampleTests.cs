using Onex.Orchestrator.Mapping;
using Onex.Persistence.Sagas;
using Onex.Persistence.Tables;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Mapping;

/// <summary>This version continues sagas from rows of earlier versions: tests/samples.</summary>
public sealed class StoredSagaSampleTests
{
    private static readonly JsonWriterOptions _indented = new() { Indented = true, NewLine = "\n" };

    public static TheoryData<string> Samples() => [.. StoredSagaSamples.All.Select(sample => sample.Name)];

    [Theory]
    [MemberData(nameof(Samples))]
    public void A_saga_stored_by_an_earlier_version_continues_to_its_end(string name)
    {
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
        Rows(json, "sagas", SagaTable.Columns, [SagaRows.ToRow(saga, 3, Identity.OfRequest(default, sample.Name))]);
        Assert.True(ValueJson.TryWrite(saga.Facts.Input, out var input, out _));
        Rows(
            json,
            "saga_payloads",
            PayloadTable.Columns,
            [new SagaPayload(Identity.OfRequest(default, "input"), saga.Facts.SagaId, "input", input)]);
        Rows(
            json,
            "saga_items",
            SagaItemTable.Columns,
            scenario.Items.All.OrderBy(item => item.Index).Select(item => (saga.Facts.SagaId, item)));
        Rows(
            json,
            "early_events",
            EarlyEventTable.Columns,
            saga.BufferedEvents.Select(buffered => EarlyEventRows.ToRow(saga.Facts, buffered)));
        json.WriteEndObject();
        json.Flush();
        file.WriteByte((byte)'\n');
    }

    private static void Rows<TRow>(Utf8JsonWriter json, string table, Table<TRow> columns, IEnumerable<TRow> rows)
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
            .Select(each => EarlyEventTable.Read(Row(EarlyEventTable.Columns, each)));
        scenario.Items.Keep(
            root.GetProperty("saga_items").EnumerateArray().Select(each => SagaItemTable.Read(Row(SagaItemTable.Columns, each))));
        scenario.Reloads(
            SagaRows.FromRow(scenario.Plan, row, input, out _) with
            {
                BufferedEvents = [.. early.Select(each => EarlyEventRows.ToBuffered(scenario.Plan, each))],
            },
            root.GetProperty("at").GetDateTimeOffset());
        return scenario;
    }

    private static JsonRow Row<TRow>(Table<TRow> columns, JsonElement row) => new([.. columns.Columns.Select(column => column.Name)], row);

    /// <summary>
    /// A row whose columns are the members of an object. A column that a later version added is not there, as after its migration.
    /// </summary>
    private readonly struct JsonRow(string[] columns, JsonElement row) : IRowReader
    {
        public bool IsNull(int place) => !row.TryGetProperty(columns[place], out var value) || value.ValueKind == JsonValueKind.Null;

        public Guid Uuid(int place) => Value(place).GetGuid();

        public string Text(int place) => Value(place).GetString()!;

        public int Integer(int place) => Value(place).GetInt32();

        public long Bigint(int place) => Value(place).GetInt64();

        public bool Boolean(int place) => Value(place).GetBoolean();

        public DateTimeOffset Time(int place) => Value(place).GetDateTimeOffset();

        public byte[] Bytes(int place) => Value(place).GetBytesFromBase64();

        public RawJson Json(int place) => RawJson.FromText(Value(place).GetRawText());

        private JsonElement Value(int place) => row.GetProperty(columns[place]);
    }
}
