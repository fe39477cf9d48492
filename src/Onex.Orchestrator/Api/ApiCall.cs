using System.Buffers;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;
using Onex.Contracts.Messages;
using Onex.Contracts.Text;
using Onex.Engine;
using Onex.Hosting.Http;
using Onex.Orchestrator.Intake;

namespace Onex.Orchestrator.Api;

/// <summary>One API call: the request, and its answer.</summary>
/// <param name="http">The HTTP context.</param>
/// <param name="route">The route, which lists the known parameters and fields; null for an unknown path or the OpenAPI document.</param>
/// <param name="caller">See <see cref="Caller"/>.</param>
internal sealed class ApiCall(HttpContext http, ApiRoute? route, string caller)
{
    /// <summary>The largest body of an operator command. No setting changes it.</summary>
    public const int CommandBytesMax = 64 * 1024;

    private const string RequestBytesSetting = "ONEX_MAX_REQUEST_BYTES";

    private const int ReasonCharsMax = 1000;
    private const int ClippedCharsMax = 80;

    public HttpContext Http { get; } = http;

    /// <summary>The caller: the token's name, or <c>loopback</c>.</summary>
    public string Caller { get; } = caller;

    public CancellationToken Aborted => Http.RequestAborted;

    /// <summary>The first value of a parameter of the query; null if it is missing or empty.</summary>
    public string? Query(string name) =>
        Http.Request.Query.TryGetValue(name, out var values) && values[0] is { Length: > 0 } text ? text : null;

    /// <summary>Rejects a query that is not valid text: decoding would replace bad bytes, and the search would use other text.</summary>
    public void CheckQueryText()
    {
        var encoded = Encoding.UTF8.GetBytes(Http.Request.QueryString.Value ?? "");
        if (WebUtility.UrlDecodeToBytes(encoded, 0, encoded.Length) is { } query && (!Utf8.IsValid(query) || query.Contains((byte)0)))
        {
            throw new CallException(
                400, ErrorCodes.TextInvalid, "The query is not UTF-8, or holds U+0000.", "Percent-encode text as UTF-8: ?q=K%C3%B6ln.");
        }
    }

    public string Path(string name) => (string)Http.Request.RouteValues[name]!;

    public SagaId SagaId => new(PathId("saga", "onex sagas list"));

    public Guid DeadLetterId => PathId("dead letter", "onex dlq list");

    /// <summary>Rejects unknown parameters, because an ignored misspelt filter would list everything.</summary>
    public void CheckQuery()
    {
        foreach (var (name, values) in Http.Request.Query)
        {
            if (route!.Query.FirstOrDefault(parameter => parameter.Name == name) is not { } known)
            {
                throw Unknown("parameter", name, [.. route.Query.Select(parameter => parameter.Name)]);
            }

            if (values.Count > 1 && !known.AllowsSeveral)
            {
                throw new CallException(
                    400, ErrorCodes.CallInvalid, $"'{name}' is given {Plural.Format(values.Count, "time")}.", "Give it once.");
            }
        }
    }

    /// <summary>Rejects unknown fields of the body. Ignores a body that is not a JSON object, because its reader reports that.</summary>
    public void CheckFields(ReadOnlySpan<byte> body)
    {
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = RequestJson.DepthMax });
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.GetString() is { } name && !route!.Body.Any(field => field.Name == name))
                {
                    throw Unknown("field", name, [.. route.Body.Select(field => field.Name)]);
                }

                reader.Skip();
            }
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
        }
    }

    /// <summary>A number of the query, from 1 to the maximum; the default if it is missing.</summary>
    public int Number(string name, int @default, int max)
    {
        if (Query(name) is not { } text)
        {
            return @default;
        }

        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= max
            ? number
            : throw new CallException(400, ErrorCodes.CallInvalid, $"'{name}' is '{Clip(text)}'.", $"Give a whole number from 1 to {max}.");
    }

    /// <summary>An id of the query, or null if it is missing.</summary>
    public Guid? Id(string name)
    {
        if (Query(name) is not { } text)
        {
            return null;
        }

        return Guid.TryParse(text, out var id)
            ? id
            : throw new CallException(400, ErrorCodes.CallInvalid, $"'{name}' is '{Clip(text)}'.", "Give a UUID.");
    }

    /// <summary>
    /// The values of an enumeration in the query, separated by commas or repeated; empty if there are none. Compares names, because
    /// <see cref="Enum.Parse{T}(string)"/> also accepts numbers and combines several names as bits.
    /// </summary>
    public IReadOnlyList<T> Values<T>(string name, Func<T, string> text)
        where T : struct, Enum
    {
        if (!Http.Request.Query.TryGetValue(name, out var lists) || lists.All(string.IsNullOrEmpty))
        {
            return [];
        }

        var known = Enum.GetValues<T>();
        return [.. lists.SelectMany(list => (list ?? "").Split(',', StringSplitOptions.TrimEntries)).Select(Parse).Distinct()];

        T Parse(string word)
        {
            var index = Array.FindIndex(known, value => text(value).Equals(word, StringComparison.OrdinalIgnoreCase));
            return index >= 0
                ? known[index]
                : throw new CallException(
                    400, ErrorCodes.CallInvalid, $"'{name}' is '{Clip(word)}'.",
                    $"Give one or more of {string.Join(", ", known.Select(text))}; several by commas.");
        }
    }

    /// <summary>A duration of the query, from zero to the maximum; null if it is missing.</summary>
    public TimeSpan? Duration(string name, TimeSpan max)
    {
        if (Query(name) is not { } text)
        {
            return null;
        }

        return Durations.TryParseUnitsOrClock(text, out var span) && span >= TimeSpan.Zero && span <= max
            ? span
            : throw new CallException(
                400, ErrorCodes.CallInvalid, $"'{name}' is '{Clip(text)}'.", $"Give a duration like 30s, at most {Durations.Format(max)}.");
    }

    /// <summary>
    /// The bytes of the body, without a byte order mark. Rejects a compressed body, and one that is larger than the maximum: then it names
    /// the setting to change.
    /// </summary>
    public async Task<byte[]> BodyAsync(int bytesMax, CancellationToken cancellation, string? setting = RequestBytesSetting)
    {
        if (Http.Request.Headers.ContentEncoding.ToString() is { Length: > 0 } encoding and not "identity")
        {
            throw new CallException(
                400, ErrorCodes.CallInvalid, $"The body has the Content-Encoding '{Clip(encoding)}'.", "Send it uncompressed.");
        }

        if (Http.Request.ContentLength > bytesMax)
        {
            throw TooLarge(bytesMax, setting);
        }

        var body = new MemoryStream();
        var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
        try
        {
            int read;
            while ((read = await Http.Request.Body.ReadAsync(buffer, cancellation)) > 0)
            {
                if (body.Length + read > bytesMax)
                {
                    throw TooLarge(bytesMax, setting);
                }

                body.Write(buffer, 0, read);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }

        // Some tools put a byte order mark before UTF-8.
        var bytes = body.GetBuffer().AsSpan(0, (int)body.Length);
        return (bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes).ToArray();
    }

    /// <summary>The body of an operator command; see <see cref="ObjectAsync"/>.</summary>
    public Task<JsonElement> CommandAsync() => ObjectAsync(CommandBytesMax, Aborted, setting: null);

    /// <summary>
    /// The body as a JSON object; an empty one counts as <c>{}</c>. Rejects a body that is no JSON object or has unknown fields, and those
    /// that <see cref="BodyAsync"/> rejects.
    /// </summary>
    public async Task<JsonElement> ObjectAsync(int bytesMax, CancellationToken cancellation, string? setting = RequestBytesSetting)
    {
        var body = await BodyAsync(bytesMax, cancellation, setting);
        if (body.Length == 0)
        {
            body = "{}"u8.ToArray();
        }

        if (!Utf8.IsValid(body))
        {
            throw new CallException(400, ErrorCodes.MalformedMessage, "The body is not UTF-8.", "Send a JSON object encoded as UTF-8.");
        }

        try
        {
            var (document, problem) = RequestJson.Parse(body);
            using var _ = document;
            if (problem is not null)
            {
                throw new CallException(
                    400, problem.Code, problem.Error,
                    problem.Code == ErrorCodes.KeyTwice ? "Send the key once." : "Send text as UTF-8, without U+0000.");
            }

            CheckFields(body);
            return document.RootElement.ValueKind == JsonValueKind.Object
                ? document.RootElement.Clone()
                : throw new CallException(400, ErrorCodes.CallInvalid, "The body is not a JSON object.", "Send a JSON object.");
        }
        catch (JsonException bad)
        {
            throw new CallException(400, ErrorCodes.CallInvalid, RequestJson.Describe("The body", bad), "Send a JSON object.");
        }
    }

    /// <summary>The operator's reason in a body, or null.</summary>
    public static string? Reason(JsonElement body)
    {
        if (!body.TryGetProperty("reason", out var given) || given.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        return given.ValueKind == JsonValueKind.String
            && given.GetString() is { Length: <= ReasonCharsMax } text
            && !text.Contains('\0', StringComparison.Ordinal)
            ? text
            : throw new CallException(
                400,
                ErrorCodes.CallInvalid,
                "'reason' is not text that can be stored.",
                $"Give text of at most {ReasonCharsMax} characters.");
    }

    /// <summary>Answers with a page of a list, and with the cursor of the next page if there is another page.</summary>
    /// <param name="name">The list's name.</param>
    /// <param name="read">
    /// Reads the page; throws a <see cref="FormatException"/> if the call's <c>after</c> is not the cursor of an earlier page.
    /// </param>
    /// <param name="write">Writes a row's members.</param>
    public async Task AnswerPageAsync<TRow>(
        string name, Func<Task<(IReadOnlyList<TRow> Rows, string? Next)>> read, Action<Utf8JsonWriter, TRow> write)
    {
        IReadOnlyList<TRow> rows;
        string? next;
        try
        {
            (rows, next) = await read();
        }
        catch (FormatException)
        {
            throw new CallException(
                400, ErrorCodes.CallInvalid, "'after' is not a position in a list.", "Give the 'next' of the previous page unchanged.");
        }

        await AnswerAsync(200, writer =>
        {
            writer.WriteStartArray(name);
            foreach (var row in rows)
            {
                writer.WriteStartObject();
                write(writer, row);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            if (next is not null)
            {
                writer.WriteString("next", next);
            }
        });
    }

    public Task AnswerAsync(int status, Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, ValueJson.WriterOptions))
        {
            writer.WriteStartObject();
            write(writer);
            writer.WriteEndObject();
        }

        return AnswerAsync(status, "application/json", buffer.WrittenMemory);
    }

    /// <summary>Answers with content that is written already.</summary>
    public async Task AnswerAsync(int status, string contentType, ReadOnlyMemory<byte> body)
    {
        Http.Response.StatusCode = status;
        Http.Response.ContentType = contentType;
        Http.Response.ContentLength = body.Length;
        Http.Response.Headers.CacheControl = "no-store";
        if (!HttpMethods.IsHead(Http.Request.Method))
        {
            await Http.Response.Body.WriteAsync(body, Aborted);
        }
    }

    /// <summary>Text from the caller, shortened for an answer.</summary>
    public static string Clip(string text) =>
        text.Length <= ClippedCharsMax ? text : string.Concat(text.AsSpan(0, ClippedCharsMax), "...");

    private Guid PathId(string what, string command) => Guid.TryParseExact(Path("id"), "D", out var id)
        ? id
        : throw new CallException(
            400,
            ErrorCodes.CallInvalid,
            $"'{Clip(Path("id"))}' is not a {what} id.",
            $"An id is a UUID like 018f2f6e-7a64-7cc4-9d3b-2c8f4e2b8a11; '{command}' shows them.");

    private static CallException Unknown(string what, string name, IReadOnlyList<string> known) => new(
        400, ErrorCodes.CallInvalid,
        $"There is no {what} '{Clip(name)}' here.{(Spelling.Nearest(name, known) is { } nearest ? $" Did you mean '{nearest}'?" : "")}",
        known.Count == 0 ? $"This call accepts no {what}s." : $"This call accepts {string.Join(", ", known)}.");

    private static CallException TooLarge(int bytesMax, string? setting) => new(
        413,
        ErrorCodes.RequestTooLarge,
        $"The body is larger than {bytesMax} bytes{(setting is null ? "" : $" ({setting})")}.",
        "Send a reference instead of the data.");
}

/// <summary>Ends a call, which is answered with the problem.</summary>
internal sealed class CallException(int status, string code, string detail, string? remedy) : Exception(detail)
{
    public Problem Problem { get; init; } = new()
    {
        Status = status,
        Title = Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(status),
        Code = code,
        Detail = detail,
        Remedy = remedy,
    };
}
