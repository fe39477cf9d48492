using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Kafka.DeadLetters;
using Onex.Kafka.Records;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Machines;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.Outbox;
using Onex.Tests.Unit.Contracts;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.House;

/// <summary><c>docs/messages.md</c>: its tables come from the types of the messages, its examples from the code that writes them.</summary>
public sealed partial class MessagesDocumentTests
{
    private const string Document = "messages.md";
    private static readonly DateTimeOffset _now = new(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);
    private static readonly Guid _correlation = Guid.Parse("123e4567-e89b-12d3-a456-426614174000");
    private static readonly SagaId _saga = new(Guid.Parse("019ab4f2-5000-7000-8000-000000000001"));
    private static readonly JsonSerializerOptions _indented =
        new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string _text = File.ReadAllText(Repository.At("docs", Document));

    // Every message, and every named part of one.
    private static readonly Type[] _messages =
    [
        typeof(Request), typeof(RequestTarget), typeof(Response), typeof(DeadLetter), typeof(DeadLetterMessage),
        typeof(StepCommand), typeof(StepResult), typeof(StepReport), typeof(StepCancel), typeof(SagaMessage), typeof(SagaCall),
    ];

    private static readonly Type[] _constants =
    [
        typeof(ResponseStatus), typeof(StepDirections), typeof(StepOutcomes), typeof(StepReaches), typeof(StepReportKinds),
        typeof(EventTypes), typeof(HeaderNames),
    ];

    public static TheoryData<string> Messages => [.. _messages.Select(type => type.Name)];

    public static TheoryData<string> Constants => [.. _constants.Select(type => type.Name)];

    public static TheoryData<string> WrittenExamples => [.. WrittenMessages().Keys];

    public static TheoryData<string> RequestExamples => [.. Example().Matches(_text).Select(example => example.Groups["text"].Value)];

    [Theory]
    [MemberData(nameof(Messages))]
    public void Documented_message_fields_match_the_type(string name) => GeneratedDocument.Verify(
        Document,
        name,
        GeneratedDocument.Table("field | type | meaning", Properties(_messages.Single(type => type.Name == name)).Select(Row)));

    [Theory]
    [MemberData(nameof(Constants))]
    public void Documented_field_values_match_the_code(string name) => GeneratedDocument.Verify(
        Document,
        name,
        GeneratedDocument.Table("value | meaning", _constants.Single(type => type.Name == name)
            .GetFields(BindingFlags.Public | BindingFlags.Static)
            .Where(field => field.IsLiteral)
            .Select(field => $"`{field.GetRawConstantValue()}` | {DocComments.Read(field)}")));

    [Fact]
    public void Documented_topics_match_the_code() => GeneratedDocument.Verify(
        Document,
        nameof(Topics),
        GeneratedDocument.Table("topic | what is on it", typeof(Topics).GetConstructors()[0].GetParameters()
            .Select(parameter => parameter.Name!)
            .Select(name => $"`{typeof(Topics).GetProperty(name)!.GetValue(Topics.Default)}` | "
                + $"{DocComments.ReadParameter(typeof(Topics), name)}")));

    [Fact]
    public void Documented_reserved_headers_match_the_code() => GeneratedDocument.Verify(
        Document,
        "own headers",
        string.Join(", ", MessageHeaders.Standard.Order(StringComparer.Ordinal).Select(name => $"`{name}`")) + ".\n");

    [Fact]
    public void Every_JSON_message_is_documented() => Assert.Empty(
        typeof(MessageJson).GetCustomAttributesData()
            .Where(attribute => attribute.AttributeType == typeof(System.Text.Json.Serialization.JsonSerializableAttribute))
            .Select(attribute => (Type)attribute.ConstructorArguments[0].Value!)
            .Where(type => type.Assembly == typeof(MessageJson).Assembly)
            .Except(_messages));

    [Theory]
    [MemberData(nameof(WrittenExamples))]
    public void A_message_example_is_what_the_code_writes(string name) =>
        GeneratedDocument.Verify(Document, $"example of {name}", $"```json\n{WrittenMessages()[name]}\n```\n");

    [Theory]
    [MemberData(nameof(RequestExamples))]
    public void A_request_example_is_accepted(string request)
    {
        var (read, rejection) = new RequestReader(1 << 20).Read(Encoding.UTF8.GetBytes(request), Origin());
        Assert.Null(rejection);
        var (accepted, problem) = Rules().Accept(read!, _saga, homePartition: 3, _now);

        Assert.Null(problem);
        Assert.Null(accepted is AcceptedRequest.Event sent ? sent.Request.RejectionByNewest : null);
    }

    private static IEnumerable<PropertyInfo> Properties(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.CanWrite && !property.IsDefined(typeof(System.Text.Json.Serialization.JsonIgnoreAttribute)));

    private static string Row(PropertyInfo property)
    {
        var name = property.IsDefined(typeof(System.Text.Json.Serialization.JsonExtensionDataAttribute))
            ? "any other field"
            : $"`{JsonNamingPolicy.SnakeCaseLower.ConvertName(property.Name)}`";
        var required = property.IsDefined(typeof(RequiredMemberAttribute)) ? "Required. " : "";
        return $"{name} | {Kind(property.PropertyType)} | {required}{GeneratedDocument.Cell(DocComments.Read(property))}";
    }

    private static string Kind(Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        return type == typeof(string) ? "text"
            : type == typeof(Guid) || type == typeof(SagaId) || type == typeof(CommandId) ? "UUID"
            : type == typeof(bool) ? "bool"
            : type == typeof(int) || type == typeof(long) ? "whole number"
            : type == typeof(double) ? "number"
            : type == typeof(DateTimeOffset) ? "timestamp"
            : type == typeof(RawJson) || type == typeof(IDictionary<string, JsonElement>) ? "JSON"
            : type == typeof(IReadOnlyDictionary<string, string>) ? "object of texts"
            : _messages.Contains(type) ? $"[`{type.Name}`](#{type.Name.ToLowerInvariant()})"
            : throw new InvalidOperationException($"Add the name of {type} in docs/{Document} here.");
    }

    // The messages of one request for the contract of the README, from its acceptance to its end.
    private static Dictionary<string, string> WrittenMessages()
    {
        var plan = Greeting();
        var writer = new MessageWriter(Topics.Default, new ResponseWriter(Topics.Default));
        var requester = Engine.SagaScenario.Requester("requests/3/17") with { CorrelationId = _correlation, Operation = "greeting" };
        var scenario = new SagaScenario(plan).Handles(Start(plan, requester, """{"text":"hello"}"""));
        var command = scenario.Last.Commands.Single();
        var written = writer.Command(scenario.Saga, command, argumentsRef: null, Identity.Message(_saga.Value, 0), _now);
        var result = new StepResult
        {
            CommandId = command.CommandId,
            Attempt = command.Attempt,
            SagaId = _saga,
            CorrelationId = _correlation,
            Outcome = StepOutcomes.Completed,
            Result = RawJson.FromText("""{"hex":"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"}"""),
        };
        var report = new StepReport
        {
            CommandId = command.CommandId,
            Attempt = command.Attempt,
            SagaId = _saga,
            CorrelationId = _correlation,
            Report = StepReportKinds.Progress,
            Progress = 0.25,
            Text = "read 10,000 of 40,000 rows",
            Worker = "worker-7d9f",
        };
        var answer = scenario.Completes("seal", result.Result.ToString()!).Answers.Single();
        var (invalid, _) = new RequestReader(1 << 20).Read(
            Encoding.UTF8.GetBytes($$"""{"operation":"greeting","payload":{"text":7},"correlation_id":"{{_correlation}}"}"""), Origin());
        var rejection = Rules().Accept(invalid!, _saga, homePartition: 3, _now).Rejection!;
        var record = new ConsumedRecord
        {
            Topic = "requests",
            Partition = 3,
            Offset = 18,
            Key = Encoding.UTF8.GetBytes(_correlation.ToString()),
            Value = Encoding.UTF8.GetBytes($$"""{"operation":"greeting","payload":{"text":7},"token":"s3cret"}"""),
            Headers = [],
        };
        var deadLetter = new DeadLetterWriter(null!, null!, null, new FakeTimeProvider(_now), NullLogger<DeadLetterWriter>.Instance)
            .Create(record, new RecordOutcome.Dead(rejection.Code, rejection.Error, rejection.ErrorType, _correlation));

        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["a command"] = WithHeaders(written),
            ["a result"] = Indented(JsonSerializer.SerializeToUtf8Bytes(result, MessageJson.Default.StepResult)),
            ["a report"] = Indented(JsonSerializer.SerializeToUtf8Bytes(report, MessageJson.Default.StepReport)),
            ["a response"] = WithHeaders(writer.Response(_saga, answer, Identity.Message(_saga.Value, 1), _now)),
            ["a duplicate"] = Indented(
                writer.Response(_saga, answer with { IsDuplicate = true }, Identity.Message(_saga.Value, 2), _now).Value),
            ["an error"] = Indented(new ResponseWriter(Topics.Default).Write(requester, rejection, _now).Value),
            ["a dead letter"] = Indented(JsonSerializer.SerializeToUtf8Bytes(deadLetter, MessageJson.Readable.DeadLetter)),
        };
    }

    private static SagaStarted Start(Plan plan, Requester requester, string input)
    {
        _ = plan.Input.Validate(CelValue.FromJson(Encoding.UTF8.GetBytes(input)), out var typed);
        return new SagaStarted
        {
            SagaId = _saga,
            CausedBy = new(_saga.Value),
            Facts = new SagaFacts
            {
                SagaId = _saga,
                Contract = plan.Name,
                ContractVersion = plan.Version,
                ContractHash = plan.Hash,
                HomePartition = 3,
                StartedAt = _now,
                Input = typed,
                Requester = requester,
            },
        };
    }

    private static Plan Greeting()
    {
        var contract = Yaml().Match(File.ReadAllText(Repository.At("README.md"))).Groups["text"].Value;
        return Engine.SagaScenario.Compile(contract).Plans.Single();
    }

    private static RequestRules Rules()
    {
        var order = ContractCompiler.CompileDirectory(
            Repository.At("tests", "contracts", "valid", "order-fulfilment-full"), TestCatalogue.OrderFulfilmentContext);
        var plans = new PlanCatalogue([Greeting(), .. order.Plans], registry: null!, compiler: null!);
        return new RequestRules(plans, new OperationCatalogue([]), ["answers"], []);
    }

    private static RequestOrigin Origin() => new(new(_saga.Value), "requests/3/17", ImmutableSortedDictionary<string, string>.Empty);

    private static string WithHeaders(OutgoingMessage message)
    {
        var shown = new JsonObject { ["topic"] = message.Topic, ["key"] = message.Key };
        if (message.Partition is { } partition)
        {
            shown["partition"] = partition;
        }

        shown["headers"] = JsonNode.Parse(message.Headers.ToJson().Utf8.Span);
        shown["value"] = JsonNode.Parse(message.Value.Span);
        return shown.ToJsonString(_indented);
    }

    private static string Indented(ReadOnlyMemory<byte> json) => JsonNode.Parse(json.Span)!.ToJsonString(_indented);

    [GeneratedRegex(@"<!-- request -->\n```json\n(?<text>(?:.*\n)*?)```", RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking)]
    private static partial Regex Example();

    [GeneratedRegex(
        @"^```yaml\n(?<text>(.*\n)*?)```$", RegexOptions.Multiline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Yaml();
}
