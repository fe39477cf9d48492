using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using Onex.Contracts.Diagnostics;
using Onex.Contracts.Schemas;
using Onex.Contracts.Yaml;

namespace Onex.Tests.Unit.House;

/// <summary>
/// <c>docs/worker-protocol/v1</c>: the JSON Schemas of the messages between the orchestrator and remote workers come from their types.
/// Within a version of the protocol only optional fields are added.
/// </summary>
public sealed class WorkerProtocolTests
{
    private static readonly JsonSerializerOptions _indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    // Fields that only the roles of Onex use. They may be sent to any worker, because a worker ignores unknown fields.
    private static readonly string[] _internal =
    [
        nameof(StepCommand.Connection), nameof(StepCommand.LimitKey), nameof(StepCommand.ArgumentsRef), nameof(StepCommand.ArgumentsBytes),
        nameof(StepCommand.AskAgain), nameof(StepCommand.Once), nameof(StepResult.ResultRef), nameof(StepResult.Unparsed),
    ];

    private static readonly Dictionary<string, (Type Type, string Title)> _messages = new()
    {
        ["command"] = (typeof(StepCommand), "A command: one attempt of a step"),
        ["result"] = (typeof(StepResult), "A result of an attempt"),
        ["report"] = (typeof(StepReport), "A report on a running attempt: started or progress"),
        ["cancel"] = (typeof(StepCancel), "A cancellation of a command"),
    };

    private static readonly Dictionary<string, Type> _values = new()
    {
        [nameof(StepCommand.Direction)] = typeof(StepDirections),
        [nameof(StepResult.Outcome)] = typeof(StepOutcomes),
        [nameof(StepResult.Reach)] = typeof(StepReaches),
        [nameof(StepReport.Report)] = typeof(StepReportKinds),
    };

    public static TheoryData<string> Messages => [.. _messages.Keys];

    [Theory]
    [MemberData(nameof(Messages))]
    public void A_schema_describes_the_fields_of_its_message(string name)
    {
        var schema = Write(name) + "\n";
        Assert.Equal(Repository.Golden(Repository.At("docs", "worker-protocol", "v1", $"{name}.schema.json"), schema), schema);
    }

    [Fact]
    public void Written_messages_are_valid_in_the_schemas()
    {
        var correlation = Guid.CreateVersion7(DateTimeOffset.UnixEpoch);
        var (command, saga) = (new CommandId(correlation), SagaId.Create(DateTimeOffset.UnixEpoch));
        AssertValid("command", JsonSerializer.SerializeToUtf8Bytes(
            new StepCommand
            {
                CommandId = command,
                Attempt = 1,
                SagaId = saga,
                CorrelationId = correlation,
                Contract = "basket",
                Step = "quote",
                Direction = StepDirections.Do,
                Operation = "pricing.quote",
                Arguments = RawJson.EmptyObject,
                HomePartition = 3,
                TimeoutMs = 10_000,
                NotAfter = DateTimeOffset.UnixEpoch,
                Reports = true,
                Once = true,
            },
            MessageJson.Default.StepCommand));
        AssertValid("result", JsonSerializer.SerializeToUtf8Bytes(
            new StepResult
            {
                CommandId = command,
                Attempt = 1,
                SagaId = saga,
                CorrelationId = correlation,
                Outcome = StepOutcomes.Failed,
                Code = "database_away",
                Reach = StepReaches.NotSent,
                RetryAfterMs = 500,
            },
            MessageJson.Default.StepResult));
        AssertValid("report", JsonSerializer.SerializeToUtf8Bytes(
            new StepReport
            {
                CommandId = command,
                Attempt = 1,
                SagaId = saga,
                CorrelationId = correlation,
                Report = StepReportKinds.Progress,
                Progress = 0.5,
            },
            MessageJson.Default.StepReport));
        AssertValid("cancel", JsonSerializer.SerializeToUtf8Bytes(
            new StepCancel { CommandId = command, Attempt = 1, SagaId = saga, CorrelationId = correlation },
            MessageJson.Default.StepCancel));
    }

    [Fact]
    public void The_protocol_document_names_every_field_of_the_messages()
    {
        var text = File.ReadAllText(Repository.At("docs", "worker-protocol.md"));

        Assert.All(
            _messages.Values.SelectMany(message => Fields(message.Type)).Select(NameOf).Distinct(),
            field => Assert.Contains($"`{field}`", text, StringComparison.Ordinal));
    }

    private static void AssertValid(string name, byte[] message)
    {
        var file = new SourceFile(name, Write(name));
        var references = new References(_ => throw new InvalidOperationException(), path => path);
        var schema = new SchemaReader(references).Read(new SchemaDocument(name, file, JsonReader.Read(file, depthMax: 64)!));

        Assert.Empty(file.Reported);
        Assert.Empty(schema!.Validate(CelValue.FromJson(message), out _));
    }

    private static string Write(string name)
    {
        var (type, title) = _messages[name];
        return new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = title,
            ["type"] = "object",
            ["properties"] = new JsonObject(Fields(type).Select(field => KeyValuePair.Create(NameOf(field), (JsonNode?)SchemaOf(field)))),
            ["required"] = new JsonArray(
                [.. Fields(type).Where(field => field.IsDefined(typeof(RequiredMemberAttribute))).Select(field =>
                    (JsonNode?)JsonValue.Create(NameOf(field)))]),
        }.ToJsonString(_indented);
    }

    private static IEnumerable<PropertyInfo> Fields(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.CanWrite && !property.IsDefined(typeof(System.Text.Json.Serialization.JsonIgnoreAttribute))
            && !_internal.Contains(property.Name));

    private static string NameOf(PropertyInfo field) => JsonNamingPolicy.SnakeCaseLower.ConvertName(field.Name);

    private static JsonObject SchemaOf(PropertyInfo field)
    {
        var type = Nullable.GetUnderlyingType(field.PropertyType) ?? field.PropertyType;
        var schema = _values.TryGetValue(field.Name, out var words)
            ? new JsonObject
            {
                ["enum"] = new JsonArray(
                    [.. words.GetFields(BindingFlags.Public | BindingFlags.Static).Select(word =>
                        (JsonNode?)JsonValue.Create((string)word.GetRawConstantValue()!))]),
            }
            : type == typeof(RawJson) ? new JsonObject { ["type"] = "object" }
            : type == typeof(bool) ? new JsonObject { ["type"] = "boolean" }
            : type == typeof(int) ? new JsonObject { ["type"] = "integer" }
            : type == typeof(double) ? new JsonObject { ["type"] = "number" }
            : type == typeof(DateTimeOffset) ? new JsonObject { ["type"] = "string", ["format"] = "date-time" }
            : type == typeof(string) ? new JsonObject { ["type"] = "string" }
            : new JsonObject { ["type"] = "string", ["format"] = "uuid" };
        schema["description"] = DocComments.Read(field);
        return schema;
    }
}
