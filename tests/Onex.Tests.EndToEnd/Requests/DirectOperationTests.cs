using System.Net;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Requests;

/// <summary>Requests that name an effect operation instead of a contract.</summary>
public sealed class DirectOperationTests : IDisposable
{
    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(1);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public DirectOperationTests()
    {
        Write("runtime/runtime_config.yaml", """
            handlers:
              direct: [http.get, database.query, filesystem.read_file, filesystem.write_file]
            """);
        Write("nothing.yaml", """
            contract: nothing
            version: 1.0.0
            input: { type: object }
            initial: done
            states: { done: { end: completed } }
            """);
    }

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Listed_operations_run_over_HTTP_in_one_process_and_others_are_rejected()
    {
        var root = _directory.CreateSubdirectory("files").FullName;
        Write("connections/all.yaml", $$"""connections: { files: { type: filesystem, root: "{{root}}" } }""");
        await using var onex = await EmbeddedOnex.StartAsync(_directory);

        var written = await AnswerAsync(
            onex, """{"operation":"filesystem.write_file","payload":{"connection":"files","path":"a.txt","content":"hello"}}""");
        var read = await AnswerAsync(
            onex, """{"operation":"read_file","handler_type":"filesystem","payload":{"connection":"files","path":"a.txt"}}""");
        var loopback = await AnswerAsync(onex, """{"operation":"http.get","payload":{"url":"http://127.0.0.1:1/"}}""");
        var (status, rejected) = await onex.RequestAsync("""{"operation":"http.post","payload":{"url":"http://example.com"}}""");

        Assert.Equal("success", (string?)written["status"]);
        Assert.Equal("hello", (string?)read["payload"]!["content"]);
        Assert.Equal("read_file", (string?)read["operation"]);
        Assert.Equal("address_refused", (string?)loopback["code"]);
        Assert.Equal(HttpStatusCode.Forbidden, status);
        Assert.Equal("ONEX3011", (string?)rejected["code"]);
        Assert.Contains("handlers.direct", rejected.ToJsonString(), StringComparison.Ordinal);
        var sagas = (await onex.GetAsync("/api/v1/sagas"))["sagas"]!.AsArray();
        Assert.Equal(
            ["direct-filesystem-read-file", "direct-filesystem-write-file", "direct-http-get"],
            sagas.Select(saga => (string)saga!["contract"]!).Order(StringComparer.Ordinal));
        var contracts = (await onex.GetAsync("/api/v1/contracts"))["contracts"]!.AsArray();
        Assert.Equal(["nothing"], contracts.Select(contract => (string)contract!["name"]!));
    }

    [Fact]
    public async Task Listed_operations_run_over_Kafka_and_others_are_rejected()
    {
        await using var stack = await OnexStack.CreateAsync();
        Write("connections/all.yaml", $$"""
            connections:
              ledger:
                type: postgres
                host: {{stack.Settings["POSTGRES_HOST"]}}
                port: {{stack.Settings["POSTGRES_PORT"]}}
                database: {{stack.Settings["POSTGRES_DATABASE"]}}
                user: {{stack.Settings["POSTGRES_USER"]}}
                password: "${secret:POSTGRES_PASSWORD}"
            """);
        stack.Set("CONTRACTS_DIR", _directory.FullName);
        await stack.StartReadyAsync("main", "effects");
        var query = new JsonObject { ["connection"] = "ledger", ["sql"] = "SELECT $1::int + 1 AS sum", ["parameters"] = new JsonArray(6) };

        var correlationId = await stack.RequestAsync("db.query", query);
        var rejected = await stack.RequestAsync("db.execute", query.DeepClone().AsObject());

        var answer = await stack.Responses.ReadAsync(correlationId, _timeout);
        Assert.Equal("success", answer.Field("status"));
        Assert.Equal("db.query", answer.Field("operation"));
        Assert.Contains("\"rows\":[{\"sum\":7}]", answer.Text, StringComparison.Ordinal);
        Assert.Equal("ONEX3011", (await stack.Responses.ReadAsync(rejected, _timeout)).Field("code"));
    }

    private static async Task<JsonNode> AnswerAsync(EmbeddedOnex onex, string request) =>
        (await onex.RequestAsync(request, "?wait=30s")).Answer;

    private void Write(string path, string text)
    {
        var full = Path.Combine(_directory.FullName, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }
}
