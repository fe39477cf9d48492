using Onex.Kafka.Records;
using Onex.Orchestrator.Api;
using Onex.Orchestrator.Mapping;
using Onex.Orchestrator.Outbox;
using Onex.Orchestrator.Routing;
using Onex.Persistence.Sagas;
using Onex.Tests.Unit.Engine;

namespace Onex.Tests.Unit.Orchestrator.Routing;

public sealed class SagaWorkTests
{
    private static readonly DateTimeOffset _now = new(2026, 11, 24, 8, 0, 0, TimeSpan.Zero);
    private static readonly MessageWriter _messages = new(Topics.Default, new ResponseWriter(Topics.Default));

    [Fact]
    public void Seen_messages_and_buffered_and_released_events_are_part_of_the_commit()
    {
        var (first, second, third) = (Buffered("first"), Buffered("second"), Buffered("third"));
        var work = new SagaWork(Saga.Facts.SagaId, machine: null, Saga with { BufferedEvents = [first, second] }, version: 4);

        // The third event is buffered and released within one commit, so it needs no row.
        Apply(work, Saga with { BufferedEvents = [first, second, third] }, third.MessageId);
        Apply(work, Saga with { BufferedEvents = [second] });
        var transition = Assert.IsType<CommitEntry.Transition>(work.ToEntry());

        Assert.Equal([new SeenMessage(third.MessageId)], transition.SeenMessages);
        Assert.True(work.HasSeen(third.MessageId));
        Assert.Empty(transition.BufferedEvents);
        Assert.Equal([first.MessageId], transition.ReleasedEvents);

        var other = new SagaWork(Saga.Facts.SagaId, machine: null, Saga, version: 4);
        Apply(other, Saga with { BufferedEvents = [third] }, third.MessageId);
        var buffered = Assert.Single(Assert.IsType<CommitEntry.Transition>(other.ToEntry()).BufferedEvents);
        Assert.Equal((third.MessageId, Saga.Facts.SagaId), Identified(buffered));

        static (MessageId, SagaId?) Identified(EarlyEvent buffered) => (buffered.MessageId, buffered.SagaId);
    }

    [Fact]
    public void A_transition_says_whether_the_saga_was_parked_before()
    {
        var inFlight = new Outstanding
        {
            CommandId = default,
            Step = "seal",
            Direction = StepDirection.Forward,
            Attempt = 1,
            Phase = AttemptPhase.InFlight,
            DueAt = _now,
            FirstSentAt = _now,
        };

        Assert.True(WasParked(Saga));
        Assert.False(WasParked(Saga with { Outstanding = [inFlight] }));

        static bool WasParked(SagaState saga)
        {
            var work = new SagaWork(saga.Facts.SagaId, machine: null, saga, version: 1);
            Apply(work, saga);
            return Assert.IsType<CommitEntry.Transition>(work.ToEntry()).WasParked;
        }
    }

    [Fact]
    public void The_response_of_a_saga_is_stored_once()
    {
        var work = new SagaWork(Saga.Facts.SagaId, machine: null, Saga, version: 1);
        var responded = Saga with { Response = RawJson.FromText("""{"ok":true}""") };
        Apply(work, responded);
        Apply(work, responded);

        var payload = Assert.Single(Assert.IsType<CommitEntry.Transition>(work.ToEntry()).Payloads);
        Assert.Equal(
            ("response", """{"ok":true}""", Identity.Payload(Saga.Facts.SagaId, "response")),
            (payload.Name, payload.Content.ToString(), payload.Id));
    }

    [Fact]
    public void A_declined_buffered_event_is_answered_and_becomes_a_dead_letter_in_one_commit()
    {
        var buffered = Buffered("cancel") with
        {
            Data = CelValue.FromJson("""{"reason":"late","password":"hunter2"}"""u8),
            Requester = SagaScenario.Requester("requests/3/9") with
            {
                Operation = "story.cancel",
                Target = new RequestTarget { Key = "o-1" },
                Extra = RawJson.FromText("""{"tenant":"t1"}"""),
                Headers = ImmutableSortedDictionary<string, string>.Empty.Add("x-token", "secret").Add("traceparent", "00-1"),
            },
        };
        var work = new SagaWork(Saga.Facts.SagaId, machine: null, Saga with { BufferedEvents = [buffered] }, version: 4);
        work.Apply(
            new Decision(Saga, true, [], [], [])
            {
                Declined =
                    [new DeclinedEvent(buffered.Requester, buffered, ErrorCodes.EventUnclaimed, "It ended.", BecomesDeadLetter: true)],
            },
            new ResendRequested { SagaId = Saga.Facts.SagaId, CausedBy = default },
            _messages);

        Assert.Equal(["responses", "requests.dlq"], work.Outgoing.Select(message => message.Topic));
        Assert.Equal(2, work.Outgoing.Select(message => message.MessageId).Distinct().Count());
        var response = Json(work.Outgoing[0].Value);
        Assert.Equal(
            ("error", ErrorCodes.EventUnclaimed, "story.cancel", Saga.Facts.SagaId.Value),
            (Text(response, "status"), Text(response, "code"), Text(response, "operation"), response.GetProperty("saga_id").GetGuid()));
        var deadLetter = Json(work.Outgoing[1].Value);
        var original = deadLetter.GetProperty("original_message");
        Assert.Equal((3, 9L), (original.GetProperty("partition").GetInt32(), original.GetProperty("offset").GetInt64()));
        Assert.Equal(
            ("requests", "It ended.", "EventUnclaimed"),
            (Text(deadLetter, "original_topic"), Text(deadLetter, "failure_reason"), Text(deadLetter, "error_type")));
        Assert.Equal("***", Text(original.GetProperty("headers"), "x-token"));
        Assert.Equal(
            $$$"""{"operation":"story.cancel","payload":{"reason":"late","password":"***"},"correlation_id":"{{{buffered.Requester
                .CorrelationId}}}","target":{"key":"o-1"},"tenant":"t1"}""",
            Text(original, "value"));

        // The row in the index masks nothing, because a redrive must send the original.
        var entry = Assert.Single(work.ToEntry().DeadLetters);
        Assert.Equal((work.Outgoing[1].MessageId.Value, 3, 9L), (entry.Id, entry.Partition, entry.Offset));
        Assert.DoesNotContain("***", Encoding.UTF8.GetString(entry.Value!) + entry.Headers);
    }

    [Fact]
    public void A_redriven_event_has_no_envelope_id_because_its_saga_has_seen_that_id()
    {
        var buffered = Buffered("cancel");
        buffered = buffered with { Requester = buffered.Requester with { EnvelopeId = Guid.CreateVersion7(_now) } };
        var work = new SagaWork(Saga.Facts.SagaId, machine: null, Saga with { BufferedEvents = [buffered] }, version: 4);
        work.Apply(
            new Decision(Saga, true, [], [], [])
            {
                Declined = [new DeclinedEvent(buffered.Requester, buffered, ErrorCodes.EventExpired, "Over.", BecomesDeadLetter: true)],
            },
            new ResendRequested { SagaId = Saga.Facts.SagaId, CausedBy = default },
            _messages);

        Assert.Contains("envelope_id", Text(Json(work.Outgoing[1].Value).GetProperty("original_message"), "value"));
        Assert.DoesNotContain("envelope_id", Encoding.UTF8.GetString(Assert.Single(work.ToEntry().DeadLetters).Value!));
    }

    [Fact]
    public void A_redriven_event_that_is_declined_again_has_a_new_identity_because_its_saga_has_seen_the_last_one()
    {
        var deadLetter = Guid.CreateVersion7(_now);
        var buffered = Buffered("cancel") with { Requester = SagaScenario.Requester($"requests/3/9/{deadLetter}") };
        var identities = Enumerable.Range(4, 2).Select(version =>
        {
            var work = new SagaWork(Saga.Facts.SagaId, machine: null, Saga with { BufferedEvents = [buffered] }, version);
            work.Apply(
                new Decision(Saga, true, [], [], [])
                {
                    Declined = [new DeclinedEvent(buffered.Requester, buffered, ErrorCodes.EventExpired, "Over.", BecomesDeadLetter: true)],
                },
                new ResendRequested { SagaId = Saga.Facts.SagaId, CausedBy = default },
                _messages);
            var row = Assert.Single(work.ToEntry().DeadLetters);
            Assert.Equal(deadLetter, row.Id);
            Assert.True(row.Reopens);
            return Redrive.Origin(row);
        }).ToList();

        Assert.Equal(2, identities.Distinct().Count());
        Assert.DoesNotContain(RecordOrigin.FromIdentity(deadLetter), identities);
    }

    [Fact]
    public void A_dead_letter_without_a_value_that_is_too_large_for_it_refers_to_its_row()
    {
        var buffered = Buffered("cancel") with
        {
            Data = CelValue.FromJson(Encoding.UTF8.GetBytes($$"""{"reason":"{{new string('x', MessageSizes.DeadLetterValueMax)}}"}""")),
        };
        var work = new SagaWork(Saga.Facts.SagaId, machine: null, Saga with { BufferedEvents = [buffered] }, version: 4);
        work.Apply(
            new Decision(Saga, true, [], [], [])
            {
                Declined = [new DeclinedEvent(buffered.Requester, buffered, ErrorCodes.EventExpired, "Over.", BecomesDeadLetter: true)],
            },
            new ResendRequested { SagaId = Saga.Facts.SagaId, CausedBy = default },
            _messages);

        var transition = Assert.IsType<CommitEntry.Transition>(work.ToEntry());
        var row = Assert.Single(transition.DeadLetters);
        Assert.True(row.Value!.Length > MessageSizes.DeadLetterValueMax);
        Assert.Empty(transition.Payloads);
        Assert.Equal(row.Id, Json(work.Outgoing[1].Value).GetProperty("original_message").GetProperty("value_ref").GetGuid());
    }

    [Fact]
    public void A_buffered_event_survives_a_round_trip()
    {
        var plan = PlansWithEvents.Orders;
        var buffered = Buffered("cancel") with
        {
            Requester = SagaScenario.Requester("requests/3/9") with
            {
                Operation = "orders.cancel",
                ReplyTo = "answers",
                EnvelopeId = Guid.CreateVersion7(_now),
                Target = new RequestTarget { SagaId = Saga.Facts.SagaId },
                Extra = RawJson.FromText("""{"tenant":"t1"}"""),
                Headers = ImmutableSortedDictionary<string, string>.Empty.Add("traceparent", "00-1"),
            },
            Data = CelValue.Map(
                [KeyValuePair.Create("reason", CelValue.String("late")), KeyValuePair.Create("at", CelValue.Timestamp(_now))]),
        };

        var row = EarlyEventRows.ToRow(Saga.Facts, buffered);
        var loaded = EarlyEventRows.ToBuffered(plan, row);

        Assert.Equal(buffered.Data, loaded.Data);
        Assert.Equal(buffered.Requester with { Headers = loaded.Requester.Headers }, loaded.Requester);
        Assert.Equal(buffered.Requester.Headers.AsEnumerable(), loaded.Requester.Headers);
        Assert.Equal(
            (buffered.MessageId, buffered.Event, buffered.ReceivedAt, buffered.ExpiresAt),
            (loaded.MessageId, loaded.Event, loaded.ReceivedAt, loaded.ExpiresAt));
    }

    [Fact]
    public void The_waiter_of_a_request_is_found_by_its_source_and_gets_the_answer_of_its_saga()
    {
        var (first, duplicate, other) = (
            Saga.Facts.Requester, Saga.Facts.Requester with { Source = "http/2" }, SagaScenario.Requester("http/3"));
        var saga = Saga with { Waiters = [new Waiter(duplicate, IsDuplicate: true), new Waiter(other, IsDuplicate: false)] };

        Assert.Equal((false, first), Found(first));
        Assert.Equal((true, duplicate), Found(duplicate));
        Assert.Equal((false, other), Found(other));
        Assert.Null(SagaAnswers.FindWaiter(saga, Request(SagaScenario.Requester("http/4"))));
        Assert.Null(SagaAnswers.FindAnswer(saga, new Waiter(first, IsDuplicate: false)));

        var ended = saga with { EndedAt = _now, Status = SagaStatus.Failed, Output = RawJson.EmptyObject };
        Assert.Equal((ResponseStatus.Error, true), ResponseTo(ended, new Waiter(duplicate, IsDuplicate: true)));
        Assert.Equal(
            (ResponseStatus.Success, false), ResponseTo(
                ended with { Response = RawJson.EmptyObject }, new Waiter(first, IsDuplicate: false)));

        (bool, Requester)? Found(Requester requester) =>
            SagaAnswers.FindWaiter(saga, Request(requester)) is { } waiter ? (waiter.IsDuplicate, waiter.Requester) : null;

        static Submission.Accepted Request(Requester requester) => new(
            Saga.Facts.SagaId, requester.RequestId, requester.CorrelationId)
        { Source = requester.Source };

        static (string, bool)? ResponseTo(SagaState saga, Waiter waiter) =>
            SagaAnswers.FindAnswer(saga, waiter) is { } answer ? (answer.Status, answer.IsDuplicate) : null;
    }

    [Fact]
    public void The_home_partition_is_derived_from_the_saga_id()
    {
        var ids = Enumerable.Range(0, 200).Select(number => SagaId.Create(_now.AddMilliseconds(number))).ToList();

        Assert.Equal(Enumerable.Range(0, 4), ids.Select(id => Identity.HomePartition(id, 4)).Distinct().Order());
        Assert.All(ids, id => Assert.Equal(Identity.HomePartition(id, 12), Identity.HomePartition(id, 12)));
        Assert.Equal(3, Identity.HomePartition(new(Guid.Parse("123e4567-e89b-12d3-a456-426614174000")), 4));
    }

    private static SagaState Saga { get; } = new SagaScenario("""
        contract: story
        version: 1.0.0
        description: A step.
        input: { type: object }
        initial: working
        states:
          working: { steps: [{ id: seal, compute: hash.sha256, with: { text: x } }], next: done }
          done: { end: completed }
        """).Starts().Saga with { Outstanding = [] };

    private static BufferedEvent Buffered(string name) => new(
        new(Identity.OfRequest(default, name)), name, CelValue.Map([]),
        SagaScenario.Requester($"requests/3/{name.Length}"), _now, _now.AddMinutes(10));

    private static void Apply(SagaWork work, SagaState after, params MessageId[] seen) => work.Apply(
        new Decision(after, true, [], [], []) { Seen = [.. seen] },
        new ResendRequested { SagaId = after.Facts.SagaId, CausedBy = default },
        _messages);

    private static JsonElement Json(ReadOnlyMemory<byte> value) => JsonDocument.Parse(value).RootElement;

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();
}
