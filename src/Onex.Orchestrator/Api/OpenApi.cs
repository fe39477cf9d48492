using System.Buffers;
using System.Globalization;
using System.Text.Json;
using Onex.Engine;
using Onex.Hosting;
using Onex.Hosting.Http;

namespace Onex.Orchestrator.Api;

/// <summary>The OpenAPI document, generated from the routes.</summary>
internal static class OpenApi
{
    public static ReadOnlyMemory<byte> Document { get; } = Write();

    private static ReadOnlyMemory<byte> Write()
    {
        var buffer = new ArrayBufferWriter<byte>(16 * 1024);
        using var writer = new Utf8JsonWriter(buffer, ValueJson.WriterOptions);
        writer.WriteStartObject();
        writer.WriteString("openapi", "3.1.0");
        writer.WriteStartObject("info");
        writer.WriteString("title", "Onex");
        writer.WriteString("version", OnexHost.Version);
        writer.WriteString("description", "Requests, sagas, contracts and dead letters of an Onex orchestrator.");
        writer.WriteEndObject();
        writer.WriteStartObject("paths");
        foreach (var path in ApiRoutes.All.GroupBy(route => route.Path, StringComparer.Ordinal))
        {
            writer.WriteStartObject(path.Key);
            foreach (var route in path)
            {
                Write(writer, route);
            }

            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        WriteComponents(writer);
        writer.WriteStartArray("security");
        writer.WriteStartObject();
        writer.WriteStartArray("token");
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
        return buffer.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter writer, ApiRoute route)
    {
        writer.WriteStartObject(route.Method.ToLowerInvariant());
        writer.WriteString("operationId", route.Name);
        writer.WriteString("summary", route.Summary);
        writer.WriteString("description", $"Needs the scope `{route.Scope.ToString().ToLowerInvariant()}`.");
        writer.WriteStartArray("parameters");
        foreach (var name in route.PathNames)
        {
            WriteParameter(writer, new ApiParameter(name, "string", Meaning(route, name)), "path");
        }

        foreach (var parameter in route.Query)
        {
            WriteParameter(writer, parameter, "query");
        }

        writer.WriteEndArray();
        if (route.Body.Count > 0)
        {
            WriteBody(writer, route);
        }

        writer.WriteStartObject("responses");
        WriteAnswer(writer, route);
        foreach (var status in route.Errors.Concat([401, 403, 500, 503]).Concat(route.Body.Count > 0 ? [415] : []).Distinct().Order())
        {
            writer.WriteStartObject(status.ToString(CultureInfo.InvariantCulture));
            writer.WriteString("$ref", "#/components/responses/problem");
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static string Meaning(ApiRoute route, string pathName) => pathName switch
    {
        "id" when route.Path.StartsWith(ApiRoutes.ListDeadLetters.Path, StringComparison.Ordinal) => "The dead letter's id, a UUID.",
        "id" => "The saga's id, a UUID.",
        _ => "The contract's name.",
    };

    private static void WriteParameter(Utf8JsonWriter writer, ApiParameter parameter, string place)
    {
        writer.WriteStartObject();
        writer.WriteString("name", parameter.Name);
        writer.WriteString("in", place);
        writer.WriteBoolean("required", place == "path");
        writer.WriteString("description", parameter.Meaning);
        writer.WriteStartObject("schema");
        writer.WriteString("type", parameter.Type);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteBody(Utf8JsonWriter writer, ApiRoute route)
    {
        writer.WriteStartObject("requestBody");
        writer.WriteBoolean("required", route.Body.Any(field => field.Required));
        writer.WriteStartObject("content");
        writer.WriteStartObject("application/json");
        writer.WriteStartObject("schema");
        writer.WriteString("type", "object");
        writer.WriteStartArray("required");
        foreach (var field in route.Body.Where(field => field.Required))
        {
            writer.WriteStringValue(field.Name);
        }

        writer.WriteEndArray();
        writer.WriteStartObject("properties");
        foreach (var field in route.Body)
        {
            writer.WriteStartObject(field.Name);
            writer.WriteString("type", field.Type);
            writer.WriteString("description", field.Meaning);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteAnswer(Utf8JsonWriter writer, ApiRoute route)
    {
        writer.WriteStartObject(route.Success.ToString(CultureInfo.InvariantCulture));
        writer.WriteString("description", $"Answers {route.Answer}.");
        writer.WriteStartObject("content");
        writer.WriteStartObject(route == ApiRoutes.Graph ? "text/plain" : "application/json");
        writer.WriteStartObject("schema");
        writer.WriteString("type", route == ApiRoutes.Graph ? "string" : "object");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteComponents(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("components");
        writer.WriteStartObject("securitySchemes");
        writer.WriteStartObject("token");
        writer.WriteString("type", "http");
        writer.WriteString("scheme", "bearer");
        writer.WriteString(
            "description",
            $"A token of ONEX_API_TOKEN. Without a configured one only callers on the same machine are served ({ApiAccess.Loopback}).");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStartObject("responses");
        writer.WriteStartObject("problem");
        writer.WriteString("description", "Problem details (RFC 9457): what is wrong, its code, and what to do.");
        writer.WriteStartObject("content");
        writer.WriteStartObject("application/problem+json");
        writer.WriteStartObject("schema");
        writer.WriteString("type", "object");
        writer.WriteStartObject("properties");
        foreach (var (name, type) in (ReadOnlySpan<(string, string)>)
            [
                ("status", "integer"), ("title", "string"), ("code", "string"), ("detail", "string"), ("remedy", "string"),
                ("correlation_id", "string"), ("details", "object"),
            ])
        {
            writer.WriteStartObject(name);
            writer.WriteString("type", type);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
