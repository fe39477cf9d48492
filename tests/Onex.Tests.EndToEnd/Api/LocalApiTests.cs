using System.Net;
using System.Text;

namespace Onex.Tests.EndToEnd.Api;

/// <summary>The HTTP API of a developer's machine: one process, no token.</summary>
public sealed class LocalApiTests(LocalApiTests.LocalProcess local) : IClassFixture<LocalApiTests.LocalProcess>
{
    private const string Doorbell = """
        contract: doorbell
        version: 1.0.0
        description: Waits until somebody rings.
        input: { type: object }
        key: input.key
        events: { rung: {} }
        initial: waiting
        states:
          waiting:
            on_event: [ { event: rung, next: opened } ]
            timeout: { after: 1h, next: opened }
          opened: { end: completed }
        """;

    [Theory]
    [InlineData("Origin", "https://evil.example", "application/json", HttpStatusCode.Forbidden, "ONEX4016")]
    [InlineData("Origin", "null", "application/json", HttpStatusCode.Forbidden, "ONEX4016")]
    [InlineData("Host", "rebound.example", "application/json", HttpStatusCode.Forbidden, "ONEX4016")]
    [InlineData("X-Nothing", "1", "text/plain", HttpStatusCode.UnsupportedMediaType, "ONEX4017")]
    [InlineData("X-Nothing", "1", "application/x-www-form-urlencoded", HttpStatusCode.UnsupportedMediaType, "ONEX4017")]
    [InlineData("X-Nothing", "1", null, HttpStatusCode.UnsupportedMediaType, "ONEX4017")]
    public async Task A_web_page_cannot_call_the_local_API(
        string header, string value, string? type, HttpStatusCode status, string code)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/requests");
        request.Headers.Add(header, value);
        request.Content = new ByteArrayContent("""{"operation":"doorbell","payload":{"key":"page"}}"""u8.ToArray());
        request.Content.Headers.ContentType = type is null ? null : new(type);

        var (answerStatus, body) = await SendAsync(request);

        Assert.Equal((status, code), (answerStatus, (string?)body["code"]));
        Assert.Empty((await GetAsync("/api/v1/sagas?key=page")).Body["sagas"]!.AsArray());
    }

    [Fact]
    public async Task A_status_filter_with_several_values_selects_exactly_those()
    {
        await PostAsync("/api/v1/requests", """{"operation":"doorbell","payload":{"key":"cancelled"}}""");
        var id = (string)(await GetAsync("/api/v1/sagas?key=cancelled")).Body["sagas"]![0]!["id"]!;
        Assert.Equal(HttpStatusCode.OK, (await PostAsync($"/api/v1/sagas/{id}/cancel", "")).Status);

        Assert.Empty((await GetAsync("/api/v1/sagas?key=cancelled&status=completed,failed")).Body["sagas"]!.AsArray());
        Assert.Single((await GetAsync("/api/v1/sagas?key=cancelled&status=failed,cancelled")).Body["sagas"]!.AsArray());
        Assert.Single((await GetAsync("/api/v1/sagas?key=cancelled&status=failed&status=cancelled")).Body["sagas"]!.AsArray());
    }

    [Fact]
    public async Task Reading_the_response_of_an_unanswered_saga_is_a_conflict()
    {
        await PostAsync("/api/v1/requests", """{"operation":"doorbell","payload":{"key":"unanswered"}}""");
        var id = (string)(await GetAsync("/api/v1/sagas?key=unanswered")).Body["sagas"]![0]!["id"]!;

        var (status, body) = await GetAsync($"/api/v1/sagas/{id}/response");

        Assert.Equal((HttpStatusCode.Conflict, "ONEX4008"), (status, (string?)body["code"]));
    }

    [Theory]
    [InlineData("GET", "/api/v1/sagas?statsu=blocked", null, "Did you mean 'status'?")]
    [InlineData("POST", "/api/v1/requests", """{"operation":"doorbell","paylod":{}}""", "Did you mean 'payload'?")]
    [InlineData("POST", "/api/v1/requests?wiat=1s", """{"operation":"doorbell"}""", "Did you mean 'wait'?")]
    [InlineData("POST", "/api/v1/sagas/018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a11/cancel", """{"reson":"x"}""", "Did you mean 'reason'?")]
    [InlineData("POST", "/api/v1/sagas/018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a11/cancel", """{"reason":"x" """, "The body is not readable JSON")]
    public async Task A_call_with_an_unknown_argument_or_a_malformed_body_is_rejected_with_the_reason(
        string method, string path, string? content, string suggestion)
    {
        var (status, body) = await SendAsync(method, path, content);

        Assert.Equal((HttpStatusCode.BadRequest, "ONEX4007"), (status, (string?)body["code"]));
        Assert.Contains(suggestion, (string?)body["detail"]);
    }

    [Fact]
    public async Task A_client_that_waits_for_a_response_is_answered_202_when_the_process_stops()
    {
        await using var process = await local.StartAsync();
        using var http = new HttpClient
        {
            BaseAddress = new Uri($"http://127.0.0.1:{process.HttpPort}"),
            Timeout = TimeSpan.FromMinutes(2),
        };
        using var content = new StringContent("""{"operation":"doorbell","payload":{"key":"waits"}}""", Encoding.UTF8, "application/json");
        var waiting = http.PostAsync("/api/v1/requests?wait=5m", content);
        await Eventually.Async(
            async () => (await process.GetAsync("/api/v1/sagas?key=waits"))!.Value.Body.Contains("\"waiting\"", StringComparison.Ordinal),
            TimeSpan.FromMinutes(1),
            () => "the saga waits");

        var before = process.Output.Count;
        var exit = await process.TerminateAsync();

        using var answer = await waiting;
        Assert.Equal((0, HttpStatusCode.Accepted), (exit, answer.StatusCode));
        Assert.NotNull(JsonNode.Parse(await answer.Content.ReadAsStringAsync())!["saga_id"]);
        Assert.DoesNotContain(
            process.Output.Skip(before),
            line => line.Contains("\"WARNING\"", StringComparison.Ordinal) || line.Contains("\"ERROR\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_first_log_line_names_version_profile_store_broker_and_address()
    {
        await using var process = await local.StartAsync();

        var first = (string)JsonNode.Parse(process.Output[0])!["message"]!;
        Assert.Matches(
            "^onex [0-9.]+.*: profile all, store sqlite in .*, broker in memory, contracts .*, http://(localhost|127.0.0.1):", first);
        Assert.Contains($":{process.HttpPort}", first);
        Assert.DoesNotContain(process.Output, line => line.Contains("is available again", StringComparison.Ordinal));
    }

    private Task<(HttpStatusCode Status, JsonNode Body)> GetAsync(string path) => SendAsync("GET", path, null);

    private Task<(HttpStatusCode Status, JsonNode Body)> PostAsync(string path, string content) => SendAsync("POST", path, content);

    private async Task<(HttpStatusCode Status, JsonNode Body)> SendAsync(string method, string path, string? content)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        request.Content = string.IsNullOrEmpty(content) ? null : new StringContent(content, Encoding.UTF8, "application/json");
        return await SendAsync(request);
    }

    private async Task<(HttpStatusCode Status, JsonNode Body)> SendAsync(HttpRequestMessage request)
    {
        using var answer = await local.Http.SendAsync(request);
        return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    /// <summary>One process with all roles, the in-memory log and a SQLite file.</summary>
    public sealed class LocalProcess : IAsyncLifetime
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-local-");
        private OnexProcess? _process;
        private int _started;

        /// <summary>The API of the process.</summary>
        public HttpClient Http { get; } = new() { Timeout = TimeSpan.FromSeconds(60) };

        /// <summary>Starts another process with the same settings.</summary>
        public Task<OnexProcess> StartAsync() => OnexProcess.Start("all", new Dictionary<string, string>
        {
            ["ONEX_EVENT_BUS"] = "inmemory",
            ["ONEX_STORE"] = "sqlite",
            ["ONEX_DATA_DIR"] = Path.Combine(_directory.FullName, $"data-{Interlocked.Increment(ref _started)}"),
            ["CONTRACTS_DIR"] = _directory.FullName,
        }).ReadyAsync();

        /// <inheritdoc />
        public async ValueTask InitializeAsync()
        {
            await File.WriteAllTextAsync(Path.Combine(_directory.FullName, "doorbell.yaml"), Doorbell);
            _process = await StartAsync();
            Http.BaseAddress = new Uri($"http://127.0.0.1:{_process.HttpPort}");
        }

        /// <inheritdoc />
        public async ValueTask DisposeAsync()
        {
            Http.Dispose();
            if (_process is not null)
            {
                await _process.DisposeAsync();
            }

            _directory.Delete(recursive: true);
        }
    }
}
