using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Hosting.Health;
using Onex.Hosting.Http;
using Onex.Hosting.Settings;
using Onex.Persistence;

namespace Onex.Orchestrator.Api;

/// <summary>
/// Serves the API on the orchestrator's HTTP port. Only the OpenAPI document is not access-controlled. A failed call gets a problem.
/// </summary>
internal sealed class ApiEndpoints(
    IServiceProvider services, RuntimeSettings settings, RoleHealth health, TimeProvider time, ILogger<ApiEndpoints> logger)
    : IHttpEndpoints
{
    private static readonly string[] _anyMethod =
    [
        HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete,
    ];

    public void Map(IEndpointRouteBuilder endpoints)
    {
        foreach (var route in ApiRoutes.All)
        {
            endpoints.MapMethods(route.Path, [route.Method], http => ServeAsync(http, route, route.Scope, call =>
            {
                call.CheckQuery();
                return route.Handle(services, call);
            }));
        }

        endpoints.MapMethods(
            "/openapi/v1.json",
            [HttpMethods.Get],
            http => new ApiCall(http, null, ApiAccess.Loopback).AnswerAsync(200, "application/json", OpenApi.Document));

        // Every other path below /api is access-controlled, too, and answered with a problem. The routes above take precedence.
        endpoints.MapMethods("/api/{**path}", _anyMethod, http => ServeAsync(http, null, ApiScope.Read, UnknownAsync));
    }

    private async Task ServeAsync(HttpContext http, ApiRoute? route, ApiScope needed, Func<ApiCall, Task> handle)
    {
        try
        {
            var decision = ApiAccess.Decide(settings.ApiTokens, CallFacts.From(http), needed);
            if (decision is AccessDecision.Denied denied)
            {
                throw new CallException(denied.Status, denied.Code, denied.Detail, denied.Remedy);
            }

            if (!health.Initialized || health.Draining)
            {
                throw new CallException(
                    503,
                    ErrorCodes.NotServing,
                    health.Draining ? "The runtime is stopping." : "The runtime has not started yet.",
                    "Wait until /ready answers 200, then call again.");
            }

            var call = new ApiCall(http, route, ((AccessDecision.Allowed)decision).Name);
            call.CheckQueryText();
            await handle(call);
        }
        catch (CallException failed)
        {
            await failed.Problem.WriteAsync(http);
        }
        catch (StoreUnavailableException unavailable)
        {
            await new CallException(
                503, ErrorCodes.StoreUnavailable, unavailable.Message, "Call again when /ready answers 200.").Problem.WriteAsync(http);
        }
        catch (BadHttpRequestException bad)
        {
            var problem = new CallException(
                bad.StatusCode, ErrorCodes.CallInvalid, "The call cannot be read as HTTP.", "Check what the client sends.").Problem;
            await problem.WriteAsync(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // The client has disconnected, so it cannot be answered.
        }
#pragma warning disable CA1031 // Whatever the exception, the client gets an answer and the cause is logged.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            var id = Guid.CreateVersion7(time.GetUtcNow());
            Log.CallFailed(logger, http.Request.Method, http.Request.Path.Value, id, failure);
            if (!http.Response.HasStarted)
            {
                var problem = new CallException(
                    500,
                    ErrorCodes.CallFailed,
                    "The call failed because of an error in the runtime.",
                    "The runtime's log has the cause, with this correlation id.").Problem;
                await (problem with { CorrelationId = id }).WriteAsync(http);
            }
        }
    }

    private static Task UnknownAsync(ApiCall call)
    {
        var path = call.Http.Request.Path.Value ?? "";
        var methods = ApiRoutes.All.Where(route => Matches(route.Path, path))
            .Select(route => route.Method).Distinct(StringComparer.Ordinal).ToList();
        throw methods.Count > 0
            ? new CallException(
                405, ErrorCodes.PathUnknown, $"{path} does not take {call.Http.Request.Method}.", $"It takes {string.Join(", ", methods)}.")
            : new CallException(404, ErrorCodes.PathUnknown, $"There is no {ApiCall.Clip(path)}.", "GET /openapi/v1.json lists the paths.");
    }

    private static bool Matches(string route, string path)
    {
        var (routeParts, pathParts) = (route.Split('/'), path.TrimEnd('/').Split('/'));
        return routeParts.Length == pathParts.Length
            && routeParts.Zip(pathParts).All(pair => pair.First.StartsWith('{') || pair.First == pair.Second);
    }
}
