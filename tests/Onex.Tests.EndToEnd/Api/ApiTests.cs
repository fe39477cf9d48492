using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;

namespace Onex.Tests.EndToEnd.Api;

/// <summary>The HTTP API of an orchestrator that is started with tokens.</summary>
public sealed class ApiTests(ApiTests.ApiStack api) : IClassFixture<ApiTests.ApiStack>
{
    private const string Reader = "reader-0123456789";
    private const string Operator = "operator-0123456789";

    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    private OnexStack Stack => api.Stack;

    [Fact]
    public async Task A_request_over_HTTP_is_answered_over_HTTP_and_on_the_topic()
    {
        var order = Names.Next("api");
        var (status, body) = await PostAsync("/api/v1/requests?wait=30s", Order(order), Operator);

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("success", (string?)body["status"]);
        Assert.Equal(order, (string?)body["payload"]!["order_id"]);
        var onTopic = await Stack.Responses.ReadAsync((string)body["correlation_id"]!, _within);
        Assert.Equal("success", onTopic.Field("status"));
    }

    [Fact]
    public async Task The_API_lists_shows_describes_and_explains_a_saga()
    {
        var order = Names.Next("apishow");
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        var (status, accepted) = await PostAsync("/api/v1/requests", Order(order), Operator);
        Assert.Equal(HttpStatusCode.Accepted, status);
        var id = (string)accepted["saga_id"]!;
        await Stack.InStateAsync(order, "awaiting_new_card", _within);

        var listed = (await GetAsync($"/api/v1/sagas?key={order}&status=waiting", Reader)).Body["sagas"]!.AsArray();
        Assert.Equal(id, (string?)Assert.Single(listed)!["id"]);
        var shown = (await GetAsync($"/api/v1/sagas/{id}", Reader)).Body;
        Assert.Equal(order, (string?)shown["input"]!["order_id"]);
        Assert.Contains("card_updated", (string?)shown["why"]);
        var history = (await GetAsync($"/api/v1/sagas/{id}/history?limit=3", Reader)).Body;
        Assert.Equal("started", (string?)history["history"]![0]!["kind"]);
        Assert.NotNull(history["next"]);
        var why = (await GetAsync($"/api/v1/sagas/{id}/why", Reader)).Body;
        Assert.Equal("waiting", (string?)why["status"]);
        Assert.Equal("charge", (string?)why["last_error"]!["step"]);
        Assert.False(string.IsNullOrEmpty((string?)why["last_error"]!["code"]));
        Assert.Contains(why["waits"]!.AsArray(), wait => ((string)wait!).Contains("card_updated", StringComparison.Ordinal));

        var (sent, _) = await PostAsync($"/api/v1/sagas/{id}/send", new JsonObject { ["event"] = "card_updated" }, Operator);
        Assert.Equal(HttpStatusCode.Accepted, sent);
        await Stack.InStateAsync(order, "done", _within);
        Assert.Empty((await GetAsync("/api/v1/sagas/stuck", Reader)).Body["stuck"]!.AsArray());
    }

    [Fact]
    public async Task An_operator_pauses_resumes_and_cancels()
    {
        var order = Names.Next("apicancel");
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        var id = (string)(await PostAsync("/api/v1/requests", Order(order), Operator)).Body["saga_id"]!;
        await Stack.InStateAsync(order, "awaiting_new_card", _within);

        var paused = await PostAsync($"/api/v1/sagas/{id}/pause", new JsonObject { ["reason"] = "maintenance" }, Operator);
        Assert.Equal("paused", (string?)paused.Body["status"]);
        var resumed = await PostAsync($"/api/v1/sagas/{id}/resume", [], Operator);
        Assert.Equal("waiting", (string?)resumed.Body["status"]);
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync($"/api/v1/sagas/{id}/retry", [], Operator)).Status);

        await PostAsync($"/api/v1/sagas/{id}/cancel", new JsonObject { ["reason"] = "asked by phone" }, Operator);
        await Eventually.Async(
            async () => (await Stack.Database.QueryAsync($"SELECT status FROM onex.sagas WHERE id = '{id}'"))[0] == "cancelled",
            _within,
            () => "the saga is not cancelled");
        Assert.Equal(["reserve", "pack", "undo pack", "undo reserve"], Stack.Services.EffectsOf(order));
        var history = (await GetAsync($"/api/v1/sagas/{id}/history", Reader)).Body.ToJsonString();
        Assert.Contains("asked by phone", history);
        Assert.Contains("ops", history);
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync($"/api/v1/sagas/{id}/cancel", [], Operator)).Status);
    }

    [Fact]
    public async Task Terminate_needs_its_own_confirmation()
    {
        var order = Names.Next("apiterminate");
        Stack.Services.Treat(order, new Treatment { CardExpired = true });
        var accepted = (await PostAsync("/api/v1/requests", Order(order), Operator)).Body;
        var id = (string)accepted["saga_id"]!;
        await Stack.InStateAsync(order, "awaiting_new_card", _within);

        var rejected = await PostAsync(
            $"/api/v1/sagas/{id}/terminate", new JsonObject { ["confirm"] = OnexStack.NewId().ToString() }, Operator);
        Assert.Equal((HttpStatusCode.BadRequest, "ONEX4020"), (rejected.Status, (string?)rejected.Body["code"]));

        var settings = new Dictionary<string, string>
        {
            ["ONEX_API_URL"] = api.Http.BaseAddress!.ToString(),
            ["ONEX_API_TOKEN"] = $"ops:operate:{Operator}",
        };
        Assert.NotEqual(0, (await OnexProcess.RunAsync(settings, "sagas", "terminate", id)).Code);
        var terminated = await OnexProcess.RunAsync(
            settings, "sagas", "terminate", id, "--confirm", id, "--reason", "the warehouse is gone");
        Assert.True(terminated.Code == 0, terminated.Error);
        Assert.Equal(["reserve", "pack"], Stack.Services.EffectsOf(order));
        Assert.Equal("terminated", (await Stack.Responses.ReadAsync((string)accepted["correlation_id"]!, _within)).Field("code"));
        var history = (await GetAsync($"/api/v1/sagas/{id}/history", Reader)).Body["history"]!.AsArray()
            .Single(entry => (string?)entry!["kind"] == "terminated")!.ToJsonString();
        Assert.Contains("the warehouse is gone", history);
        Assert.Contains("not_compensated", history);
    }

    [Fact]
    public async Task A_read_token_cannot_cancel_a_saga()
    {
        var (status, problem) = await PostAsync($"/api/v1/sagas/{OnexStack.NewId()}/cancel", [], Reader);

        Assert.Equal((HttpStatusCode.Forbidden, "ONEX4004"), (status, (string?)problem["code"]));
    }

    [Theory]
    [InlineData("/api/v1/sagas", null, HttpStatusCode.Unauthorized, "ONEX4002")]
    [InlineData("/api/v1/sagas", "wrong", HttpStatusCode.Unauthorized, "ONEX4003")]
    [InlineData("/api/v1/sagas/none", Reader, HttpStatusCode.BadRequest, "ONEX4007")]
    [InlineData("/api/v1/sagas?status=done", Reader, HttpStatusCode.BadRequest, "ONEX4007")]
    [InlineData("/api/v1/sagas?limit=0", Reader, HttpStatusCode.BadRequest, "ONEX4007")]
    [InlineData("/api/v1/sagas?after=nonsense", Reader, HttpStatusCode.BadRequest, "ONEX4007")]
    [InlineData("/api/v1/sagas/018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a11", Reader, HttpStatusCode.NotFound, "ONEX4005")]
    [InlineData("/api/v1/contracts/nothing", Reader, HttpStatusCode.NotFound, "ONEX4006")]
    [InlineData("/api/v1/dead-letters?status=dead", Reader, HttpStatusCode.BadRequest, "ONEX4007")]
    [InlineData("/api/v1/dead-letters?after=nonsense", Reader, HttpStatusCode.BadRequest, "ONEX4007")]
    [InlineData("/api/v1/dead-letters/none", Reader, HttpStatusCode.BadRequest, "ONEX4007")]
    [InlineData("/api/v1/dead-letters/018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a11", Reader, HttpStatusCode.NotFound, "ONEX4013")]
    [InlineData("/api/v1/saga", Reader, HttpStatusCode.NotFound, "ONEX4011")]
    [InlineData("/api/v1/requests", Reader, HttpStatusCode.MethodNotAllowed, "ONEX4011")]
    public async Task An_invalid_call_is_answered_with_a_code(string path, string? token, HttpStatusCode status, string code)
    {
        var answer = await GetAsync(path, token);

        Assert.Equal((status, code), (answer.Status, (string?)answer.Body["code"]));
        Assert.False(string.IsNullOrEmpty((string?)answer.Body["remedy"]));
    }

    [Theory]
    [InlineData("""{"operation":"nothing"}""", HttpStatusCode.NotFound, "ONEX3004")]
    [InlineData("[]", HttpStatusCode.BadRequest, "ONEX3002")]
    [InlineData("{", HttpStatusCode.BadRequest, "ONEX3001")]
    [InlineData("", HttpStatusCode.BadRequest, "ONEX3001")]
    [InlineData("""{"operation":"order-fulfilment","payload":{}}""", HttpStatusCode.BadRequest, "ONEX3005")]
    public async Task An_invalid_request_is_rejected_as_on_the_topic(string body, HttpStatusCode status, string code)
    {
        using var request = Request(HttpMethod.Post, "/api/v1/requests", Operator);
        request.Content = new StringContent(body);
        var answer = await SendAsync(request);

        Assert.Equal((status, code), (answer.Status, (string?)answer.Body["code"]));
    }

    [Fact]
    public async Task The_API_lists_shows_and_draws_contracts()
    {
        var listed = (await GetAsync("/api/v1/contracts", Reader)).Body["contracts"]!.AsArray();
        Assert.Contains(listed, contract => (string?)contract!["name"] == "order-fulfilment");
        var shown = (await GetAsync("/api/v1/contracts/order-fulfilment", Reader)).Body;
        Assert.Equal("reserving", (string?)shown["initial"]);
        using var graph = await api.Http.SendAsync(Request(HttpMethod.Get, "/api/v1/contracts/order-fulfilment/graph", Reader));
        Assert.Contains("awaiting_new_card", await graph.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Without_a_token_remote_callers_learn_which_variable_to_set()
    {
        await using var stack = await OnexStack.CreateAsync();
        stack.Set("ONEX_HTTP_BIND", "*");
        var main = (await stack.StartReadyAsync("main"))[0];
        var addresses = await Dns.GetHostAddressesAsync(Dns.GetHostName());
        var remoteAddress = addresses.FirstOrDefault(
            address => address.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(address));
        Assert.SkipWhen(remoteAddress is null, "This machine has no address but loopback.");

        using var http = new HttpClient();
        using var answer = await http.GetAsync(new Uri($"http://{remoteAddress}:{main.HttpPort}/api/v1/sagas"));
        Assert.Equal(HttpStatusCode.Unauthorized, answer.StatusCode);
        Assert.Contains("ONEX_API_TOKEN", await answer.Content.ReadAsStringAsync());
        Assert.Equal(HttpStatusCode.OK, (await main.GetAsync("/api/v1/sagas"))!.Value.Status);
    }

    [Fact]
    public async Task The_commands_call_the_API()
    {
        var order = Names.Next("cli");
        var settings = new Dictionary<string, string>
        {
            ["ONEX_API_URL"] = api.Http.BaseAddress!.ToString(),
            ["ONEX_API_TOKEN"] = $"ops:operate:{Operator}",
        };
        var request = await OnexProcess.RunAsync(
            settings, "request", "order-fulfilment", "--data", OnexStack.Order(order).ToJsonString(), "--wait");
        Assert.True(request.Code == 0, request.Error);
        Assert.Contains("\"success\"", request.Out);

        var listed = await OnexProcess.RunAsync(settings, "sagas", "list", "--key", order);
        Assert.Contains(order, listed.Out);
        var id = listed.Out.Split('\n')[1].Split(' ')[0];
        Assert.Contains("state_entered", (await OnexProcess.RunAsync(settings, "sagas", "history", id)).Out);
        Assert.Contains("done", (await OnexProcess.RunAsync(settings, "sagas", "show", id)).Out);
        Assert.Equal(0, (await OnexProcess.RunAsync(settings, "sagas", "why", id)).Code);
        Assert.Equal(0, (await OnexProcess.RunAsync(settings, "sagas", "check")).Code);
        var rejected = await OnexProcess.RunAsync(settings, "sagas", "cancel", id);
        Assert.Equal(1, rejected.Code);
        settings.Remove("ONEX_API_TOKEN");
        Assert.Contains("ONEX_API_TOKEN", (await OnexProcess.RunAsync(settings, "sagas", "list")).Error);
    }

    [Fact]
    public async Task Metrics_need_a_token_and_unknown_operations_add_no_series()
    {
        var (status, rejected) = await GetAsync("/metrics", token: null);
        Assert.Equal(HttpStatusCode.Unauthorized, status);
        Assert.Contains("ONEX_API_TOKEN", (string?)rejected["remedy"]);
        Assert.Contains("onex_ready 1", await MetricsAsync());

        var order = Names.Next("metrics");
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/api/v1/requests?wait=30s", Order(order), Operator)).Status);
        for (var i = 0; i < 20; i++)
        {
            await PostAsync("/api/v1/requests", new JsonObject { ["operation"] = $"attack-{i}" }, Operator);
        }

        var metrics = await MetricsAsync();
        Assert.DoesNotContain("attack", metrics);

        // At least 20, because other tests of the class may send such requests, too.
        var counted = metrics.Split('\n').Single(line => line.StartsWith(
            "onex_requests_total{operation=\"other\",outcome=\"rejected\",source=\"http\"} ", StringComparison.Ordinal));
        Assert.True(int.Parse(counted.Split(' ')[1], CultureInfo.InvariantCulture) >= 20, counted);
        Assert.Contains("onex_saga_started_total{contract=\"order-fulfilment\"} ", metrics);
        Assert.Contains("onex_saga_ended_total{contract=\"order-fulfilment\",status=\"completed\"} ", metrics);
        Assert.Contains("onex_step_attempts_total{contract=\"order-fulfilment\",operation=\"http.post\",step=\"reserve\"} ", metrics);
        Assert.Contains("onex_round_stage_duration_seconds_bucket{stage=\"commit\",le=\"+Inf\"} ", metrics);
        Assert.Contains("dotnet_process_memory_working_set_bytes ", metrics);
        await Eventually.Async(
            async () => (await MetricsAsync()).Contains("onex_outbox_age_seconds", StringComparison.Ordinal),
            _within,
            () => "the store is not read for metrics");
    }

    private async Task<string> MetricsAsync()
    {
        using var answer = await api.Http.SendAsync(Request(HttpMethod.Get, "/metrics", Reader));
        Assert.Equal("text/plain", answer.EnsureSuccessStatusCode().Content.Headers.ContentType!.MediaType);
        return await answer.Content.ReadAsStringAsync();
    }

    private static JsonObject Order(string order) => new() { ["operation"] = "order-fulfilment", ["payload"] = OnexStack.Order(order) };

    private static HttpRequestMessage Request(HttpMethod method, string path, string? token)
    {
        var request = new HttpRequestMessage(method, path);
        if (token is not null)
        {
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        return request;
    }

    private Task<(HttpStatusCode Status, JsonNode Body)> GetAsync(string path, string? token) =>
        SendAsync(Request(HttpMethod.Get, path, token));

    private async Task<(HttpStatusCode Status, JsonNode Body)> PostAsync(string path, JsonObject body, string token)
    {
        using var request = Request(HttpMethod.Post, path, token);
        request.Content = JsonContent.Create(body);
        return await SendAsync(request);
    }

    private async Task<(HttpStatusCode Status, JsonNode Body)> SendAsync(HttpRequestMessage request)
    {
        using var answer = await api.Http.SendAsync(request);
        return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    /// <summary>The three roles; the orchestrator has tokens.</summary>
    public sealed class ApiStack : StackFixture
    {
        private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };

        /// <summary>The API of the orchestrator, if the stack runs.</summary>
        public HttpClient Http => Stack.Processes.Count > 0 ? _http : throw new InvalidOperationException("Not started yet.");

        /// <inheritdoc />
        public override ValueTask DisposeAsync()
        {
            _http.Dispose();
            return base.DisposeAsync();
        }

        /// <inheritdoc />
        protected override async Task StartAsync(OnexStack stack)
        {
            stack.Set("ONEX_API_TOKEN", $"dash:read:{Reader},ops:operate:{Operator}");
            var processes = await stack.StartReadyAsync("main", "effects", "workers");
            _http.BaseAddress = new Uri($"http://127.0.0.1:{processes[0].HttpPort}");
        }
    }
}
