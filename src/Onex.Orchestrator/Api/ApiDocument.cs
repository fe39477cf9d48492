using System.Globalization;
using System.Text;

namespace Onex.Orchestrator.Api;

/// <summary>docs/http-api.md, generated from the routes.</summary>
internal static class ApiDocument
{
    public static string Render()
    {
        var text = new StringBuilder("""
            # HTTP API

            Generated from the routes in `ApiRoutes.cs`; a test compares the two, and `ONEX_GOLDEN=update` with that test updates this
            file.

            The orchestrator (profiles `main` and `all`) serves the API on the port of `/health`. `GET /openapi/v1.json` returns it as an
            OpenAPI document.

            **Authorization.** `ONEX_API_TOKEN` holds tokens as `name:scope:token`, separated by commas; the scope is `read` or `operate`
            (which includes `read`). A call sends the token as `Authorization: Bearer ...`. The history of a saga names the token of each
            command.

            Without a configured token, only callers on the same machine are served. Configure a token if a proxy on the same machine or
            a forwarded container port passes calls on, because they all seem to come from this machine. Without a token, pages of other web
            sites must not use the API through a browser on this machine. So `Host` must be `localhost` or a loopback address, `Origin` the
            API's own or missing (403, ONEX4016), and a body must be declared as `application/json` (415, ONEX4017).

            **Unknown parameters and fields** are rejected, so that a misspelt filter does not list everything.

            **Errors** are problem details (RFC 9457, `application/problem+json`) with `code`, a page in [errors/](errors/), `detail` and
            `remedy`. Every call may answer 401, 403, 500 (an error in the runtime), and 503 while the runtime starts or stops or cannot
            reach its store.


            """);
        foreach (var route in ApiRoutes.All)
        {
            text.Append($"## {route.Method} {route.Path}\n\n{route.Summary}\nScope `{route.Scope.ToString().ToLowerInvariant()}`.\n");
            text.Append($"Answers {route.Success.ToString(CultureInfo.InvariantCulture)}: {route.Answer}.");
            if (route.Errors.Count > 0)
            {
                text.Append($"\nErrors: {string.Join(", ", route.Errors)}.");
            }

            text.Append("\n\n");
            Table(text, "in the query", [.. route.Query.Select(parameter => (parameter.Name, parameter.Meaning))]);
            Table(
                text,
                "in the body",
                [.. route.Body.Select(field => (field.Name, field.Required ? $"Required. {field.Meaning}" : field.Meaning))]);
        }

        return text.ToString().TrimEnd('\n') + "\n";
    }

    private static void Table(StringBuilder text, string head, IReadOnlyList<(string Name, string Meaning)> rows)
    {
        if (rows.Count == 0)
        {
            return;
        }

        text.Append($"| {head} | |\n| --- | --- |\n");
        foreach (var (name, meaning) in rows)
        {
            text.Append($"| `{name}` | {meaning} |\n");
        }

        text.Append('\n');
    }
}
