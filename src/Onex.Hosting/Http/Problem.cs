using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace Onex.Hosting.Http;

/// <summary>An error over HTTP: RFC 9457 problem details with a code and a remedy.</summary>
public sealed record Problem
{
    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>The status in words.</summary>
    public required string Title { get; init; }

    /// <summary><c>ONEXnnnn</c>: a page in docs/errors.</summary>
    public required string Code { get; init; }

    /// <summary>The problem, its place and its cause.</summary>
    public required string Detail { get; init; }

    /// <summary>The remedy.</summary>
    public string? Remedy { get; init; }

    /// <summary>The request's correlation id, where there is one.</summary>
    public Guid? CorrelationId { get; init; }

    /// <summary>Structured facts: the problems of a payload.</summary>
    public Contracts.Messages.RawJson? Details { get; init; }

    /// <summary>Writes it as the response.</summary>
    public Task WriteAsync(HttpContext http)
    {
        http.Response.StatusCode = Status;
        if (Status == StatusCodes.Status401Unauthorized)
        {
            http.Response.Headers.WWWAuthenticate = "Bearer realm=\"onex\"";
        }

        if (Status is StatusCodes.Status503ServiceUnavailable or StatusCodes.Status429TooManyRequests)
        {
            http.Response.Headers.RetryAfter = "2";
        }

        http.Response.Headers.CacheControl = "no-store";
        return http.Response.WriteAsJsonAsync(this, ProblemJson.Readable.Problem, "application/problem+json", http.RequestAborted);
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext
{
    /// <summary>Does not escape for HTML.</summary>
    public static ProblemJson Readable => field ??= new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
