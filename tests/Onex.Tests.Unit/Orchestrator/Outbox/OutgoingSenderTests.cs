using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Onex.Hosting.Health;
using Onex.Kafka.Producing;
using Onex.Metrics;
using Onex.Orchestrator.Intake;
using Onex.Orchestrator.Outbox;
using Onex.Persistence.Outbox;
using Onex.Tests.Unit.Engine;
using Onex.Tests.Unit.Metrics;

namespace Onex.Tests.Unit.Orchestrator.Outbox;

public sealed class OutgoingSenderTests
{
    private static readonly SagaId _saga = new(Guid.Parse("018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a13"));

    private static readonly MessageId _redriven = new(Guid.Parse("018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a15"));

    private static readonly OutgoingMessage _message = new()
    {
        MessageId = new(Guid.Parse("018f2f6e-7a64-8cc4-9d3b-2c8f4e2b8a11")),
        Topic = "responses",
        Key = "k",
        Value = """{"token":"t0ken"}"""u8.ToArray(),
        Headers = MessageHeaders.Empty.With(
            [new("timestamp", "2026-11-24T12:00:00Z"), new("correlation_id", "018f2f6e-7a64-8cc4-9d3b-2c8f4e2b8a12")]),
    };

    [Fact]
    public async Task A_message_that_the_broker_rejects_is_indexed_unchanged_before_it_leaves_the_outbox()
    {
        var (broker, index) = (new RejectingProducer("responses"), new CollectedDeadLetters());
        using var sender = new OutgoingSender(broker, index, NullLogger<OutgoingSender>.Instance);

        sender.Send(_saga, [_message]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        Assert.Equal([_message.MessageId], sender.TakeAcknowledged(10));
        Assert.Equal(["responses", "responses.dlq"], broker.Topics);
        var row = Assert.Single(index.Rows);
        Assert.Equal(
            (
                _message.MessageId.Value,
                "responses",
                -1,
                ErrorCodes.DeliveryRefused,
                "too large",
                Guid.Parse("018f2f6e-7a64-8cc4-9d3b-2c8f4e2b8a12")),
            (row.Id, row.Topic, row.Partition, row.Code, row.Reason, row.CorrelationId));
        Assert.Equal(_message.Value.ToArray(), row.Value);
    }

    [Fact]
    public async Task Messages_in_transit_and_those_that_the_broker_rejects_are_measured()
    {
        var broker = new RejectingProducer("orders.packed", "orders.packed.dlq");
        using var sender = new OutgoingSender(broker, new CollectedDeadLetters(), NullLogger<OutgoingSender>.Instance);
        using var meter = new OnexMeter();
        using var reader = new MetricReader(meter);
        new OutboxMetrics(meter).Watch(sender);
        var pendingReport = new TaskCompletionSource<DeliveryReport>();
        broker.PendingReport = pendingReport.Task;
        sender.Send(_saga, [_message]);
        Assert.Equal(1, reader.Sums()["onex.outbox.in_flight{}"]);

        broker.PendingReport = null;
        pendingReport.SetResult(new DeliveryReport(DeliveryStatus.Acknowledged, null));
        sender.Send(_saga, [_message with { MessageId = new(_saga.Value), Topic = "orders.packed" }]);
        await Eventually.Async(
            () => sender.TakeAcknowledged(10) is { Count: > 0 } ids && Deleted(ids) && reader.Sums()["onex.outbox.in_flight{}"] == 0,
            TimeSpan.FromSeconds(10), () => "messages are still in flight");

        Assert.Equal(1, reader.Sums()["onex.outbox.undeliverable{}"]);

        bool Deleted(IReadOnlyCollection<MessageId> ids)
        {
            sender.MarkDeleted(ids);
            return true;
        }
    }

    [Fact]
    public void A_message_that_could_not_be_indexed_stays_in_the_outbox()
    {
        var broker = new RejectingProducer("responses");
        var index = new CollectedDeadLetters { IsUnavailable = true };
        using var sender = new OutgoingSender(broker, index, NullLogger<OutgoingSender>.Instance);

        sender.Send(_saga, [_message]);

        Assert.Empty(sender.TakeAcknowledged(10));
        Assert.False(sender.HasInFlight);
        Assert.Equal(["responses"], broker.Topics);
    }

    [Fact]
    public async Task A_dead_letter_that_the_broker_rejects_is_not_indexed_again()
    {
        var (broker, index) = (new RejectingProducer("responses"), new CollectedDeadLetters());
        using var sender = new OutgoingSender(broker, index, NullLogger<OutgoingSender>.Instance);

        broker.RejectOnce = "responses.dlq";
        sender.Send(_saga, [UndeliverableDeadLetter.Write(_message, "no")]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        Assert.Empty(index.Rows);
        Assert.Equal(["responses.dlq", "responses.dlq"], broker.Topics);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_dead_letter_that_the_broker_rejects_is_sent_without_its_value_and_refers_to_its_row(bool isRedriven)
    {
        var broker = new RejectingProducer();
        using var sender = new OutgoingSender(broker, new CollectedDeadLetters(), NullLogger<OutgoingSender>.Instance);
        var source = isRedriven ? $"requests/3/9/{_redriven.Value}" : "requests/3/9";
        var requester = SagaScenario.Requester(source) with { Operation = "story.cancel" };
        var deadEvent = new MessageWriter(Topics.Default, new ResponseWriter(Topics.Default)).DeadEvent(
            new Rejection(ErrorCodes.EventExpired, "Over.", requester), RawJson.EmptyObject, requestRef: null, _message.MessageId, default);

        broker.RejectOnce = "requests.dlq";
        sender.Send(_saga, [deadEvent]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        var sent = JsonSerializer.Deserialize(broker.LastRecord!.Value.Span, MessageJson.Readable.DeadLetter)!;
        Assert.Equal(("requests", ErrorCodes.EventExpired, 9L), (sent.OriginalTopic, sent.FailureCode, sent.OriginalMessage.Offset));
        Assert.Equal(
            (null, (isRedriven ? _redriven : _message.MessageId).Value), (sent.OriginalMessage.Value, sent.OriginalMessage.ValueRef));
    }

    [Fact]
    public async Task The_dead_letter_of_a_rejected_message_has_the_correlation_id_and_no_secrets()
    {
        var broker = new RejectingProducer("orders.packed");
        using var sender = new OutgoingSender(broker, new CollectedDeadLetters(), NullLogger<OutgoingSender>.Instance);

        var headers = _message.Headers.With([new("x-token", "t0ken"), new("x-a", "b")]);
        sender.Send(_saga, [_message with { Topic = "orders.packed", Headers = headers }]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        var record = broker.LastRecord!;
        var sent = JsonSerializer.Deserialize(record.Value.Span, MessageJson.Readable.DeadLetter)!;
        Assert.Equal(_message.Headers[HeaderNames.CorrelationId], sent.CorrelationId?.ToString());
        Assert.Equal("""{"token":"***"}""", sent.OriginalMessage.Value);
        Assert.Equal(("***", "b"), (sent.OriginalMessage.Headers["x-token"], sent.OriginalMessage.Headers["x-a"]));
        Assert.DoesNotContain("t0ken", Encoding.UTF8.GetString(record.Value.Span));
        var written = record.Headers.ToDictionary();
        Assert.DoesNotContain("x-token", written.Keys);
        Assert.Equal(
            (EventTypes.DeadLetter, _message.MessageId.ToString(), _message.Headers[HeaderNames.CorrelationId]),
            (written[HeaderNames.EventType], written[HeaderNames.MessageId], written[HeaderNames.CorrelationId]));
    }

    [Fact]
    public void Bytes_of_a_rejected_message_that_are_no_text_are_written_as_base64()
    {
        var deadLetter = UndeliverableDeadLetter.Write(_message with { Value = new byte[] { 0xff } }, "too large");

        var written = JsonSerializer.Deserialize(deadLetter.Value.Span, MessageJson.Readable.DeadLetter)!;
        Assert.Equal("base64:/w==", written.OriginalMessage.Value);
    }

    [Fact]
    public async Task Without_a_dead_letter_topic_the_index_is_enough()
    {
        var (broker, index) = (new RejectingProducer("orders.packed", "orders.packed.dlq"), new CollectedDeadLetters());
        using var sender = new OutgoingSender(broker, index, NullLogger<OutgoingSender>.Instance);

        sender.Send(_saga, [_message with { Topic = "orders.packed" }]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        Assert.Equal([_message.MessageId], sender.TakeAcknowledged(10));
        Assert.Equal("orders.packed", Assert.Single(index.Rows).Topic);
        Assert.Equal(["orders.packed", "orders.packed.dlq"], broker.Topics);
    }

    [Fact]
    public async Task A_message_deleted_after_it_was_read_is_not_sent_again()
    {
        var broker = new RejectingProducer();
        using var sender = new OutgoingSender(broker, new CollectedDeadLetters(), NullLogger<OutgoingSender>.Instance);
        sender.Send(_saga, [_message]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        // For example, the query of a sweep reads the row, and the row is deleted before the sweep sends the message.
        using (sender.BeginReading())
        {
            sender.MarkDeleted(sender.TakeAcknowledged(10));
            sender.Send(_saga, [_message]);
        }

        Assert.Equal(["responses"], broker.Topics);
        Assert.False(sender.HasInFlight);
    }

    [Fact]
    public async Task A_message_that_was_deleted_during_a_reading_is_not_sent_until_that_reading_ends()
    {
        var broker = new RejectingProducer();
        using var sender = new OutgoingSender(broker, new CollectedDeadLetters(), NullLogger<OutgoingSender>.Instance);
        sender.Send(_saga, [_message]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        var older = sender.BeginReading();
        sender.MarkDeleted(sender.TakeAcknowledged(10));
        using var younger = sender.BeginReading();

        sender.Send(_saga, [_message]);
        Assert.Equal(["responses"], broker.Topics);
        older.Dispose();
        sender.Send(_saga, [_message]);
        Assert.Equal(["responses", "responses"], broker.Topics);
    }

    [Fact]
    public async Task A_response_that_the_broker_rejects_is_replaced_by_an_error_with_the_sagas_id()
    {
        var (broker, index) = (new RejectingProducer { RejectLongerThan = 4_000 }, new CollectedDeadLetters());
        using var sender = new OutgoingSender(broker, index, NullLogger<OutgoingSender>.Instance);
        var large = _response with
        {
            Value = JsonSerializer.SerializeToUtf8Bytes(
                new Response
                {
                    Status = ResponseStatus.Success,
                    Payload = RawJson.FromText($"\"{new string('x', 5_000)}\""),
                    CorrelationId = _saga.Value,
                    Operation = new string('o', 5_000),
                    SagaId = _saga,
                    Extra = RawJson.FromText($$"""{"note":"{{new string('y', 5_000)}}"}"""),
                },
                MessageJson.Readable.Response),
        };

        sender.Send(_saga, [large]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        Assert.Equal(["responses", "responses"], broker.Topics);
        Assert.Empty(index.Rows);
        var sent = JsonSerializer.Deserialize(broker.LastRecord!.Value.Span, MessageJson.Default.Response)!;
        Assert.Equal(
            (false, "error", "success", ErrorCodes.ResponseUndeliverable, _saga, _saga.Value),
            (sent.Success, sent.Status, sent.OriginalStatus, sent.Code, sent.SagaId!.Value, sent.CorrelationId));
        Assert.Contains($"/api/v1/sagas/{_saga}/response", sent.Error);
        Assert.Contains(
            broker.LastRecord.Headers, header => header is { Key: HeaderNames.MessageId } && header.Value == large.MessageId.ToString());
        Assert.DoesNotContain(broker.LastRecord.Headers, header => header.Key == "x-large");
    }

    [Fact]
    public async Task A_response_whose_short_form_is_rejected_too_becomes_a_dead_letter()
    {
        var (broker, index) = (new RejectingProducer("responses"), new CollectedDeadLetters());
        using var sender = new OutgoingSender(broker, index, NullLogger<OutgoingSender>.Instance);

        sender.Send(_saga, [_response]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        Assert.Equal(["responses", "responses", "responses.dlq"], broker.Topics);
        Assert.Equal(_response.Value.ToArray(), Assert.Single(index.Rows).Value);
    }

    [Fact]
    public async Task A_sent_message_closes_the_dead_letter_of_its_earlier_attempt()
    {
        var index = new CollectedDeadLetters();
        using var sender = new OutgoingSender(new RejectingProducer(), index, NullLogger<OutgoingSender>.Instance);

        sender.Send(_saga, [_message], isFromOutbox: true);
        sender.Send(_saga, [UndeliverableDeadLetter.Write(_message with { MessageId = new(_saga.Value) }, "no")], isFromOutbox: true);
        await Eventually.Async(() => sender.TakeAcknowledged(10).Count > 0, TimeSpan.FromSeconds(10), () => "nothing was acknowledged");

        Assert.Equal([_message.MessageId.Value], index.Closed);
    }

    [Fact]
    public async Task A_redriven_message_rejected_again_reopens_its_dead_letter()
    {
        var index = new CollectedDeadLetters();
        using var sender = new OutgoingSender(new RejectingProducer("orders.packed"), index, NullLogger<OutgoingSender>.Instance);
        var deadLetter = UndeliverableDeadLetter.Row(_message with { Topic = "orders.packed" }, "too large");

        foreach (var decision in (Guid[])[Guid.CreateVersion7(deadLetter.At), Guid.CreateVersion7(deadLetter.At)])
        {
            sender.Send(new SagaId(deadLetter.Id), [Redrive.Create(deadLetter, decision, deadLetter.At)]);
            await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        }

        Assert.Equal([deadLetter.Id, deadLetter.Id], index.Rows.Select(row => row.Id));
        Assert.All(index.Rows, row => Assert.True(row.Reopens));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_dead_letter_without_a_value_that_is_too_large_refers_to_the_row_that_stores_it(bool isRedriven)
    {
        var (broker, index) = (new RejectingProducer("orders.packed"), new CollectedDeadLetters());
        using var sender = new OutgoingSender(broker, index, NullLogger<OutgoingSender>.Instance);
        var message = _message with { Topic = "orders.packed", Value = new byte[MessageSizes.DeadLetterValueMax + 1] };
        if (isRedriven)
        {
            var deadLetter = UndeliverableDeadLetter.Row(message, "too large");
            message = Redrive.Create(deadLetter, _saga.Value, deadLetter.At);
        }

        sender.Send(_saga, [message]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        var original = JsonSerializer.Deserialize(broker.LastRecord!.Value.Span, MessageJson.Readable.DeadLetter)!.OriginalMessage;
        var row = Assert.Single(index.Rows);
        Assert.Equal((null, row.Id), (original.Value, original.ValueRef));
        Assert.Equal(message.Value.ToArray(), row.Value);
    }

    [Theory]
    [InlineData(true, """{"token":"t0ken"}""")]
    [InlineData(false, """{"saga_id":"018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a13"}""")]
    [InlineData(false, """{"call":{"parent_id":"018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a13"}}""")]
    [InlineData(false, """{"result":{"saga_id":"018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a13"}}""")]
    public async Task A_redriven_message_rejected_again_is_logged_with_its_saga(bool hasHeader, string value)
    {
        var line = await LogRejectionOfRedrivenAsync(_message with
        {
            Value = Encoding.UTF8.GetBytes(value),
            Headers = hasHeader ? _message.Headers.With(HeaderNames.SagaId, _saga.ToString()) : _message.Headers,
        });

        Assert.Equal($"The broker rejects message {_redriven} of saga {_saga} for topic orders.packed: too large", line);
    }

    [Theory]
    [InlineData("""{"token":"t0ken"}""")]
    [InlineData("""{"saga_id":7,"call":[],"result":"x"}""")]
    [InlineData("""{"saga_id":"\ud800"}""")]
    [InlineData("null")]
    [InlineData("not JSON")]
    public async Task A_redriven_message_without_a_saga_is_logged_without_one(string value)
    {
        var line = await LogRejectionOfRedrivenAsync(_message with { Value = Encoding.UTF8.GetBytes(value) });

        Assert.Equal($"The broker rejects message {_redriven} for topic orders.packed: too large", line);
    }

    [Fact]
    public async Task A_redriven_message_that_is_sent_closes_its_dead_letter()
    {
        var index = new CollectedDeadLetters();
        using var sender = new OutgoingSender(new RejectingProducer(), index, NullLogger<OutgoingSender>.Instance);
        var deadLetter = UndeliverableDeadLetter.Row(_message, "too large");

        sender.Send(new SagaId(deadLetter.Id), [Redrive.Create(deadLetter, _saga.Value, deadLetter.At)], isFromOutbox: true);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);

        Assert.Equal([deadLetter.Id], index.Closed);
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    public async Task A_message_that_may_have_been_sent_before_is_counted_and_logged(bool wasTried, bool restarted)
    {
        var (broker, resent, log) = (new RejectingProducer(), new ResentMessages(), new CollectedLog());
        using var before = new OutgoingSender(broker, new CollectedDeadLetters(), log, resent: resent);
        if (wasTried)
        {
            broker.Answer = new DeliveryReport(DeliveryStatus.Unavailable, "timed out");
            before.Send(_saga, [_message]);
            broker.Answer = null;
        }

        using var now = new OutgoingSender(broker, new CollectedDeadLetters(), log, resent: resent);
        var sender = restarted || !wasTried ? now : before;
        using (sender.BeginReading())
        {
            sender.Send(_saga, [_message], isFromOutbox: true);
        }

        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        Assert.Equal([KeyValuePair.Create("responses", 1L)], resent.Topics);
        Assert.Contains(
            "Messages of the outbox are sent although a copy may be there (1)", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.Contains($"{_message.MessageId} for responses", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.Equal(
            "sent although a copy may be there, since the process began: 1 message for responses",
            (await resent.ProbeAsync(CancellationToken.None)).Note);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_message_that_was_certainly_not_sent_is_not_counted_as_a_copy(bool isFull)
    {
        var (broker, resent, log) = (new RejectingProducer(), new ResentMessages(), new CollectedLog());
        var pendingReport = new TaskCompletionSource<DeliveryReport>();
        using var sender = new OutgoingSender(broker, new CollectedDeadLetters(), log, bytesMax: isFull ? 1 : long.MaxValue, resent);
        if (isFull)
        {
            broker.PendingReport = pendingReport.Task;
            sender.Send(_saga, [_message with { MessageId = new(_saga.Value) }, _message]);
            pendingReport.SetResult(new DeliveryReport(DeliveryStatus.Acknowledged, null));
            await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        }
        else
        {
            broker.Answer = new DeliveryReport(DeliveryStatus.Unavailable, "no room") { IsUnwritten = true };
            sender.Send(_saga, [_message]);
            broker.Answer = null;
        }

        using (sender.BeginReading())
        {
            sender.Send(_saga, [_message], isFromOutbox: true);
        }

        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        Assert.Contains(_message.MessageId, sender.TakeAcknowledged(10));
        Assert.Empty(resent.Topics);
        Assert.Empty(log.Lines);
    }

    [Fact]
    public async Task The_outbox_is_degraded_while_a_message_is_not_acknowledged_or_waits_to_be_sent_again()
    {
        var (broker, time) = (new RejectingProducer(), new FakeTimeProvider());
        using var sender = new OutgoingSender(broker, new CollectedDeadLetters(), NullLogger<OutgoingSender>.Instance, time: time);
        var health = new OutboxHealth(sender);
        var pendingReport = new TaskCompletionSource<DeliveryReport>();
        broker.PendingReport = pendingReport.Task;
        sender.Send(_saga, [_message]);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(ComponentState.Healthy, (await health.ProbeAsync(CancellationToken.None)).State);

        time.Advance(TimeSpan.FromSeconds(1));
        pendingReport.SetResult(new DeliveryReport(DeliveryStatus.Unavailable, "timed out"));
        await Eventually.Async(() => !sender.HasInFlight, TimeSpan.FromSeconds(10), () => "the attempt has not ended");

        var report = await health.ProbeAsync(CancellationToken.None);
        Assert.Equal(
            (ComponentState.Degraded,
                "a message has been in the outbox for 31 s although it was sent; 1 message of this process is there"),
            (report.State, report.Error));

        broker.PendingReport = null;
        sender.Send(_saga, [_message], isFromOutbox: true);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        Assert.Equal(ComponentState.Degraded, (await health.ProbeAsync(CancellationToken.None)).State);

        sender.MarkDeleted(sender.TakeAcknowledged(10));
        Assert.Equal(ComponentState.Healthy, (await health.ProbeAsync(CancellationToken.None)).State);
    }

    [Fact]
    public async Task A_failed_message_is_counted_only_until_another_process_has_had_time_to_send_it()
    {
        var time = new FakeTimeProvider();
        var broker = new RejectingProducer { Answer = new DeliveryReport(DeliveryStatus.Unavailable, "timed out") };
        using var sender = new OutgoingSender(broker, new CollectedDeadLetters(), NullLogger<OutgoingSender>.Instance, time: time);
        sender.Send(_saga, [_message]);
        await Eventually.Async(() => !sender.HasInFlight, TimeSpan.FromSeconds(10), () => "the attempt has not ended");
        Assert.Equal(1, sender.UnfinishedMessages.Count);

        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal((0, TimeSpan.Zero), sender.UnfinishedMessages);
    }

    private static readonly OutgoingMessage _response = new()
    {
        MessageId = new(Guid.Parse("018f2f6e-7a64-8cc4-9d3b-2c8f4e2b8a14")),
        Topic = "responses",
        Key = "k",
        Value = JsonSerializer.SerializeToUtf8Bytes(
            new Response { Status = ResponseStatus.Success, CorrelationId = _saga.Value, SagaId = _saga }, MessageJson.Readable.Response),
        Headers = MessageHeaders.Empty.With(
            [new("event_type", "onex.response"), new("timestamp", "2026-11-24T12:00:00Z"), new("x-large", "x")]),
    };

    [Fact]
    public void A_delivery_report_during_shutdown_is_not_an_error()
    {
        var (broker, log) = (new RejectingProducer(), new CollectedLog());
        var pendingReport = new TaskCompletionSource<DeliveryReport>();
        var sender = new OutgoingSender(broker, new CollectedDeadLetters(), log);
        broker.PendingReport = pendingReport.Task;
        sender.Send(_saga, [_message]);

        sender.Dispose();
        pendingReport.SetResult(new DeliveryReport(DeliveryStatus.Acknowledged, null));

        Assert.Empty(log.Lines);
    }

    private static async Task<string> LogRejectionOfRedrivenAsync(OutgoingMessage message)
    {
        var log = new CollectedLog();
        using var sender = new OutgoingSender(new RejectingProducer("orders.packed"), new CollectedDeadLetters(), log);
        var deadLetter = UndeliverableDeadLetter.Row(message with { Topic = "orders.packed" }, "too large");
        sender.Send(new SagaId(deadLetter.Id), [Redrive.Create(deadLetter, _redriven.Value, deadLetter.At)]);
        await sender.WaitForAcknowledgedAsync(new CancellationTokenSource(TimeSpan.FromSeconds(10)).Token);
        return Assert.Single(log.Lines);
    }

    // Rejects every record for these topics; acknowledges others, unless a test sets another answer.
    internal sealed class RejectingProducer(params string[] topics) : IRecordProducer
    {
        private readonly ConcurrentQueue<string> _topics = new();

        public IReadOnlyList<string> Topics => [.. _topics];

        public string? RejectOnce { get; set; }

        public int RejectLongerThan { get; init; } = int.MaxValue;

        public ProducedRecord? LastRecord { get; private set; }

        public DeliveryReport? Answer { get; set; }

        public Task<DeliveryReport>? PendingReport { get; set; }

        public Task<DeliveryReport> ProduceAsync(ProducedRecord record, CancellationToken cancellation)
        {
            _topics.Enqueue(record.Topic);
            LastRecord = record;
            var rejected = topics.Contains(record.Topic) || record.Topic == RejectOnce || record.Value.Length > RejectLongerThan;
            RejectOnce = null;
            if (PendingReport is { } pendingReport)
            {
                PendingReport = null;
                return pendingReport;
            }

            if (Answer is { } answer)
            {
                return Task.FromResult(answer);
            }

            return Task.FromResult(
                rejected ? new DeliveryReport(
                    DeliveryStatus.Undeliverable, "too large") : new DeliveryReport(DeliveryStatus.Acknowledged, null));
        }

        public Task<int> PartitionsAsync(string topic, CancellationToken cancellation) => Task.FromResult(1);
    }

    private sealed class CollectedLog : ILogger<OutgoingSender>
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
