using System.Net;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Starting;

/// <summary>Sagas continue with the contract content that they started with, whatever is loaded now.</summary>
public sealed class VersionTests : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-versions-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task An_event_is_validated_by_the_contract_content_of_its_saga_across_upgrade_and_rollback()
    {
        string[] names = [.. Enumerable.Range(0, 4).Select(_ => Names.Next("order"))];
        await WriteAsync(Contract("1.0.0", "int"));
        Dictionary<string, string> old;
        await using (var first = await EmbeddedOnex.StartAsync(_directory))
        {
            old = await StartAllAsync(first, names);
        }

        string newerSaga;
        var newer = Names.Next("order");
        await WriteAsync(Contract("2.0.0", "string"));
        await using (var onex = await EmbeddedOnex.StartAsync(_directory))
        {
            Assert.Contains(onex.Output, line => line.Contains("Contract approval 1.0.0 has live sagas (4)", StringComparison.Ordinal));
            var (mistyped, rejection) = await onex.RequestAsync(Event(names[0], "\"x\"", ByKey(names[0])));
            Assert.Equal((HttpStatusCode.BadRequest, "ONEX3005"), (mistyped, (string?)rejection["code"]));
            await AcceptsAsync(onex, names, old);
            (_, var started) = await onex.RequestAsync(Start(newer));
            newerSaga = (string)started["saga_id"]!;
        }

        await WriteAsync(Contract("1.0.0", "int"));
        await using var rolledBack = await EmbeddedOnex.StartAsync(_directory);
        Assert.Equal(HttpStatusCode.BadRequest, (await rolledBack.RequestAsync(Event(newer, "1", ByKey(newer)))).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await rolledBack.RequestAsync(Event(newer, "\"x\"", ByKey(newer)))).Status);
        await rolledBack.UntilAsync(newerSaga, "done");
    }

    [Fact]
    public async Task A_topic_event_is_validated_by_the_contract_of_its_saga_and_another_request_with_a_known_envelope_id_is_rejected()
    {
        await using var stack = await OnexStack.CreateAsync();
        var settings = new Dictionary<string, string> { ["CONTRACTS_DIR"] = _directory.FullName };
        await WriteAsync(Contract("1.0.0", "int"));
        var first = stack.Start("main", settings);
        await first.ReadyAsync();
        var (one, two) = (Names.Next("order"), Names.Next("order"));
        var (flow, envelope) = (OnexStack.NewId(), OnexStack.NewId());
        await stack.RequestAsync("approval", new JsonObject { ["name"] = one }, flow, envelope);
        var other = await stack.RequestAsync("approval", new JsonObject { ["name"] = two });
        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.sagas WHERE state = 'waiting'") == 2,
            TimeSpan.FromMinutes(1),
            () => "both sagas wait");
        var another = await stack.RequestAsync("approval", new JsonObject { ["name"] = Names.Next("order") }, envelopeId: envelope);
        Assert.Equal("ONEX3030", (await stack.Responses.ReadAsync(another, TimeSpan.FromMinutes(1))).Field("code"));
        await first.TerminateAsync();

        await WriteAsync(Contract("2.0.0", "string"));
        await using var second = stack.Start("main", settings);
        await second.ReadyAsync();
        await stack.RequestAsync("approval.given", new JsonObject { ["by"] = 1 }, flow);
        await stack.EventAsync("approval.given", two, new JsonObject { ["by"] = 2 });

        Assert.Equal("success", (await stack.Responses.ReadAsync(flow, TimeSpan.FromMinutes(1))).Field("status"));
        Assert.Equal("success", (await stack.Responses.ReadAsync(other, TimeSpan.FromMinutes(1))).Field("status"));
    }

    [Fact]
    public async Task Live_sagas_of_a_removed_contract_accept_their_events_and_only_new_starts_are_rejected()
    {
        string[] names = [.. Enumerable.Range(0, 4).Select(_ => Names.Next("order"))];
        await WriteAsync(Contract("1.0.0", "int"));
        Dictionary<string, string> sagas;
        await using (var first = await EmbeddedOnex.StartAsync(_directory))
        {
            sagas = await StartAllAsync(first, names);
        }

        File.Move(Path.Combine(_directory.FullName, "approval.yaml"), Path.Combine(_directory.FullName, "approval.gone"));
        await File.WriteAllTextAsync(
            Path.Combine(_directory.FullName, "other.yaml"),
            Contract("1.0.0", "int").Replace("contract: approval", "contract: other", StringComparison.Ordinal));
        await using var onex = await EmbeddedOnex.StartAsync(_directory);

        Assert.Contains(
            onex.Output,
            line => line.Contains("Contract approval 1.0.0 has live sagas (4), but no version of it is loaded", StringComparison.Ordinal));
        var (start, rejection) = await onex.RequestAsync(Start(Names.Next("order")));
        Assert.Equal((HttpStatusCode.NotFound, "ONEX3004"), (start, (string?)rejection["code"]));
        var (again, known) = await onex.RequestAsync(Start(names[0], Envelope(sagas, names[0])));
        Assert.Equal((HttpStatusCode.Accepted, sagas[names[0]]), (again, (string?)known["saga_id"]));
        Assert.Equal(HttpStatusCode.NotFound, (await onex.RequestAsync(Event("nobody", "1", ByKey("nobody")))).Status);
        await AcceptsAsync(onex, names, sagas);
    }

    [Fact]
    public async Task Changed_content_of_a_version_is_accepted_only_with_mutable_contracts()
    {
        await WriteAsync(Contract("1.0.0", "int"));
        await using (await EmbeddedOnex.StartAsync(_directory))
        {
        }

        await WriteAsync(Contract("1.0.0", "string"));
        await using (await EmbeddedOnex.StartAsync(_directory, ("ONEX_CONTRACTS_MUTABLE", "true")))
        {
        }

        var rejected = await OnexProcess.RunAsync(EmbeddedOnex.Settings(_directory), "run");

        Assert.Equal(78, rejected.Code);
        Assert.Contains("ONEX_CONTRACTS_MUTABLE", rejected.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_changed_comment_needs_no_new_version_and_live_sagas_continue()
    {
        string[] names = [.. Enumerable.Range(0, 4).Select(_ => Names.Next("order"))];
        await WriteAsync(Contract("1.0.0", "int"));
        Dictionary<string, string> sagas;
        await using (var first = await EmbeddedOnex.StartAsync(_directory))
        {
            sagas = await StartAllAsync(first, names);
        }

        await WriteAsync(
            "# Approved by somebody.\n" + Contract("1.0.0", "int").Replace(
                "key: input.name", "key:   input.name  # one at a time", StringComparison.Ordinal));

        await using var onex = await EmbeddedOnex.StartAsync(_directory);
        await AcceptsAsync(onex, names, sagas);
        Assert.DoesNotContain(onex.Output, line => line.Contains("has live sagas", StringComparison.Ordinal));
    }

    private Task WriteAsync(string contract) => File.WriteAllTextAsync(Path.Combine(_directory.FullName, "approval.yaml"), contract);

    private static string Contract(string version, string type) => $$"""
        contract: approval
        version: {{version}}
        input: { type: object, required: [name], properties: { name: { type: string } } }
        key: input.name
        events: { given: { data: { by: {{type}} } } }
        initial: waiting
        states:
          waiting:
            on_event: [ { event: given, next: done } ]
            timeout: { after: 24h, next: done }
          done: { end: completed }
        """;

    private static Guid Envelope(Dictionary<string, string> sagas, string name) => Guid.Parse(sagas[$"{name}:envelope"]);

    private static string Start(string name, Guid? envelope = null) =>
        $$$"""{"operation":"approval","envelope_id":"{{{envelope
            ?? Guid.CreateVersion7()}}}","correlation_id":"{{{Flow(name)}}}","payload":{"name":"{{{name}}}"}}""";

    private static string Event(string name, string by, string target) =>
        $$$"""{"operation":"approval.given","correlation_id":"{{{Flow(name)}}}",{{{target}}}"payload":{"by":{{{by}}} }}""";

    private static string ByKey(string key) => $$$"""
        "target":{"key":"{{{key}}}"},
        """;

    private static Guid Flow(string name) => new(
        System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(name)).AsSpan(0, 16));

    private static async Task<Dictionary<string, string>> StartAllAsync(EmbeddedOnex onex, string[] names)
    {
        var sagas = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var name in names)
        {
            var envelope = Guid.CreateVersion7();
            var (_, started) = await onex.RequestAsync(Start(name, envelope));
            sagas[name] = (string)started["saga_id"]!;
            sagas[$"{name}:envelope"] = envelope.ToString();
        }

        return sagas;
    }

    // Sends each saga its event: by key, by id, by correlation id, and as an operator.
    private static async Task AcceptsAsync(EmbeddedOnex onex, string[] names, Dictionary<string, string> sagas)
    {
        (HttpStatusCode Status, JsonNode Answer)[] answers =
        [
            await onex.RequestAsync(Event(names[0], "1", ByKey(names[0]))),
            await onex.RequestAsync(Event("another", "1", $"\"target\":{{\"saga_id\":\"{sagas[names[1]]}\"}},")),
            await onex.RequestAsync(Event(names[2], "1", "")),
            await onex.PostAsync($"/api/v1/sagas/{sagas[names[3]]}/send", """{"event":"given","data":{"by":1}}"""),
        ];

        Assert.All(answers, answer => Assert.Equal(HttpStatusCode.Accepted, answer.Status));
        foreach (var name in names)
        {
            await onex.UntilAsync(sagas[name], "done");
        }
    }
}
