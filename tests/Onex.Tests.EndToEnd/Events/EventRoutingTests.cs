namespace Onex.Tests.EndToEnd.Events;

/// <summary>Events on <c>requests</c>: routing to their saga, declined events, and duplicates.</summary>
public sealed class EventRoutingTests(Documents documents) : IClassFixture<Documents>
{
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private OnexStack Stack => documents.Stack;

    [Fact]
    public async Task An_event_is_routed_by_correlation_id_key_or_id_and_gets_no_response()
    {
        var document = Names.Next("document");
        var saga = await StartAsync(document);
        await Stack.RequestAsync("document.noted", Note("a"), saga);
        await SendAsync("document.noted", Note("b"), new JsonObject { ["key"] = document });
        await SendAsync("document.noted", Note("c"), new JsonObject { ["saga_id"] = await IdAsync(saga) });
        await WaitForNotesAsync(saga, 3);
        await Stack.RequestAsync("document.approved", By("ann"), saga);

        var response = await Stack.Responses.ReadAsync(saga, _within);

        Assert.Equal(("success", "document"), (response.Field("status"), response.Field("operation")));
        Assert.Equal("ann", response.Json.GetProperty("payload").GetProperty("by").GetString());
        Stack.AssertOneResponseEach([saga]);
    }

    [Fact]
    public async Task An_event_right_after_its_starting_request_reaches_the_new_saga()
    {
        var sagas = Enumerable.Range(0, 20).Select(_ => OnexStack.NewId()).ToList();
        foreach (var saga in sagas)
        {
            await Stack.RequestAsync("document", Document(Names.Next("document")), saga, partition: 1);
            await Stack.RequestAsync("document.withdrawn", new JsonObject(), saga, partition: 1);
        }

        foreach (var saga in sagas)
        {
            Assert.Equal("withdrawn", (await Stack.Responses.ReadAsync(saga, _within)).Field("code"));
        }

        Stack.AssertOneResponseEach(sagas);
    }

    [Fact]
    public async Task A_redelivered_event_is_applied_once()
    {
        var saga = await StartAsync(Names.Next("document"));
        var (first, second) = (OnexStack.NewId(), OnexStack.NewId());
        foreach (var envelopeId in new[] { first, first, second, first, second })
        {
            await Stack.RequestAsync("document.noted", Note("x"), saga, envelopeId, partition: 0);
        }

        // A record of another partition may be read at any time.
        await Stack.RequestAsync("document.noted", Note("x"), saga, first, partition: 3);
        await WaitForNotesAsync(saga, 2);
        await Stack.RequestAsync("document.approved", By("ann"), saga, partition: 0);
        var response = await Stack.Responses.ReadAsync(saga, _within);
        await Stack.RequestAsync("document.noted", Note("x"), saga, first, partition: 3);
        await WaitUntilHandledAsync(partition: 3);

        Assert.Equal(2, response.Json.GetProperty("payload").GetProperty("notes").GetInt32());
        Stack.AssertOneResponseEach([saga]);
    }

    [Fact]
    public async Task An_event_that_all_guards_decline_gets_an_error_and_changes_nothing()
    {
        var saga = await StartAsync(Names.Next("document"));
        await Stack.RequestAsync("document.approved", By(""), saga);

        var rejected = await Stack.Responses.ReadAsync(saga, _within);

        Assert.Equal(
            ("error", "ONEX3017", "document.approved"), (rejected.Field("status"), rejected.Field("code"), rejected.Field("operation")));
        Assert.Equal(
            ["waiting|waiting"], await Stack.Database.QueryAsync($"SELECT state, status FROM onex.sagas WHERE correlation_id = '{saga}'"));
    }

    [Fact]
    public async Task An_event_without_a_live_saga_gets_an_error_and_becomes_a_dead_letter()
    {
        var nobody = await Stack.RequestAsync("document.noted", Note("x"));

        Assert.Equal("ONEX3023", (await Stack.Responses.ReadAsync(nobody, _within)).Field("code"));
        Assert.Equal("ONEX3023", (await DeadLetterAsync(nobody)).Field("failure_code"));
    }

    [Fact]
    public async Task An_event_that_matches_two_sagas_gets_an_error_that_requires_a_target()
    {
        var flow = OnexStack.NewId();
        var targeted = Names.Next("document");
        await Stack.RequestAsync("document", Document(targeted), flow);
        await Stack.RequestAsync("document", Document(Names.Next("document")), flow);
        await WaitForLiveSagasAsync(flow, 2);
        await Stack.RequestAsync("document.withdrawn", new JsonObject(), flow);
        var rejected = await Stack.Responses.ReadAsync(record => record.CorrelationId == flow, _within, "a rejection");
        await SendAsync("document.withdrawn", new JsonObject(), new JsonObject { ["key"] = targeted });

        Assert.Equal("ONEX3022", rejected.Field("code"));
        await WaitForLiveSagasAsync(flow, 1);
    }

    [Fact]
    public async Task An_early_event_waits_for_its_saga()
    {
        var saga = OnexStack.NewId();
        await Stack.RequestAsync("document.approved", By("bob"), saga);
        await Eventually.Async(
            async () =>
                await Stack.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.early_events WHERE correlation_id = '{saga}'") == 1,
            _within,
            () => "a row of early_events");
        await Stack.RequestAsync("document", Document(Names.Next("document")), saga);

        var response = await Stack.Responses.ReadAsync(saga, _within);

        Assert.Equal("bob", response.Json.GetProperty("payload").GetProperty("by").GetString());
        await Eventually.Async(
            async () =>
                await Stack.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.early_events WHERE correlation_id = '{saga}'") == 0,
            _within,
            () => "no row of early_events");
    }

    [Fact]
    public async Task An_expired_early_event_gets_an_error_and_becomes_a_redrivable_dead_letter()
    {
        var correlationId = await Stack.RequestAsync("document.hurried", new JsonObject { ["tenant"] = "t1" });

        Assert.Equal("ONEX3020", (await Stack.Responses.ReadAsync(correlationId, _within)).Field("code"));
        var deadLetter = await DeadLetterAsync(correlationId);
        Assert.Equal(("ONEX3020", Stack.Topic("requests")), (deadLetter.Field("failure_code"), deadLetter.Field("original_topic")));
        var value = JsonNode.Parse(deadLetter.Json.GetProperty("original_message").GetProperty("value").GetString()!)!;
        Assert.Equal(
            ("document.hurried", correlationId, "t1"),
            ((string?)value["operation"], (string?)value["correlation_id"], (string?)value["payload"]!["tenant"]));
        Assert.Equal(
            1, await Stack.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.dead_letters WHERE correlation_id = '{correlationId}'"));
    }

    [Fact]
    public async Task An_unconsumed_buffered_event_becomes_a_dead_letter_redrivable_to_the_next_saga()
    {
        var document = Names.Next("document");
        await Stack.RequestAsync("document", Document(document));
        await Stack.InStateAsync(document, "waiting", _within);
        var published = await Stack.EventAsync("document.published", document, [], OnexStack.NewId());
        await WaitUntilBufferedAsync(published);
        await Stack.EventAsync("document.withdrawn", document, []);

        Assert.Equal("ONEX3021", (await Stack.Responses.ReadAsync(published, _within)).Field("code"));
        await DeadLetterAsync(published);
        var deadLetters = await Stack.Database.QueryAsync(
            $"SELECT id, code, status FROM onex.dead_letters WHERE correlation_id = '{published}'");
        var deadLetter = Assert.Single(deadLetters).Split('|');
        Assert.Equal(("ONEX3021", "open"), (deadLetter[1], deadLetter[2]));

        // Same key, another saga: a message that the first one has seen must still reach the second one.
        await Stack.RequestAsync("document", Document(document));
        await Stack.InStateAsync(document, "waiting", _within);
        var settings = new Dictionary<string, string> { ["ONEX_API_URL"] = $"http://127.0.0.1:{Stack.Processes[0].HttpPort}" };
        var redriven = await OnexProcess.RunAsync(settings, "dlq", "redrive", deadLetter[0]);
        Assert.True(redriven.Code == 0, redriven.Error);
        await WaitUntilBufferedAsync(published);
        await Stack.EventAsync("document.shelved", document, []);

        await Eventually.Async(
            async () =>
                await Stack.Database.ScalarAsync<long>(
                    $"SELECT count(*) FROM onex.sagas WHERE business_key = '{document}' AND state = 'dropped'") == 2,
            _within,
            () => "both sagas have ended");
    }

    [Fact]
    public async Task A_misspelt_event_gets_an_error_with_a_suggestion()
    {
        var correlationId = await Stack.RequestAsync("document.aproved", By("ann"));

        var response = await Stack.Responses.ReadAsync(correlationId, _within);

        Assert.Equal("ONEX3004", response.Field("code"));
        Assert.Contains("Did you mean 'approved'?", response.Field("error"), StringComparison.Ordinal);
    }

    private static JsonObject Document(string name) => new() { ["document"] = name };

    private static JsonObject Note(string text) => new() { ["text"] = text };

    private static JsonObject By(string name) => new() { ["by"] = name };

    private async Task<string> StartAsync(string document)
    {
        var saga = await Stack.RequestAsync("document", Document(document));
        await WaitForLiveSagasAsync(saga, 1);
        return saga;
    }

    private async Task SendAsync(string operation, JsonObject payload, JsonObject target) => await Stack.Writer.SendAsync(
        Stack.Topic("requests"), new JsonObject { ["operation"] = operation, ["payload"] = payload, ["target"] = target }.ToJsonString());

    private async Task<string> IdAsync(string saga) =>
        (await Stack.Database.QueryAsync($"SELECT id FROM onex.sagas WHERE correlation_id = '{saga}'"))[0];

    private async Task WaitForLiveSagasAsync(string correlationId, int sagas) => await Eventually.Async(
        async () => await Stack.Database.ScalarAsync<long>(
            $"SELECT count(*) FROM onex.sagas WHERE correlation_id = '{correlationId}' AND ended_at IS NULL") == sagas,
        _within,
        () => $"{sagas} live sagas with the correlation id {correlationId}");

    private async Task WaitForNotesAsync(string saga, int notes) => await Eventually.Async(
        async () =>
            await Stack.Database.ScalarAsync<long>(
                $"SELECT (data->>'notes')::bigint FROM onex.sagas WHERE correlation_id = '{saga}'") == notes,
        _within,
        () => $"{notes} notes");

    // Waits until all earlier records of the partition are handled.
    private async Task WaitUntilHandledAsync(int partition)
    {
        var nobody = await Stack.RequestAsync("document.noted", Note("x"), partition: partition);
        await Stack.Responses.ReadAsync(nobody, _within);
    }

    private Task<TimeSpan> WaitUntilBufferedAsync(string correlationId) => Eventually.Async(
        async () =>
            await Stack.Database.ScalarAsync<long>(
                $"SELECT count(*) FROM onex.early_events WHERE correlation_id = '{correlationId}' AND saga_id IS NOT NULL") == 1,
        _within,
        () => $"an event of {correlationId} that its saga has buffered");

    private Task<ReadRecord> DeadLetterAsync(string correlationId) =>
        Stack.DeadLetters.ReadAsync(
            deadLetter => deadLetter.Field("correlation_id") == correlationId, _within, $"a dead letter of {correlationId}");
}

/// <summary>An orchestrator alone, with a contract whose sagas wait for events.</summary>
public sealed class Documents : StackFixture
{
    private const string Contract = """
        contract: document
        version: 1.0.0
        description: Waits for a decision, and takes notes until then.
        input: { type: object, required: [document], properties: { document: { type: string } } }
        key: input.document
        events:
          approved: { data: { by: string }, early: 10m }
          noted: { data: { text: string } }
          withdrawn: {}
          hurried: { early: 1s }
          shelved: {}
          published: { early: 10m }
        data:
          by: string
          notes: { type: int, initial: 0 }
        initial: waiting
        states:
          waiting:
            on_event:
              - { event: noted, stay: true, set: { notes: data.notes + 1 } }
              - { event: approved, when: 'event.by != ""', set: { by: event.by }, next: done }
              - { event: withdrawn, next: dropped }
              - { event: hurried, next: dropped }
              - { event: shelved, next: shelf }
            timeout: { after: 1h, next: dropped }
          shelf:
            on_event: [ { event: published, next: dropped } ]
            timeout: { after: 1h, next: dropped }
          done: { end: completed, output: { by: "${data.by}", notes: "${data.notes}" } }
          dropped: { end: failed }
        """;

    private readonly string _directory = Path.Combine(Path.GetTempPath(), Names.Next("contracts"));

    /// <inheritdoc />
    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        if (Directory.Exists(_directory))
        {
            Directory.Delete(_directory, recursive: true);
        }
    }

    /// <inheritdoc />
    protected override async Task StartAsync(OnexStack stack)
    {
        Directory.CreateDirectory(_directory);
        await File.WriteAllTextAsync(Path.Combine(_directory, "document.yaml"), Contract);
        stack.Set("CONTRACTS_DIR", _directory);
        await stack.StartReadyAsync("main");
    }
}
