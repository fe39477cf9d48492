using System.Net.Http.Headers;
using System.Text.Json;
using Onex.Contracts.Catalogue;
using Onex.Contracts.Text;
using Onex.Effects.Connections;
using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Http;

/// <summary>One HTTP request, to an address or through a connection, and the redirects that it follows.</summary>
[Operation("http.get", ConnectionType = "http", Ignores = "body", Description = "Sends a GET request.")]
[Operation(
    "http.head", ConnectionType = "http", Ignores = "body", Description = "Sends a HEAD request, whose response has headers and no body.")]
[Operation("http.post", ConnectionType = "http", ChangesWorld = true, Description = "Sends a POST request.")]
[Operation("http.put", ConnectionType = "http", ChangesWorld = true, Idempotent = true, Description = "Sends a PUT request.")]
[Operation("http.patch", ConnectionType = "http", ChangesWorld = true, Description = "Sends a PATCH request.")]
[Operation("http.delete", ConnectionType = "http", ChangesWorld = true, Idempotent = true, Description = "Sends a DELETE request.")]
internal sealed class HttpOperation(HttpTransport transport, TimeProvider time)
    : EffectOperation<HttpArguments, HttpResult>(HttpJson.Default.HttpArguments, HttpJson.Default.HttpResult)
{
    protected override async Task<EffectOutcome<HttpResult>> RunAsync(
        HttpArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        var (target, rejection) = HttpRequests.CreateTarget(arguments, context);
        if (target is null)
        {
            return rejection!;
        }

        for (var redirectsLeft = arguments.Redirects ?? context.Connection?.Redirects ?? 0; ; redirectsLeft--)
        {
            using var request = HttpRequests.Build(target, arguments, context);
            try
            {
                using var response = await transport.SendAsync(context.Connection, request, cancellation);
                if (redirectsLeft <= 0 || !target.TryFollow(response, out var next, out var problem))
                {
                    return await AnswerAsync(response, context, cancellation);
                }

                if (problem is not null || context.Connection?.MayName(next.Address) == false)
                {
                    return RejectRedirect(
                        response, problem ?? $"{context.Connection} does not allow {HttpErrors.HostAndPort(next.Address)}");
                }

                target = next;
            }
            catch (HttpRequestException exception)
            {
                var outcome = HttpErrors.ToOutcome<HttpResult>(exception, request.RequestUri!, context.Progress.Reach);

                // The service that redirected has answered, so the request was sent.
                return outcome is { Status: EffectStatus.Rejected } && target.IsFollowed
                    ? EffectOutcome<HttpResult>.Refused(outcome.Code!, $"{outcome.Message} A redirect leads there.")
                    : outcome;
            }
            catch (IOException)
            {
                return EffectOutcome<HttpResult>.Failed(
                    context.Progress.Reach, "connection_lost", $"{HttpErrors.HostAndPort(request.RequestUri!)} broke off its answer.");
            }
        }
    }

    private static EffectOutcome<HttpResult> RejectRedirect(HttpResponseMessage response, string problem) =>
        EffectOutcome<HttpResult>.Refused(
            "address_refused",
            $"{HttpErrors.HostAndPort(response.RequestMessage!.RequestUri!)} answered {(int)response.StatusCode} with a redirect that is "
            + $"not followed: {problem}.",
            new HttpResult
            {
                StatusCode = (int)response.StatusCode,
                Headers = HttpAnswers.ReadHeaders(response),
                Body = HttpAnswers.NoBody,
            });

    private async Task<EffectOutcome<HttpResult>> AnswerAsync(
        HttpResponseMessage response, AttemptContext context, CancellationToken cancellation)
    {
        var status = (int)response.StatusCode;
        var host = HttpErrors.HostAndPort(response.RequestMessage!.RequestUri!);
        JsonElement? body = null;
        string? unparsed = null;
        (string Code, string Message)? lost = null;
        try
        {
            (body, unparsed) = await HttpAnswers.ReadAsync(response, context.Memory, cancellation);
            if (body is null)
            {
                lost = ("response_too_large", $"The response ({status}) is larger than {context.LargestResult / (1024 * 1024)} MiB.");
            }
        }
        catch (InvalidDataException)
        {
            lost = (
                "answer_unreadable",
                $"{host} answered {status} with a body that cannot be decompressed: it is truncated, or its compression is invalid.");
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            lost = ("connection_lost", $"{host} answered {status}, but closed the connection during its response.");
        }
        catch (OperationCanceledException) when (!context.Stopping.IsCancellationRequested)
        {
            lost = (StepCodes.StepTimedOut, $"{host} answered {status}, but its response did not arrive in time.");
        }

        // The status decides whether the effect happened, even if the body is missing.
        var result = new HttpResult { StatusCode = status, Headers = HttpAnswers.ReadHeaders(response), Body = body ?? HttpAnswers.NoBody };
        var (code, message) = (HttpStatuses.Code(status), $"{host} answered {status}.");
        var outcome = HttpStatuses.Classify(status) switch
        {
            HttpAnswer.Completed when body is null && lost is { Code: "response_too_large" } large =>
                new EffectOutcome<HttpResult>(EffectStatus.Rejected, result, large.Code, large.Message, null, AttemptReach.Done),
            HttpAnswer.Completed when lost is { } unread =>
                EffectOutcome<HttpResult>.Failed(AttemptReach.Done, unread.Code, unread.Message, result),
            HttpAnswer.Completed => EffectOutcome<HttpResult>.Completed(result),
            HttpAnswer.Failed =>
                EffectOutcome<HttpResult>.Failed(
                    HttpStatuses.ReachOf(status), code, message, result, ReadRetryAfter(response.Headers.RetryAfter)),
            _ => EffectOutcome<HttpResult>.Refused(code, $"{message}{Explain(status)}", result),
        };
        return unparsed is null ? outcome : outcome with { Unparsed = $"{host} answered {status}: {unparsed}." };
    }

    private static string Explain(int status) => status switch
    {
        304 => " The resource has not changed since the version that the request headers name.",
        301 or 302 or 303 or 307 or 308 => " No redirect, or no further one, is followed ('redirects').",
        _ => "",
    };

    private TimeSpan? ReadRetryAfter(RetryConditionHeaderValue? header)
    {
        var delay = header?.Delta ?? (header?.Date is { } date ? date - time.GetUtcNow() : null);
        return delay < TimeSpan.Zero ? TimeSpan.Zero : delay;
    }
}

/// <summary>Creates the request of an effect.</summary>
internal static class HttpRequests
{
    private static readonly Dictionary<string, string> _noHeaders = [];
    private static readonly HashSet<string> _runtimeHeaders =
        new([HttpHeaderRules.IdempotencyKey, HttpHeaderRules.CorrelationId, "traceparent", "tracestate"], StringComparer.OrdinalIgnoreCase);

    private const int RedirectsMax = 10;

    /// <summary>Returns where the request goes, or the rejection of its arguments.</summary>
    public static (HttpTarget? Target, EffectOutcome<HttpResult>? Rejection) CreateTarget(HttpArguments arguments, AttemptContext context)
    {
        var (address, problem) = BuildAddress(arguments, context);
        problem ??= arguments.Redirects is < 0 or > RedirectsMax ? $"'redirects' must be 0 to {RedirectsMax}" : null;
        problem ??= arguments.Headers?
            .Select(
                header => header.Value is null
                    ? $"the header '{header.Key}' is null"
                    : HttpHeaderRules.FindProblem(header.Key, header.Value))
            .FirstOrDefault(found => found is not null);
        if (problem is not null)
        {
            return (null, EffectOutcome<HttpResult>.Rejected(StepCodes.ArgumentsInvalid, $"{context.Operation}: {problem}."));
        }

        if (context.Connection is { } connection && !connection.MayName(address!))
        {
            return (
                null,
                EffectOutcome<HttpResult>.Rejected("address_refused", $"{connection} does not allow {address!.Host}:{address.Port}."));
        }

        var body = EncodeBody(arguments);
        if (body?.Length > ValueText.BytesMax)
        {
            return (null, EffectOutcome<HttpResult>.Rejected(
                "request_too_large", $"The body has {Plural.Format(body.Length, "byte")}; at most {ValueText.BytesMax} can be sent."));
        }

        var method = HttpMethod.Parse(context.Operation.AsSpan(context.Operation.IndexOf('.', StringComparison.Ordinal) + 1));
        return (new HttpTarget(address!, method), null);
    }

    /// <summary>Creates the request to a target.</summary>
    public static AttemptRequest Build(HttpTarget target, HttpArguments arguments, AttemptContext context)
    {
        var request = new AttemptRequest(target.Method, target.Address, context.Progress);
        if (target.HasBody && EncodeBody(arguments) is { } body)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = arguments.Body!.Value.ValueKind == JsonValueKind.String
                ? new MediaTypeHeaderValue("text/plain", "utf-8")
                : new MediaTypeHeaderValue("application/json");
        }

        AddHeaders(request, target, arguments, context);
        return request;
    }

    private static (Uri? Address, string? Problem) BuildAddress(HttpArguments arguments, AttemptContext context)
    {
        string text;
        if (arguments.Url is { } url)
        {
            if (arguments.Path is not null)
            {
                return (null, "'url' and 'path' are mutually exclusive");
            }

            text = url;
        }
        else if (arguments.Path is not { } path)
        {
            return (null, "neither 'url' nor 'path' is given");
        }
        else if (context.Connection?.Url is not { } root)
        {
            return (null, "'path' needs a connection with a 'url'");
        }
        else
        {
            text = root.GetLeftPart(UriPartial.Path).TrimEnd('/') + (path.StartsWith('/') ? path : "/" + path);
        }

        // A value that an expression inserts may be '..', which would leave the path; a backslash counts as a slash in addresses.
        var end = text.AsSpan().IndexOfAny('?', '#');
        var untilQuery = end < 0 ? text : text[..end];
        if (untilQuery.Contains('\\', StringComparison.Ordinal)
            || untilQuery.Split('/').Any(segment => Uri.UnescapeDataString(segment) is "." or ".."))
        {
            return (null, "the address has a segment '.' or '..', or a backslash");
        }

        if (arguments.Query is { Count: > 0 } query)
        {
            var fragment = text.IndexOf('#', StringComparison.Ordinal);
            text = fragment < 0 ? text : text[..fragment];
            text += (text.Contains('?', StringComparison.Ordinal) ? "&" : "?") + FormatQuery(query);
        }

        return Uri.TryCreate(text, UriKind.Absolute, out var address)
            && (address.Scheme == Uri.UriSchemeHttp || address.Scheme == Uri.UriSchemeHttps)
            && address.UserInfo.Length == 0
            ? (address, null)
            : (null, "the address is not an http or https address without a user name");
    }

    private static string FormatQuery(IReadOnlyDictionary<string, JsonElement> query)
    {
        var pairs = query.SelectMany(entry => entry.Value.ValueKind == JsonValueKind.Array
            ? entry.Value.EnumerateArray().Select(item => (entry.Key, Value: item))
            : [(entry.Key, entry.Value)]);
        return string.Join('&', pairs
            .Where(pair => pair.Value.ValueKind is not (JsonValueKind.Null or JsonValueKind.Undefined))
            .Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(ToText(pair.Value))}"));
    }

    private static string ToText(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private static byte[]? EncodeBody(HttpArguments arguments) => arguments.Body is not { } body ? null : body.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => null,
        _ => ValueText.ToBytes(body),
    };

    // Later values replace earlier ones: the connection's headers replace the contract's, and the runtime's headers replace both.
    private static void AddHeaders(AttemptRequest request, HttpTarget target, HttpArguments arguments, AttemptContext context)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in arguments.Headers ?? _noHeaders)
        {
            headers[name] = value ?? "";
        }

        if (context.Connection is { } connection && connection.SendsCredentialsTo(target.Address))
        {
            foreach (var (name, value) in connection.Headers)
            {
                headers[name] = value;
            }
        }

        if (!target.IsSameOrigin)
        {
            // A redirect must not carry credentials to another service, neither the operator's nor those of the step.
            foreach (var name in (context.Connection?.Headers ?? []).Select(header => header.Key).Concat(HttpTarget.Credentials))
            {
                headers.Remove(name);
            }
        }

        if (!headers.ContainsKey("Accept-Encoding"))
        {
            Add(request, "Accept-Encoding", ContentCoding.Accepted);
        }

        foreach (var (name, value) in headers)
        {
            if (!_runtimeHeaders.Contains(name))
            {
                Add(request, name, value);
            }
        }

        Add(request, HttpHeaderRules.IdempotencyKey, context.CommandId.ToString());
        Add(request, HttpHeaderRules.CorrelationId, context.CorrelationId.ToString());
        if (HttpTrace.SpanSetsHeaders)
        {
            return;
        }

        Add(request, "traceparent", context.TraceParent);
        var state = context.TraceState ?? headers.GetValueOrDefault("tracestate");
        if (state is not null)
        {
            Add(request, "tracestate", state);
        }
    }

    private static void Add(AttemptRequest request, string name, string value)
    {
        // A header that the request does not accept belongs to the content, whose type is set already.
        if (!request.Headers.TryAddWithoutValidation(name, value) && request.Content is { } content)
        {
            content.Headers.Remove(name);
            content.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
