using System.Net;
using System.Text;
using Onex.Contracts.Messages;
using Onex.Tests.EndToEnd.Support;

namespace Onex.Tests.EndToEnd.Secrets;

/// <summary>
/// A secret with a recognisable value is read, used by several effects, repeated by services in successes, failures and rejections, and
/// copied. Afterwards its value is nowhere in what Onex has written, while its handle is found there.
/// </summary>
public sealed class PlantedSecretTests : IDisposable
{
    private const string Secret = "pl4nted/s3cret+of=the&test";

    private const string Contract =
        """
        contract: planted
        version: 1.0.0
        input: { type: object }
        data: { handle: string, echo: string, headers: map(string), copied: int }
        initial: using
        states:
          using:
            steps:
              - id: read
                effect: vault.read_secret
                connection: vault
                with: { path: apps/planted }
                save: { handle: result.fields.password }
              - id: call
                effect: http.post
                connection: echo
                with:
                  path: /echo
                  headers: { Authorization: "Bearer ${steps.read.fields.password}" }
                  body: { password: "${steps.read.fields.password}" }
                returns: { body: { seen: string } }
                save: { echo: result.body.seen, headers: result.headers }
                retry: { attempts: 5, first: 1ms, max: 1ms }
                compensate: { none: a test }
              - id: copy
                effect: vault.write_secret
                connection: vault
                with: { path: apps/copy, fields: { password: "${steps.read.fields.password}" }, generate: [other], cas: 0 }
                save: { copied: result.version }
                compensate: { none: a test }
              - id: refused
                effect: http.post
                connection: echo
                with: { path: /refused, body: "x=${steps.read.fields.password}" }
                compensate: { none: a test }
                catch: [{ error: http_422, next: further }]
            next: further
          further:
        FURTHER
            next: done
          done: { end: completed, output: { echo: "${data.echo}", handle: "${data.handle}" } }
        """;

    // Steps that use a database and a Redis. The test of the embedded mode omits them.
    private const string Databases =
        """
            steps:
              - id: query
                effect: db.query
                connection: target
                with: { sql: "SELECT $1::text AS echoed, length($1::text) AS size", parameters: ["${steps.read.fields.password}"] }
              - id: cache
                effect: redis.set
                connection: cache
                with: { key: k, value: "${steps.read.fields.password}" }
                compensate: { none: a test }
              - id: broken
                effect: db.query
                connection: target
                with: { sql: "SELECT ($1::text)::int", parameters: ["${steps.read.fields.password}"] }
                catch: [{ error: data_exception, next: done }]
        """;

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-contracts-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task No_table_file_topic_log_line_or_response_contains_a_secret_that_effects_have_used()
    {
        await using var vault = await StartVaultAsync();
        await using var echo = await EchoService.StartAsync();
        await using var redis = await RedisServer.StartAsync();
        var server = await PostgresServer.SharedAsync();
        await using var target = await server.CreateDatabaseAsync();
        await using var stack = await OnexStack.CreateAsync(server);
        Write(
            vault, echo, Databases,
            $$"""
              target:
                type: postgres
                host: "{{server.Host}}"
                port: {{server.Port}}
                database: {{target.Name}}
                user: {{server.User}}
                password: "${secret:TARGET}"
              cache: { type: redis, url: "redis://127.0.0.1:{{redis.Port}}", password: "${secret:CACHE}" }
            """);
        foreach (var (name, value) in (IEnumerable<(string, string)>)[
            ("CONTRACTS_DIR", _directory.FullName), ("ONEX_LOG_LEVEL", "DEBUG"),
            ("TARGET", server.Password), ("CACHE", RedisServer.Password),
            ("VAULT_ROLE_ID", VaultServer.RoleId), ("VAULT_SECRET_ID", vault.SecretId)])
        {
            stack.Set(name, value);
        }

        var processes = await stack.StartReadyAsync("main", "effects");
        var readers = Topics.Default.All.Append("requests.dlq").ToDictionary(
            topic => topic, topic => new TopicReader(stack.Broker.BootstrapServers, stack.Topic(topic)));
        try
        {
            await stack.Writer.SendAsync(stack.Topic("requests"), "no JSON", null, null);
            var correlationId = await stack.RequestAsync("planted", new JsonObject());
            var response = await stack.Responses.ReadAsync(correlationId, _timeout);
            Assert.Equal("success", response.Field("status"));
            AssertUsed(vault, echo);
            var handle = response.Json.GetProperty("payload").GetProperty("handle").GetString()!;
            await readers["requests.dlq"].ReadAsync(_ => true, _timeout, "a dead letter");
            await readers["responses"].ReadAsync(correlationId, _timeout);
            await Eventually.Async(
                () => readers["effect-responses"].Records.Count >= 9, _timeout, () => "every outcome was read from effect-responses");

            var found = new SecretScan(Secret, vault.Latest("secret/apps/copy", "other")!, handle);
            found.Add("topics", readers.Values.SelectMany(reader => reader.Records).SelectMany(Bytes));
            found.Add("logs", processes.SelectMany(process => process.Output.Concat(process.Errors)).Select(Encoding.UTF8.GetBytes));
            found.Add("tables", await TablesAsync(stack.Database));
            found.Add("API", await ApiAsync(processes[0]));
            await stack.Database.ExecuteAsync("CHECKPOINT");
            found.Add("files", Files(await stack.Database.ScalarAsync<string>("SHOW data_directory")));
            found.AssertOnlyHandles("topics", "tables", "API", "files");
        }
        finally
        {
            foreach (var reader in readers.Values)
            {
                await reader.DisposeAsync();
            }
        }
    }

    [Fact]
    public async Task No_SQLite_file_log_line_or_response_contains_a_secret_that_effects_have_used()
    {
        await using var vault = await StartVaultAsync();
        await using var echo = await EchoService.StartAsync();
        Write(vault, echo, "", "");
        await using var onex = await EmbeddedOnex.StartAsync(
            _directory, ("VAULT_TOKEN", VaultServer.RootToken), ("ONEX_LOG_LEVEL", "DEBUG"));

        var (status, answer) = await onex.RequestAsync("""{"operation":"planted","payload":{}}""", "?wait=30s");
        Assert.Equal((HttpStatusCode.OK, "success"), (status, (string?)answer["status"]));
        AssertUsed(vault, echo);
        var id = (string)(await onex.GetAsync("/api/v1/sagas"))["sagas"]![0]!["id"]!;

        var found = new SecretScan(
            Secret, vault.Latest("secret/apps/copy", "other")!, (string)answer["payload"]!["handle"]!);
        var shown = new List<byte[]> { Encoding.UTF8.GetBytes(answer.ToJsonString()) };
        foreach (var path in (string[])["", "/history", "/why"])
        {
            shown.Add(Encoding.UTF8.GetBytes((await onex.GetAsync($"/api/v1/sagas/{id}{path}")).ToJsonString()));
        }

        found.Add("API", shown);
        found.Add("logs", onex.Output.Select(Encoding.UTF8.GetBytes));
        found.Add("files", Files(Path.Combine(_directory.FullName, "runtime")));
        found.AssertOnlyHandles("API", "files");
    }

    private static async Task<VaultServer> StartVaultAsync()
    {
        var vault = await VaultServer.StartAsync();
        vault.Put("secret/apps/planted", ("password", Secret));
        return vault;
    }

    private void Write(VaultServer vault, EchoService echo, string further, string connections)
    {
        Directory.CreateDirectory(Path.Combine(_directory.FullName, "connections"));
        File.WriteAllText(
            Path.Combine(_directory.FullName, "connections", "all.yaml"),
            $$"""
            connections:
              vault: { type: vault, url: "{{vault.Address}}" }
              echo: { type: http, url: "{{echo.Address}}" }
            {{connections}}
            """);
        File.WriteAllText(
            Path.Combine(_directory.FullName, "planted.yaml"), Contract.Replace("FURTHER", further, StringComparison.Ordinal));
    }

    // The services received the value, so it could have leaked.
    private static void AssertUsed(VaultServer vault, EchoService echo)
    {
        Assert.Equal(4, echo.Received.Count(seen => seen.Contains(Secret, StringComparison.Ordinal)));
        Assert.Equal(Secret, vault.Latest("secret/apps/copy", "password"));
    }

    private static IEnumerable<byte[]> Bytes(ReadRecord record) =>
    [
        record.Bytes, Encoding.UTF8.GetBytes(record.Key ?? ""),
        .. record.Headers.Select(header => Encoding.UTF8.GetBytes($"{header.Key}={header.Value}")),
    ];

    private static async Task<IEnumerable<byte[]>> TablesAsync(PostgresDatabase database)
    {
        var rows = new List<string>();
        foreach (var table in await database.QueryAsync(
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'onex' ORDER BY 1"))
        {
            rows.AddRange(await database.QueryAsync($"SELECT encode(convert_to(t::text, 'UTF8'), 'base64') FROM onex.{table} t"));
        }

        return rows.Select(Convert.FromBase64String);
    }

    private static async Task<IEnumerable<byte[]>> ApiAsync(OnexProcess main)
    {
        var answers = new List<string>();
        async Task AskAsync(string path) => answers.Add(Assert.NotNull(await main.GetAsync(path)).Body);
        await AskAsync("/api/v1/sagas");
        var id = (string)JsonNode.Parse(answers[0])!["sagas"]![0]!["id"]!;
        foreach (var path in (string[])[$"sagas/{id}", $"sagas/{id}/history", $"sagas/{id}/why", "dead-letters"])
        {
            await AskAsync($"/api/v1/{path}");
        }

        return answers.Select(Encoding.UTF8.GetBytes);
    }

    // Skips files that cannot be read, because the server deletes some meanwhile: their content is in other files too.
    private static IEnumerable<byte[]> Files(string directory)
    {
        foreach (var path in Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories))
        {
            byte[] content;
            try
            {
                using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                content = new byte[file.Length];
                file.ReadExactly(content);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                continue;
            }

            yield return content;
        }
    }
}
