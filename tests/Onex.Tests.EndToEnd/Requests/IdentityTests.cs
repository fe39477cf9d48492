using System.Net;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Requests;

/// <summary>Which requests are duplicates, over the API of one process. Requests on the topic follow the same rules.</summary>
public sealed class IdentityTests(IdentityTests.Tickets tickets) : IClassFixture<IdentityTests.Tickets>
{
    private const string Contract = """
        contract: ticket
        version: 1.0.0
        description: Stays open until it is closed.
        input: { type: object, required: [name], properties: { name: { type: string }, seats: { type: integer } } }
        key: input.name
        on_duplicate: join
        events:
          noted: { data: { text: string }, early: 10m }
          closed: { early: 10m }
        data: { notes: { type: list(string), initial: [] } }
        initial: open
        states:
          open:
            on_event:
              - { event: noted, set: { notes: "data.notes + [event.text]" }, stay: true }
              - { event: closed, next: done }
            timeout: { after: 24h, next: done }
          done: { end: completed, output: { notes: "${data.notes}" } }
        """;

    private EmbeddedOnex Onex => tickets.Onex;

    [Fact]
    public async Task A_different_request_with_the_same_envelope_id_is_a_conflict()
    {
        var (first, other) = (Names.Next("ticket"), Names.Next("ticket"));
        var envelope = OnexStack.NewId();
        var (_, started) = await Onex.RequestAsync(Start(first, envelope));

        var (payload, rejection) = await Onex.RequestAsync(Start(other, envelope));
        var (operation, _) = await Onex.RequestAsync(Event("noted", first, envelope, """{"text":"a"}"""));
        var noted = OnexStack.NewId();
        await Onex.RequestAsync(Event("noted", first, noted, """{"text":"b"}"""));
        var (otherText, _) = await Onex.RequestAsync(Event("noted", first, noted, """{"text":"c"}"""));
        var (otherEvent, _) = await Onex.RequestAsync(Event("closed", first, noted, "{}"));
        var (asStart, _) = await Onex.RequestAsync(Start(other, noted));

        Assert.All(
            (HttpStatusCode[])[payload, operation, otherText, otherEvent, asStart],
            status => Assert.Equal(HttpStatusCode.Conflict, status));
        Assert.Equal("ONEX3030", (string?)rejection["code"]);
        Assert.Contains((string)started["saga_id"]!, (string)rejection["detail"]!, StringComparison.Ordinal);
        Assert.Empty((await Onex.GetAsync($"/api/v1/sagas?key={other}"))["sagas"]!.AsArray());
        Assert.Equal(["b"], await NotesAsync(first));
    }

    [Fact]
    public async Task A_different_event_with_the_envelope_id_of_an_early_event_is_a_conflict()
    {
        var (name, envelope) = (Names.Next("ticket"), OnexStack.NewId());
        await Onex.RequestAsync(Event("noted", name, envelope, """{"text":"a"}"""));

        Assert.Equal(HttpStatusCode.Conflict, (await Onex.RequestAsync(Event("noted", name, envelope, """{"text":"b"}"""))).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await Onex.RequestAsync(Event("noted", name, envelope, """{"text":"a"}"""))).Status);
    }

    [Fact]
    public async Task A_request_in_another_notation_is_the_same_request()
    {
        var (name, envelope) = (Names.Next("ticket"), OnexStack.NewId());
        var (_, first) = await Onex.RequestAsync(
            $$$"""{"operation":"ticket","envelope_id":"{{{envelope}}}","payload":{"name":"{{{name}}}","seats":2}}""");
        var (status, repeated) = await Onex.RequestAsync(
            $$$"""{"payload": {"seats": 2.0, "name": "{{{name}}}"}, "envelope_id": "{{{envelope}}}", "operation": "ticket"}""");

        Assert.Equal((HttpStatusCode.Accepted, (string?)first["saga_id"]), (status, (string?)repeated["saga_id"]));
    }

    [Fact]
    public async Task A_request_with_a_different_payload_does_not_join_the_live_saga_of_its_key()
    {
        var name = Names.Next("ticket");
        var (_, started) = await Onex.RequestAsync($$$"""{"operation":"ticket","payload":{"name":"{{{name}}}","seats":2}}""");

        var (same, joined) = await Onex.RequestAsync($$$"""{"operation":"ticket","payload":{"name":"{{{name}}}","seats":2}}""");
        var (another, rejection) = await Onex.RequestAsync($$$"""{"operation":"ticket","payload":{"name":"{{{name}}}","seats":3}}""");

        Assert.Equal((HttpStatusCode.Accepted, (string?)started["saga_id"]), (same, (string?)joined["saga_id"]));
        Assert.Equal((HttpStatusCode.Conflict, "ONEX3030"), (another, (string?)rejection["code"]));
        Assert.Contains("another payload", (string)rejection["detail"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_late_event_is_not_stored_for_the_next_saga_with_its_key()
    {
        var name = Names.Next("ticket");
        var (_, first) = await Onex.RequestAsync(Start(name, OnexStack.NewId()));
        await Onex.RequestAsync(Event("closed", name, OnexStack.NewId(), "{}"));
        await Onex.UntilAsync((string)first["saga_id"]!, "done");

        var (late, rejection) = await Onex.RequestAsync(Event("noted", name, OnexStack.NewId(), """{"text":"late"}"""));
        await Onex.RequestAsync(Start(name, OnexStack.NewId()));
        await Onex.RequestAsync(Event("noted", name, OnexStack.NewId(), """{"text":"in time"}"""));

        Assert.Equal((HttpStatusCode.NotFound, "ONEX3023"), (late, (string?)rejection["code"]));
        Assert.Contains("has ended", (string)rejection["detail"]!, StringComparison.Ordinal);
        Assert.Equal(["in time"], await NotesAsync(name));
    }

    private static string Start(string name, string envelope) =>
        $$$"""{"operation":"ticket","envelope_id":"{{{envelope}}}","payload":{"name":"{{{name}}}"}}""";

    private static string Event(string @event, string key, string envelope, string payload) =>
        $$$"""{"operation":"ticket.{{{@event}}}","envelope_id":"{{{envelope}}}","target":{"key":"{{{key}}}"},"payload":{{{payload}}}}""";

    private async Task<IEnumerable<string?>> NotesAsync(string key)
    {
        var (_, ended) = await Onex.RequestAsync(Event("closed", key, OnexStack.NewId(), "{}"));
        await Onex.UntilAsync((string)ended["saga_id"]!, "done");
        var saga = await Onex.GetAsync($"/api/v1/sagas/{(string)ended["saga_id"]!}");
        return saga["data"]!["notes"]!.AsArray().Select(note => (string?)note);
    }

    /// <summary>A process that runs the contract.</summary>
    public sealed class Tickets : IAsyncLifetime
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-identity-");

        internal EmbeddedOnex Onex { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "ticket.yaml"), Contract);
            Onex = await EmbeddedOnex.StartAsync(_directory);
        }

        public async ValueTask DisposeAsync()
        {
            await Onex.DisposeAsync();
            _directory.Delete(recursive: true);
        }
    }
}
