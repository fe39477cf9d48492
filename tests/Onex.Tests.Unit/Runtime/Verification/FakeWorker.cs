using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json.Nodes;
using Onex.Kafka.Consuming;
using Onex.Kafka.Producing;

namespace Onex.Tests.Unit.Runtime.Verification;

/// <summary>
/// A worker for pricing.quote in this process, with at most one fault. It answers before a send returns, so that no test waits for it.
/// </summary>
internal sealed class FakeWorker(WorkerFault fault) : IRecordProducer, IDisposable
{
    private readonly ConcurrentDictionary<string, int> _cancelled = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, ITimer> _running = new(StringComparer.Ordinal);
    private bool _stopped;
    private int _answers;

    /// <summary>Receives the results and reports that it writes.</summary>
    public Action<TailRecord> Receive { get; set; } = _ => { };

    public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
    {
        JsonObject? json = null;
        try
        {
            json = JsonNode.Parse(record.Value.Span) as JsonObject;
        }
        catch (JsonException)
        {
            // Malformed on purpose.
        }

        var headers = record.Headers.ToDictionary(header => header.Key, header => header.Value, StringComparer.Ordinal);
        if (record.Topic.EndsWith(".cancel", StringComparison.Ordinal))
        {
            Cancel(json!);
        }
        else if (json?["operation"] is null)
        {
            _stopped |= fault == WorkerFault.StopsAtMalformed;
        }
        else if (!_stopped && fault != WorkerFault.Silence)
        {
            Handle(json, headers);
        }

        return Task.FromResult(new DeliveryReport(DeliveryStatus.Acknowledged, null));
    }

    public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => Task.FromResult(2);

    public void Dispose()
    {
        foreach (var timer in _running.Values)
        {
            timer.Dispose();
        }
    }

    private void Cancel(JsonObject cancel)
    {
        if (fault == WorkerFault.IgnoresCancellations)
        {
            return;
        }

        var id = (string)cancel["command_id"]!;
        _cancelled[id] = fault == WorkerFault.CancelsLaterAttempts ? int.MaxValue : (int)cancel["attempt"]!;
        if (fault != WorkerFault.RunsOnAfterCancellation && _running.TryRemove(id, out var timer))
        {
            timer.Dispose();
        }
    }

    private void Handle(JsonObject command, Dictionary<string, string> headers)
    {
        var (id, attempt) = ((string)command["command_id"]!, (int)command["attempt"]!);
        var isLate = DateTimeOffset.Parse((string)command["not_after"]!, CultureInfo.InvariantCulture) < TimeProvider.System.GetUtcNow();
        if ((isLate && fault != WorkerFault.RunsLate)
            || _cancelled.GetValueOrDefault(id) >= attempt
            || (fault == WorkerFault.RetryIgnored && attempt > 1)
            || (fault == WorkerFault.CompensationIgnored && (string?)command["direction"] == "compensate"))
        {
            return;
        }

        Report(command, headers);
        if (command["arguments"]?["seconds"] is not null)
        {
            _running[id] = TimeProvider.System.CreateTimer(
                _ => Report(command, headers), null, TimeSpan.Zero, TimeSpan.FromMilliseconds(5));
            return;
        }

        var answer = Answer(command);
        if (fault == WorkerFault.OtherOutcome)
        {
            answer["outcome"] = "done";
        }

        Send(command, headers, "onex.result", answer);
    }

    private JsonObject Answer(JsonObject command)
    {
        _answers++;
        var arguments = command["arguments"] as JsonObject;
        if (fault == WorkerFault.AlwaysFails
            || (fault == WorkerFault.UnknownFieldsFail && command.ContainsKey("of_a_later_version"))
            || (fault == WorkerFault.LargeFails && command.ToJsonString().Length > 100_000))
        {
            return new JsonObject { ["outcome"] = "failed", ["code"] = "operation_failed", ["message"] = "It broke." };
        }

        if ((string?)command["operation"] != "pricing.quote")
        {
            return new JsonObject
            {
                ["outcome"] = fault == WorkerFault.UnknownOperationFails ? "failed" : "rejected",
                ["code"] = fault == WorkerFault.NoCode ? null : StepCodes.OperationUnknown,
            };
        }

        if (arguments?["sku"] is null && fault != WorkerFault.MissingArgumentsCompleted)
        {
            return new JsonObject { ["outcome"] = "rejected", ["code"] = StepCodes.ArgumentsInvalid };
        }

        JsonNode? cents = fault == WorkerFault.OtherType ? "much" : fault == WorkerFault.NewResultForDuplicate ? _answers : 1250;
        return new JsonObject { ["outcome"] = "completed", ["result"] = new JsonObject { ["cents"] = cents } };
    }

    private void Report(JsonObject command, Dictionary<string, string> headers) => Send(
        command, headers, "onex.report",
        new JsonObject { ["report"] = "progress", ["progress"] = fault == WorkerFault.ProgressOutOfRange ? 50.0 : 0.5 });

    private void Send(JsonObject command, Dictionary<string, string> headers, string type, JsonObject fields)
    {
        foreach (var name in new[] { "command_id", "attempt", "saga_id", "correlation_id" })
        {
            fields[name] = command[name]!.DeepClone();
        }

        if (fault == WorkerFault.OtherSaga)
        {
            fields["saga_id"] = Guid.Empty.ToString();
        }

        if (fault == WorkerFault.NoCommandId)
        {
            fields.Remove("command_id");
        }

        if (fault == WorkerFault.NoCorrelation)
        {
            fields.Remove("correlation_id");
        }

        var sent = new Dictionary<string, string>(StringComparer.Ordinal) { [HeaderNames.EventType] = type };
        if (fault != WorkerFault.NoTrace)
        {
            sent[HeaderNames.TraceParent] = headers[HeaderNames.TraceParent];
        }

        Receive(new TailRecord(
            fault == WorkerFault.OtherPartition ? 1 - (int)command["home_partition"]! : (int)command["home_partition"]!,
            fault == WorkerFault.OtherKey ? "key" : (string)command["command_id"]!,
            Encoding.UTF8.GetBytes(fields.ToJsonString()), sent));
    }
}
