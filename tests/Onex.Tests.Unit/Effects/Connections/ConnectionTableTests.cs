using Onex.Effects.Connections;
using Onex.Tests.Unit.Effects.Http;

namespace Onex.Tests.Unit.Effects.Connections;

public sealed class ConnectionTableTests
{
    [Fact]
    public void A_replaced_connection_is_released_when_its_last_use_ends()
    {
        var table = new ConnectionTable(Read("http://old.internal"));
        var released = new List<Connection>();
        table.OnReleased(released.Add);
        var first = table.Use("stock");
        var second = table.Use("stock");

        table.Replace(Read("http://new.internal"));

        using var third = table.Use("stock");
        Assert.Equal("old.internal", first.Connection!.Url!.Host);
        Assert.Equal("new.internal", third.Connection!.Url!.Host);
        // A use ends once, even if it is disposed of twice.
        first.Dispose();
        first.Dispose();
        Assert.Empty(released);
        second.Dispose();
        Assert.Equal([first.Connection], released);
    }

    [Fact]
    public void A_replaced_connection_that_nobody_uses_is_released_at_once_and_one_that_is_missing_stays()
    {
        var table = new ConnectionTable(Read("http://old.internal"));
        var old = table.Find("stock");
        var released = new List<Connection>();
        var changes = new List<ConnectionChange>();
        table.OnReleased(released.Add);
        table.OnChanged(changes.AddRange);

        table.Replace(Read("http://rotated.internal"));
        var rotated = table.Find("stock");
        table.Replace(new Dictionary<string, Connection>());

        Assert.Equal([old!], released);
        Assert.Equal([new("stock", old, rotated!)], changes);
        using var use = table.Use("stock");
        Assert.Same(rotated, use.Connection);
    }

    [Fact]
    public void A_client_is_created_once_per_connection_and_closed_with_its_last_use()
    {
        var table = new ConnectionTable(Read("http://old.internal"));
        var closed = new List<string>();
        using var clients = new PerConnection<string>(table, connection => connection.Url!.Host, closed.Add);
        using (var use = table.Use("stock"))
        {
            Assert.Same(clients.For(use.Connection!), clients.For(use.Connection!));
            table.Replace(Read("http://new.internal"));
            Assert.Empty(closed);
        }

        Assert.Equal(["old.internal"], closed);
    }

    [Fact]
    public async Task A_request_that_is_sent_when_its_connection_is_replaced_is_answered()
    {
        await using var old = await HttpTestServer.StartAsync();
        await using var next = await HttpTestServer.StartAsync();
        var received = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var answer = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        old.Answer = _ =>
        {
            received.SetResult();
            return answer.Task;
        };
        await using var effects = new EffectsHarness(File(old.Address.ToString()));

        var running = effects.Runner.RunAsync(
            EffectsHarness.Command("http.get", """{"path": "/slow"}""", "stock"), null, TestContext.Current.CancellationToken);
        await received.Task;
        effects.Connections.Replace(Read(next.Address.ToString()));
        await effects.RunAsync(EffectsHarness.Command("http.get", """{"path": "/next"}""", "stock"));
        answer.SetResult();
        await running;

        Assert.Equal([StepOutcomes.Completed, StepOutcomes.Completed], effects.Produced.Records.Select(
            record => JsonSerializer.Deserialize(record.Value.Span, MessageJson.Default.StepResult)!.Outcome));
        Assert.Equal("/slow", Assert.Single(old.Requests).Target);
        Assert.Equal("/next", Assert.Single(next.Requests).Target);
    }

    private static string File(string url) => $$"""connections: { stock: { type: http, url: "{{url}}" } }""";

    private static IReadOnlyDictionary<string, Connection> Read(string url) => EffectsHarness.Read(File(url), []);
}
