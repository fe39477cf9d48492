using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Onex.Contracts.Messages;
using Onex.Kafka.Brokers;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;

namespace Onex.Runtime.Verification;

/// <summary>A message of the worker: a result or a report.</summary>
/// <param name="Record">The record.</param>
/// <param name="Json">Its value; null if it is not a JSON object.</param>
internal sealed record WorkerMessage(TailRecord Record, JsonObject? Json)
{
    public string? CommandId => Text("command_id");

    public string? Outcome => Text("outcome");

    public bool IsReport =>
        Record.Headers.GetValueOrDefault(HeaderNames.EventType) == EventTypes.Report || (Json is not null && !Json.ContainsKey("outcome"));

    public string? Text(string field) => Json?[field] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    public int? Number(string field) => Json?[field] is JsonValue value && value.TryGetValue(out int number) ? number : null;
}

/// <summary>Sends commands to a worker as an orchestrator does, and collects its results and reports.</summary>
internal sealed class WorkerLink(IRecordProducer producer, string topic, TimeProvider time)
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(20);

    private readonly Lock _lock = new();
    private readonly List<WorkerMessage> _received = [];
    private readonly HashSet<string> _sent = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>The topic of the commands.</summary>
    public string Topic => topic;

    public IReadOnlyList<WorkerMessage> Received
    {
        get
        {
            lock (_lock)
            {
                return [.. _received];
            }
        }
    }

    /// <summary>Whether any result or report of a command of this link has arrived.</summary>
    public bool HasAnswers => Received.Any(IsOwn);

    /// <summary>Whether a message is about a command of this link; an orchestrator may use the same topics.</summary>
    public bool IsOwn(WorkerMessage message)
    {
        lock (_lock)
        {
            return message.CommandId is { } id && _sent.Contains(id);
        }
    }

    /// <summary>Adds a record of the topic of the results.</summary>
    public void Receive(TailRecord record)
    {
        JsonObject? json = null;
        try
        {
            json = JsonNode.Parse(record.Value) as JsonObject;
        }
        catch (JsonException)
        {
            // A record of another program; or a malformed result, and the verified case fails because its result does not arrive.
        }

        lock (_lock)
        {
            _received.Add(new WorkerMessage(record, json));
        }
    }

    /// <summary>Creates a command with the current time, without sending it.</summary>
    public StepCommand CreateCommand(string operation, RawJson arguments, int homePartition)
    {
        var saga = SagaId.Create(time.GetUtcNow());
        return new StepCommand
        {
            CommandId = Identity.Command(saga, "verify/step", 1),
            Attempt = 1,
            SagaId = saga,
            CorrelationId = NewId(),
            Contract = "onex-verify",
            Step = "step",
            Direction = StepDirections.Do,
            Operation = operation,
            Arguments = arguments,
            HomePartition = homePartition,
            TimeoutMs = 10_000,
            NotAfter = time.GetUtcNow() + TimeSpan.FromMinutes(5),
            Reports = true,
        };
    }

    public Task SendAsync(StepCommand command, CancellationToken cancellation, int? partition = null, JsonObject? extra = null)
    {
        var json = JsonSerializer.SerializeToNode(command, MessageJson.Default.StepCommand)!.AsObject();
        foreach (var (name, value) in extra ?? [])
        {
            json[name] = value?.DeepClone();
        }

        return SendAsync(
            topic, EventTypes.Command, command.CommandId, command.CorrelationId, Encoding.UTF8.GetBytes(json.ToJsonString()), partition,
            cancellation);
    }

    public Task CancelAsync(StepCommand command, CancellationToken cancellation) => SendAsync(
        Topics.CancelTopicOf(topic), EventTypes.Cancel, command.CommandId, command.CorrelationId,
        JsonSerializer.SerializeToUtf8Bytes(
            new StepCancel
            {
                CommandId = command.CommandId,
                Attempt = command.Attempt,
                SagaId = command.SagaId,
                CorrelationId = command.CorrelationId,
            },
            MessageJson.Default.StepCancel),
        partition: null, cancellation);

    public Task SendRawAsync(string text, int partition, CancellationToken cancellation) => SendAsync(
        topic, EventTypes.Command, new(NewId()), NewId(), Encoding.UTF8.GetBytes(text), partition, cancellation);

    /// <summary>The results of a command so far.</summary>
    public IReadOnlyList<WorkerMessage> Results(StepCommand command, int? attempt = null) =>
    [
        .. Received.Where(message => !message.IsReport
            && string.Equals(message.CommandId, command.CommandId.ToString(), StringComparison.OrdinalIgnoreCase)
            && (attempt is null || message.Number("attempt") == attempt)),
    ];

    /// <summary>The reports of a command so far.</summary>
    public IReadOnlyList<WorkerMessage> Reports(StepCommand command) =>
    [
        .. Received.Where(message => message.IsReport
            && string.Equals(message.CommandId, command.CommandId.ToString(), StringComparison.OrdinalIgnoreCase)),
    ];

    /// <summary>Waits for at least a number of results of an attempt; returns fewer if they do not come in time.</summary>
    public async Task<IReadOnlyList<WorkerMessage>> WaitAsync(
        StepCommand command, TimeSpan within, CancellationToken cancellation, int count = 1)
    {
        var end = time.GetUtcNow() + within;
        while (true)
        {
            var results = Results(command, command.Attempt);
            if (results.Count >= count || time.GetUtcNow() >= end)
            {
                return results;
            }

            await Task.Delay(_pause, time, cancellation);
        }
    }

    private Guid NewId() => Guid.CreateVersion7(time.GetUtcNow());

    private async Task SendAsync(
        string to, string eventType, CommandId commandId, Guid correlationId, byte[] value, int? partition, CancellationToken cancellation)
    {
        lock (_lock)
        {
            _sent.Add(commandId.ToString());
        }

        var headers = MessageHeaders.Create("onex-main", eventType, new(NewId()), correlationId, time.GetUtcNow())
            .WithTrace($"00-{correlationId:N}-{commandId.Value.ToString("N")[..16]}-01", null);
        var report = await producer.ProduceAsync(
            new ProducedRecord(to, partition, commandId.ToString(), value, headers.Items), cancellation);
        if (report.Delivery != DeliveryStatus.Acknowledged)
        {
            var problem = $"{to} did not accept the record: {report.Reason}";
            throw report.Delivery == DeliveryStatus.Unavailable
                ? new BrokerUnavailableException(problem)
                : new InvalidOperationException(problem);
        }
    }
}
