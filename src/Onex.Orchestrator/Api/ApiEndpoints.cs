using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Onex.Contracts.Messages;
using Onex.Hosting.Health;
using Onex.Hosting.Http;
using Onex.Hosting.Settings;
using Onex.Persistence.Sagas;

namespace Onex.Orchestrator.Api;

/// <summary>Puts the API's calls on main's HTTP port, behind tokens. What goes wrong is answered as a problem, never with a stack trace.</summary>
internal sealed class ApiEndpoints(
    IServiceProvider services, RuntimeSettings settings, RoleHealth health, TimeProvider time, ILogger<ApiEndpoints> logger) : IHttpEndpoints
{
    private static readonly string[] _any = [HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete];

    public void Map(IEndpointRouteBuilder endpoints)
    {
        foreach (var route in ApiRoutes.All)
        {
            endpoints.MapMethods(route.Path, [route.Method], http => ServeAsync(http, route, route.Scope, call => HandleAsync(route, call)));
        }

        endpoints.MapMethods("/openapi/v1.json", [HttpMethods.Get], http => new ApiCall(http, null, ApiAccess.Loopback).AnswerAsync(200, "application/json", OpenApi.Document));

        // Below the API nothing is open by accident, and a misspelt path says so. Routes above are more special and win.
        endpoints.MapMethods("/api/{**path}", _any, http => ServeAsync(http, null, ApiScope.Read, UnknownAsync));
    }

    private Task HandleAsync(ApiRoute route, ApiCall call)
    {
        call.CheckQuery();
        return RouteAsync(route, call);
    }

    private Task RouteAsync(ApiRoute route, ApiCall call) => route switch
    {
        _ when route == ApiRoutes.Submit => Service<RequestCalls>().SubmitAsync(call),
        _ when route == ApiRoutes.Send => Service<RequestCalls>().SendAsync(call),
        _ when route == ApiRoutes.ListSagas => Service<SagaCalls>().ListAsync(call),
        _ when route == ApiRoutes.Count => Service<SagaCalls>().CountAsync(call),
        _ when route == ApiRoutes.Stuck => Service<SagaCalls>().StuckAsync(call),
        _ when route == ApiRoutes.ShowSaga => Service<SagaCalls>().ShowAsync(call),
        _ when route == ApiRoutes.History => Service<SagaCalls>().HistoryAsync(call),
        _ when route == ApiRoutes.Why => Service<SagaCalls>().WhyAsync(call),
        _ when route == ApiRoutes.Response => Service<SagaCalls>().ResponseAsync(call),
        _ when route == ApiRoutes.Contracts => Service<ContractCalls>().ListAsync(call),
        _ when route == ApiRoutes.Contract => Service<ContractCalls>().ShowAsync(call),
        _ when route == ApiRoutes.Graph => Service<ContractCalls>().GraphAsync(call),
        _ when route == ApiRoutes.ListDeadLetters => Service<DeadLetterCalls>().ListAsync(call),
        _ when route == ApiRoutes.ShowDeadLetter => Service<DeadLetterCalls>().ShowAsync(call),
        _ when route == ApiRoutes.Redrive => Service<DeadLetterCalls>().RedriveAsync(call),
        _ when route == ApiRoutes.Discard => Service<DeadLetterCalls>().DiscardAsync(call),
        _ => Service<SagaCalls>().CommandAsync(call, route.Name),
    };

    // Resolved when a call comes: they need what the bootstrap has prepared.
    private T Service<T>()
        where T : notnull => services.GetRequiredService<T>();

    private async Task ServeAsync(HttpContext http, ApiRoute? route, ApiScope needed, Func<ApiCall, Task> handle)
    {
        try
        {
            var verdict = ApiAccess.Decide(settings.ApiTokens, CallFacts.From(http), needed);
            if (verdict is AccessDecision.Denied denied)
            {
                throw new CallException(denied.Status, denied.Code, denied.Detail, denied.Remedy);
            }

            if (!health.Initialized || health.Draining)
            {
                throw new CallException(
                    503, ErrorCodes.NotServing, health.Draining ? "The runtime is stopping." : "Runtime not initialized.", "Wait until /ready answers 200, then call again.");
            }

            var call = new ApiCall(http, route, ((AccessDecision.Allowed)verdict).Name);
            call.CheckText();
            await handle(call);
        }
        catch (CallException wrong)
        {
            await wrong.Problem.WriteAsync(http);
        }
        catch (StoreUnavailableException away)
        {
            await new CallException(503, ErrorCodes.StoreAway, away.Message, "Call again when /ready answers 200.").Problem.WriteAsync(http);
        }
        catch (BadHttpRequestException bad)
        {
            await new CallException(bad.StatusCode, ErrorCodes.CallInvalid, "The call cannot be read as HTTP.", "Look at what the client sends.").Problem.WriteAsync(http);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there any more who could be answered.
        }
#pragma warning disable CA1031 // Whatever went wrong, the caller gets an answer and the log the cause.
        catch (Exception failure)
#pragma warning restore CA1031
        {
            var id = Guid.CreateVersion7(time.GetUtcNow());
            Log.CallFailed(logger, http.Request.Method, http.Request.Path.Value, id, failure);
            if (!http.Response.HasStarted)
            {
                var problem = new CallException(500, ErrorCodes.CallFailed, "The call failed for a reason of the runtime's own.", "The runtime's log has the cause, with this correlation id.").Problem;
                await (problem with { CorrelationId = id }).WriteAsync(http);
            }
        }
    }

    private static Task UnknownAsync(ApiCall call)
    {
        var path = call.Http.Request.Path.Value ?? "";
        var methods = ApiRoutes.All.Where(route => Fits(route.Path, path)).Select(route => route.Method).Distinct(StringComparer.Ordinal).ToList();
        throw methods.Count > 0
            ? new CallException(405, ErrorCodes.PathUnknown, $"{path} does not take {call.Http.Request.Method}.", $"It takes {string.Join(", ", methods)}.")
            : new CallException(404, ErrorCodes.PathUnknown, $"There is no {ApiCall.Clip(path)}.", "GET /openapi/v1.json lists the paths.");
    }

    private static bool Fits(string route, string path)
    {
        var (wanted, given) = (route.Split('/'), path.TrimEnd('/').Split('/'));
        return wanted.Length == given.Length && wanted.Zip(given).All(part => part.First.StartsWith('{') || part.First == part.Second);
    }
}
