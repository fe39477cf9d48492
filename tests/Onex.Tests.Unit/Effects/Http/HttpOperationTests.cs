using Onex.Effects.Http;

namespace Onex.Tests.Unit.Effects.Http;

public sealed class HttpOperationTests : IAsyncLifetime
{
    private const string Stock = "stock";

    private HttpTestServer _server = null!;
    private EffectsHarness _effects = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await HttpTestServer.StartAsync();
        _effects = new EffectsHarness(
            $$"""
            connections:
              stock:
                type: http
                url: "{{_server.Address}}api"
                headers: { Authorization: "Bearer ${secret:STOCK_TOKEN}" }
            """,
            environment: new() { ["STOCK_TOKEN"] = "very-secret-token" });
    }

    public async ValueTask DisposeAsync()
    {
        await _effects.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Theory]
    [InlineData(200, "completed", null)]
    [InlineData(201, "completed", null)]
    [InlineData(302, "rejected", "http_302")]
    [InlineData(400, "rejected", "http_400")]
    [InlineData(402, "rejected", "http_402")]
    [InlineData(404, "rejected", "http_404")]
    [InlineData(408, "failed", "http_408")]
    [InlineData(425, "failed", "http_425")]
    [InlineData(429, "failed", "http_429")]
    [InlineData(500, "failed", "http_500")]
    [InlineData(503, "failed", "http_503")]
    public async Task A_response_is_classified_by_status_and_always_attached(int status, string outcome, string? code)
    {
        _server.AnswerWith(status, "application/json", """{"why":"so"}""");

        var result = await _effects.RunAsync(EffectsHarness.Command("http.post", """{"path":"/charges","body":{"total":10.50}}""", Stock));

        Assert.Equal((outcome, code), (result.Outcome, result.Code));
        var answer = Json(result);
        Assert.Equal(status, answer.GetProperty("status_code").GetInt32());
        Assert.Equal("application/json", answer.GetProperty("headers").GetProperty("content-type").GetString());
        Assert.Equal("so", answer.GetProperty("body").GetProperty("why").GetString());
    }

    [Fact]
    public async Task A_request_carries_the_command_id_as_idempotency_key_and_its_saga_headers()
    {
        var command = EffectsHarness.Command(
            "http.post", """{"path":"reservations","body":{"order":"o1"},"headers":{"X-Own":"yes"}}""", Stock);

        await _effects.Runner.RunAsync(command, new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", null), default);

        var request = Assert.Single(_server.Requests);
        Assert.Equal(("POST", "/api/reservations", """{"order":"o1"}"""), (request.Method, request.Target, request.Body));
        Assert.Equal(command.CommandId.ToString(), request.Headers["Idempotency-Key"]);
        Assert.Equal(command.CorrelationId.ToString(), request.Headers["X-Correlation-Id"]);
        Assert.Equal("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", request.Headers["traceparent"]);
        Assert.Equal("yes", request.Headers["X-Own"]);
        Assert.Equal("application/json", request.Headers["Content-Type"]);
    }

    [Fact]
    public async Task Connection_credentials_override_contract_headers_and_appear_nowhere_else()
    {
        _server.Answer = context =>
        {
            context.Response.StatusCode = 500;
            context.Abort();
            return Task.CompletedTask;
        };

        var result = await _effects.RunAsync(EffectsHarness.Command(
            "http.get", """{"path":"/x","headers":{"authorization":"Bearer of-the-contract"}}""", Stock));

        Assert.Equal("Bearer very-secret-token", _server.Requests.First().Headers["Authorization"]);
        Assert.Equal((StepOutcomes.Failed, "connection_lost"), (result.Outcome, result.Code));
        var everything = string.Join('\n', _effects.Logged)
            + JsonSerializer.Serialize(result, MessageJson.Default.StepResult)
            + JsonSerializer.Serialize(_effects.Ledger.Recorded(result.CommandId)!, MessageJson.Default.StepResult)
            + string.Join('\n', _effects.Health.Handlers.Values);
        Assert.DoesNotContain("very-secret-token", everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Query_values_are_encoded_lists_repeat_their_key_and_null_is_omitted()
    {
        await _effects.RunAsync(EffectsHarness.Command(
            "http.get", """{"path":"/find","query":{"q":"a&b=ü c","n":3,"on":true,"tag":["x","y/z"],"none":null}}""", Stock));

        Assert.Equal("/api/find?q=a%26b%3D%C3%BC%20c&n=3&on=true&tag=x&tag=y%2Fz", Assert.Single(_server.Requests).Target);
    }

    [Fact]
    public async Task A_value_encoded_in_the_path_stays_encoded()
    {
        await _effects.RunAsync(EffectsHarness.Command("http.delete", """{"path":"/parcels/a%2Fb%3Fc"}""", Stock));

        var request = Assert.Single(_server.Requests);
        Assert.Equal(("DELETE", "/api/parcels/a%2Fb%3Fc"), (request.Method, request.Target));
    }

    [Theory]
    [InlineData("""{"path":"/parcels/.."}""")]
    [InlineData("""{"path":"/parcels/%2e%2e/x"}""")]
    [InlineData("""{"path":"/parcels\\..\\x"}""")]
    [InlineData("""{}""")]
    [InlineData("""{"url":"http://example.org","path":"/x"}""")]
    [InlineData("""{"path":"/x","headers":{"Host":"other"}}""")]
    [InlineData("""{"path":"/x","headers":{"X-A":"b\r\nX-C: d"}}""")]
    [InlineData("""{"path":"/x","headers":{"X A":"b"}}""")]
    [InlineData("""{"path":7}""")]
    [InlineData("""{"path":"/x","method":"PUT"}""")]
    [InlineData("""[]""")]
    [InlineData("""null""")]
    public async Task Invalid_arguments_are_rejected_and_nothing_is_sent(string arguments)
    {
        var result = await _effects.RunAsync(EffectsHarness.Command("http.get", arguments, Stock));

        Assert.Equal((StepOutcomes.Rejected, "arguments_invalid"), (result.Outcome, result.Code));
        Assert.Empty(_server.Requests);
    }

    [Fact]
    public async Task A_text_body_is_sent_unchanged_and_its_type_may_be_set()
    {
        await _effects.RunAsync(EffectsHarness.Command("http.put", """{"path":"/a","body":"zwölf"}""", Stock));
        await _effects.RunAsync(
            EffectsHarness.Command("http.put", """{"path":"/b","body":"<a/>","headers":{"content-type":"application/xml"}}""", Stock));
        await _effects.RunAsync(EffectsHarness.Command("http.post", """{"path":"/c"}""", Stock));

        var requests = _server.Requests.ToArray();
        Assert.Equal(("zwölf", "text/plain; charset=utf-8"), (requests[0].Body, requests[0].Headers["Content-Type"]));
        Assert.Equal(("<a/>", "application/xml"), (requests[1].Body, requests[1].Headers["Content-Type"]));
        Assert.Equal(("", false), (requests[2].Body, requests[2].Headers.ContainsKey("Content-Type")));
    }

    [Fact]
    public async Task A_redirect_is_not_followed_by_default()
    {
        await using var elsewhere = await HttpTestServer.StartAsync();
        _server.Answer = context =>
        {
            context.Response.Redirect($"{elsewhere.Address}stolen");
            return Task.CompletedTask;
        };

        var result = await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock));

        Assert.Equal("http_302", result.Code);
        Assert.Empty(elsewhere.Requests);
    }

    [Fact]
    public async Task Private_addresses_are_rejected_without_a_connection_that_allows_them()
    {
        var byAddress = await _effects.RunAsync(EffectsHarness.Command("http.get", $$"""{"url":"{{_server.Address}}x"}"""));
        var byName = await _effects.RunAsync(
            EffectsHarness.Command("http.get", $$"""{"url":"http://localhost:{{_server.Address.Port}}/x"}"""));
        var throughAnother = await _effects.RunAsync(EffectsHarness.Command("http.get", """{"url":"http://127.0.0.1:1/x"}""", Stock));

        Assert.All([byAddress, byName, throughAnother], result =>
            Assert.Equal((StepOutcomes.Rejected, "address_refused"), (result.Outcome, result.Code)));
        Assert.Empty(_server.Requests);
    }

    [Theory]
    [InlineData("127.0.0.0/8", true)]
    [InlineData("10.0.0.0/8", false)]
    public async Task A_connection_without_a_base_address_reaches_its_allowed_hosts(string range, bool reached)
    {
        await using var effects = new EffectsHarness($$"""
            connections:
              insiders: { type: http, allow: ["{{range}}"] }
            """);

        var result = await effects.RunAsync(EffectsHarness.Command("http.get", $$"""{"url":"{{_server.Address}}x"}""", "insiders"));

        Assert.Equal(reached ? null : "address_refused", result.Code);
        Assert.Equal(reached ? 1 : 0, _server.Requests.Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_allowed_host_gets_the_headers_of_a_connection_only_if_that_has_no_base_address(bool hasBaseAddress)
    {
        await using var allowed = await HttpTestServer.StartAsync();
        var address = hasBaseAddress ? $"url: \"{_server.Address}\", " : "";
        await using var effects = new EffectsHarness(
            $$"""connections: { stock: { type: http, {{address}}allow: [127.0.0.1], headers: { Authorization: secret } } }""");

        await effects.RunAsync(EffectsHarness.Command("http.get", $$"""{"url":"{{_server.Address}}own"}""", "stock"));
        var result = await effects.RunAsync(
            EffectsHarness.Command("http.get", $$"""{"url":"{{allowed.Address}}x","headers":{"X-Own":"yes"} }""", "stock"));

        Assert.Equal((StepOutcomes.Completed, null), (result.Outcome, result.Code));
        var request = Assert.Single(allowed.Requests);
        Assert.Equal("yes", request.Headers["X-Own"]);
        Assert.Equal(hasBaseAddress ? null : "secret", request.Headers.GetValueOrDefault("Authorization"));
        Assert.Equal("secret", Assert.Single(_server.Requests).Headers["Authorization"]);
    }

    [Fact]
    public async Task A_refused_connection_fails_with_connection_failed()
    {
        await using var effects = new EffectsHarness("connections: { gone: { type: http, url: 'http://127.0.0.1:1' } }");

        var result = await effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", "gone"));

        Assert.Equal((StepOutcomes.Failed, "connection_failed"), (result.Outcome, result.Code));
        Assert.Null(result.Result);
    }

    [Fact]
    public async Task A_response_that_is_too_late_is_a_timeout()
    {
        _server.Answer = context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);

        var result = await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock, timeoutMs: 200));

        Assert.Equal((StepOutcomes.Failed, "step_timed_out"), (result.Outcome, result.Code));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(409)]
    public async Task A_response_that_a_stop_of_the_process_cuts_off_has_no_outcome(int status)
    {
        // More than sockets hold, so the body is being read once it was written.
        var written = new byte[32 * 1024 * 1024];
        var isBeingRead = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        _server.Answer = async context =>
        {
            context.Response.StatusCode = status;
            context.Response.ContentLength = written.Length + 1;
            await context.Response.Body.WriteAsync(written);
            isBeingRead.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
        };
        var command = EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock);

        var running = _effects.Runner.RunAsync(command, null, stop.Token);
        await isBeingRead.Task.WaitAsync(TestContext.Current.CancellationToken);
        await stop.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Null(_effects.Ledger.Recorded(command.CommandId));
        Assert.Empty(_effects.Produced.Records);
    }

    [Theory]
    [InlineData("120", 120_000)]
    [InlineData("Mon, 01 Jan 2024 00:00:00 GMT", 0)]
    public async Task A_Retry_After_header_is_reported(string header, int expected)
    {
        _server.Answer = context =>
        {
            context.Response.StatusCode = 503;
            context.Response.Headers.RetryAfter = header;
            return Task.CompletedTask;
        };

        Assert.Equal(expected, (await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock))).RetryAfterMs);
    }

    [Fact]
    public async Task A_response_above_the_limit_is_rejected_with_its_status()
    {
        _server.Answer = async context =>
        {
            var chunk = new byte[1024 * 1024];
            for (var i = 0; i <= 50; i++)
            {
                await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
            }
        };

        var result = await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock));

        Assert.Equal((StepOutcomes.Rejected, "response_too_large"), (result.Outcome, result.Code));
        Assert.Equal(200, Json(result).GetProperty("status_code").GetInt32());
    }

    [Fact]
    public async Task A_body_above_the_limit_is_not_sent()
    {
        var result = await _effects.RunAsync(EffectsHarness.Command(
            "http.post", $$"""{"path":"/x","body":"{{new string('a', 10 * 1024 * 1024 + 1)}}"}""", Stock));

        Assert.Equal((StepOutcomes.Rejected, "request_too_large"), (result.Outcome, result.Code));
        Assert.Empty(_server.Requests);
    }

    [Theory]
    [InlineData("application/json", "{\"a\":\"x\\u0000y\"}", "{\"a\":\"x\uFFFDy\"}")]
    [InlineData("application/json", "{\"a\":\"\\ud83d\\ude00 \\ud83d \\\\u0000\"}", "{\"a\":\"\U0001F600 \uFFFD \\\\u0000\"}")]
    [InlineData("application/problem+json; charset=utf-8", "[1.0]", "[1.0]")]
    [InlineData("application/json", "not json", "\"not json\"")]
    [InlineData("text/plain", "a\0b", "\"a\uFFFDb\"")]
    [InlineData("text/html", "", "null")]
    public async Task A_response_body_becomes_a_storable_value(string contentType, string sent, string expected)
    {
        _server.AnswerWith(200, contentType, sent);

        var body = Json(await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock))).GetProperty("body");

        using var document = JsonDocument.Parse(expected);
        Assert.True(JsonElement.DeepEquals(document.RootElement, body), body.GetRawText());
    }

    [Theory]
    [InlineData("application/json", "{\"a\":", true)]
    [InlineData("application/problem+json", "not json", true)]
    [InlineData("application/json", "{}", false)]
    [InlineData("application/json", "", false)]
    [InlineData("text/plain", "{\"a\":", false)]
    public async Task A_JSON_response_that_does_not_parse_is_marked_as_unparsed(string contentType, string sent, bool isUnparsed)
    {
        _server.AnswerWith(200, contentType, sent);

        var result = await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock));

        Assert.Equal((StepOutcomes.Completed, isUnparsed), (result.Outcome, result.Unparsed is not null));
        if (isUnparsed)
        {
            Assert.Contains(
                $"answered 200: the body is declared as {contentType} but is not readable JSON (line 1, byte ",
                result.Unparsed,
                StringComparison.Ordinal);
            Assert.DoesNotContain("not json", result.Unparsed, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_large_result_is_stored_and_sent_as_a_reference()
    {
        _server.AnswerWith(200, "text/plain", new string('x', 70_000));

        var result = await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock));

        Assert.Null(result.Result);
        var payload = _effects.Payloads.Payloads[result.ResultRef!.Value];
        Assert.Equal(result.SagaId, payload.SagaId);
        Assert.StartsWith($"result:{result.CommandId}", payload.Name, StringComparison.Ordinal);
        using var stored = JsonDocument.Parse(payload.Content.Utf8);
        Assert.Equal(70_000, stored.RootElement.GetProperty("body").GetString()!.Length);
        Assert.Equal(result, _effects.Ledger.Recorded(result.CommandId));
    }

    [Theory]
    [InlineData("windows-1252", "93 E4 94 20 80", "\u201C\u00E4\u201D \u20AC")]
    [InlineData("\"Windows-1252\"", "E4", "\u00E4")]
    [InlineData("Shift_JIS", "93 FA 96 7B", "\u65E5\u672C")]
    [InlineData("euc-jp", "C6 FC", "\u65E5")]
    [InlineData("gb2312", "C4 E3", "\u4F60")]
    [InlineData("big5", "A7 41", "\u4F60")]
    [InlineData("koi8-r", "CD", "\u043C")]
    [InlineData("iso-8859-15", "A4", "\u20AC")]
    [InlineData("iso-8859-1", "80 E4", "\u0080\u00E4")]
    [InlineData("utf-16", "FF FE 61 00 E4 00", "a\u00E4")]
    [InlineData("utf-16", "FE FF 00 61 00 E4", "a\u00E4")]
    [InlineData("utf-16be", "00 61", "a")]
    [InlineData("nobody-knows", "61 C3 A4", "a\u00E4")]
    [InlineData("utf-7", "2B 41 45 67 2D", "+AEg-")]
    public async Task A_body_is_decoded_by_its_charset(string charset, string bytes, string expected)
    {
        AnswerBytes($"text/plain; charset={charset}", bytes);

        Assert.Equal(
            expected,
            Json(await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock))).GetProperty("body").GetString());
    }

    [Theory]
    [InlineData("application/json", "FF FE 7B 00 22 00 61 00 22 00 3A 00 31 00 7D 00")]
    [InlineData("application/json; charset=utf-16", "FE FF 00 7B 00 22 00 61 00 22 00 3A 00 31 00 7D")]
    [InlineData("application/problem+json; charset=utf-8", "FE FF 00 7B 00 22 00 61 00 22 00 3A 00 31 00 7D")]
    [InlineData("application/json", "EF BB BF 7B 22 61 22 3A 31 7D")]
    [InlineData("application/json", "FF FE 00 00 7B 00 00 00 22 00 00 00 61 00 00 00 22 00 00 00 3A 00 00 00 31 00 00 00 7D 00 00 00")]
    public async Task JSON_with_a_byte_order_mark_is_parsed(string contentType, string bytes)
    {
        AnswerBytes(contentType, bytes);

        var body = Json(await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock))).GetProperty("body");

        Assert.Equal(1, body.GetProperty("a").GetInt32());
    }

    [Theory]
    [InlineData("gzip", "1F 8B 08 00 00 00 00 00 00 03 4B")] // truncated
    [InlineData("gzip", "1F 8B 08 00 00 00 00 00 00 03 CB 48 CD C9 C9 07 00 86 A6 10 36")] // without its length
    [InlineData("gzip", "1F 8B 08 00 00 00 00 00 00 03 CB 48 CD C9 C9 07 00 86 A6 10 37 05 00 00 00")] // wrong checksum
    [InlineData("gzip", "68 65 6C 6C 6F")] // not compressed
    [InlineData("deflate", "68 65 6C 6C 6F")]
    [InlineData("br", "68 65 6C 6C 6F")]
    public async Task Invalid_compression_fails_the_attempt_without_a_logged_stack_trace(string encoding, string bytes)
    {
        AnswerBytes("text/plain", bytes, encoding);

        var result = await _effects.RunAsync(EffectsHarness.Command("http.post", """{"path":"/x"}""", Stock));

        Assert.Equal((StepOutcomes.Failed, "answer_unreadable"), (result.Outcome, result.Code));
        Assert.Contains("answered 200 with a body that cannot be decompressed", result.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_effects.Logged, line => line.Contains("   at ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("gzip", "1F 8B 08 00 00 00 00 00 00 03 CB 48 CD C9 C9 07 00 86 A6 10 36 05 00 00 00")]
    [InlineData("x-gzip", "1F 8B 08 00 00 00 00 00 00 03 CB 48 CD C9 C9 07 00 86 A6 10 36 05 00 00 00")]
    [InlineData("deflate", "78 9C CB 48 CD C9 C9 07 00 06 2C 02 15")]
    [InlineData("deflate", "CB 48 CD C9 C9 07 00")]
    [InlineData("br", "0B 02 80 68 65 6C 6C 6F 03")]
    [InlineData("identity", "68 65 6C 6C 6F")]
    public async Task A_compressed_body_is_decompressed_and_its_headers_are_adjusted(string encoding, string bytes)
    {
        AnswerBytes("text/plain", bytes, encoding);

        var answer = Json(await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock)));

        Assert.Equal("hello", answer.GetProperty("body").GetString());
        Assert.Equal(encoding == "identity", answer.GetProperty("headers").TryGetProperty("content-encoding", out _));
        Assert.Equal("gzip, br", Assert.Single(_server.Requests).Headers["Accept-Encoding"]);
    }

    [Fact]
    public async Task A_large_Brotli_body_is_decompressed_and_HEAD_keeps_its_encoding_headers()
    {
        using var compressed = new MemoryStream();
        using (var brotli = new System.IO.Compression.BrotliStream(
            compressed, System.IO.Compression.CompressionLevel.Fastest, leaveOpen: true))
        {
            for (var line = 0; line < 10_000; line++)
            {
                brotli.Write(Encoding.UTF8.GetBytes($"{line}\n"));
            }
        }

        AnswerBytes("text/plain", Convert.ToHexString(compressed.ToArray()), "br");
        var result = await _effects.RunAsync(EffectsHarness.Command("http.head", """{"path":"/x"}""", Stock));
        Assert.Equal("br", Json(result).GetProperty("headers").GetProperty("content-encoding").GetString());

        Assert.True(ContentCoding.Decompress(compressed.ToArray(), "br", 48_890)!.AsSpan().EndsWith("9998\n9999\n"u8));
        Assert.Null(ContentCoding.Decompress(compressed.ToArray(), "br", 48_889));
    }

    [Theory]
    [InlineData(1234)]
    [InlineData(50_000_000_000)]
    public async Task HEAD_keeps_the_length_and_encoding_of_the_body(long length)
    {
        _server.Answer = context =>
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = length;
            context.Response.Headers.ContentEncoding = "gzip";
            return Task.CompletedTask;
        };

        var result = await _effects.RunAsync(EffectsHarness.Command("http.head", """{"path":"/x"}""", Stock));

        Assert.Equal(StepOutcomes.Completed, result.Outcome);
        var headers = Json(result).GetProperty("headers");
        Assert.Equal(
            (length.ToString(System.Globalization.CultureInfo.InvariantCulture), "gzip"),
            (headers.GetProperty("content-length").GetString(), headers.GetProperty("content-encoding").GetString()));
    }

    [Theory]
    [InlineData(304, "has not changed")]
    [InlineData(302, "is followed ('redirects')")]
    [InlineData(307, "is followed ('redirects')")]
    public async Task A_status_below_400_other_than_2xx_is_described(int status, string explanation)
    {
        _server.Answer = context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        };

        var result = await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x"}""", Stock));

        Assert.Equal(($"http_{status}", StepOutcomes.Rejected), (result.Code, result.Outcome));
        Assert.Contains(explanation, result.Message, StringComparison.Ordinal);
        Assert.Equal(status == 304, !result.Message!.Contains("redirect", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_null_header_is_rejected_and_not_sent_empty()
    {
        var result = await _effects.RunAsync(EffectsHarness.Command("http.get", """{"path":"/x","headers":{"X-Hold":null}}""", Stock));

        Assert.Equal((StepOutcomes.Rejected, "arguments_invalid"), (result.Outcome, result.Code));
        Assert.Contains("X-Hold", result.Message, StringComparison.Ordinal);
        Assert.Empty(_server.Requests);
    }

    private void AnswerBytes(string contentType, string bytes, string? encoding = null) => _server.Answer = async context =>
    {
        context.Response.ContentType = contentType;
        if (encoding is not null)
        {
            context.Response.Headers.ContentEncoding = encoding;
        }

        await context.Response.Body.WriteAsync(
            Convert.FromHexString(bytes.Replace(" ", "", StringComparison.Ordinal)), context.RequestAborted);
    };

    private static JsonElement Json(StepResult result)
    {
        using var document = JsonDocument.Parse(result.Result!.Value.Utf8);
        return document.RootElement.Clone();
    }
}
