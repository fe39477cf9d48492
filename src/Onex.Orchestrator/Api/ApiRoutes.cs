using Microsoft.Extensions.DependencyInjection;
using Onex.Engine;
using Onex.Hosting.Http;

namespace Onex.Orchestrator.Api;

/// <summary>A parameter of a call in the path or the query, with its JSON type and a description.</summary>
internal sealed record ApiParameter(string Name, string Type, string Meaning)
{
    /// <summary>Whether the parameter may have several values, separated by commas or in repeated parameters.</summary>
    public bool AllowsSeveral { get; init; }
}

/// <summary>A field of a call's body, with its JSON type and a description.</summary>
internal sealed record ApiField(string Name, string Type, bool Required, string Meaning);

/// <summary>A call of the API: its handler, and its description. The OpenAPI document and docs/http-api.md are generated from it.</summary>
internal sealed record ApiRoute(
    string Name, string Method, string Path, ApiScope Scope, Func<IServiceProvider, ApiCall, Task> Handle, string Summary, string Answer)
{
    public IReadOnlyList<ApiParameter> Query { get; init; } = [];

    /// <summary>The fields of the body, or empty for a call without one.</summary>
    public IReadOnlyList<ApiField> Body { get; init; } = [];

    /// <summary>The error statuses of this call, besides those of every call: 401, 403, 500, 503; with a body also 415.</summary>
    public IReadOnlyList<int> Errors { get; init; } = [];

    /// <summary>The status of the answer to a call that succeeds.</summary>
    public int Success { get; init; } = 200;

    /// <summary>The names in braces in its path.</summary>
    public IEnumerable<string> PathNames =>
        Path.Split('/').Where(part => part.StartsWith('{')).Select(part => part.Trim('{', '}'));
}

/// <summary>All routes of the API, in the order of the documentation.</summary>
internal static class ApiRoutes
{
    private static readonly ApiField[] _reason =
    [
        new("reason", "string", false, "Why, in the operator's words; it goes into the saga's history."),
    ];

    public static ApiRoute Submit { get; } = new(
        "submit", "POST", "/api/v1/requests", ApiScope.Operate, HandledBy<RequestCalls>((calls, call) => calls.SubmitAsync(call)),
        "Handles a request as if it had been published to the topic of requests.",
        "`saga_id`, `request_id` and `correlation_id` once the request is durable; with `wait` the response, as on `responses`")
    {
        Success = 202,
        Query =
        [
            new(
                "wait",
                "string",
                "How long to wait for the response: `30s`, at most `5m`. Answers 200 with the response, or 202 when the time is over or "
                + "the runtime is asked to stop."),
        ],
        Body =
        [
            new("operation", "string", true, "A contract (`order-fulfilment`) or an event of one (`order-fulfilment.cancel`)."),
            new("payload", "object", false, "Checked against the schema of the contract or the event."),
            new("correlation_id", "string", false, "A UUID; if missing, it is generated and returned."),
            new(
                "envelope_id",
                "string",
                false,
                "A UUID: the request's identity. With it the same request may be sent again without harm; another request with the same "
                + "`envelope_id` is rejected (409)."),
            new("target", "object", false, "For an event: `{key}` or `{saga_id}` instead of the correlation id."),
            new("handler_type", "string", false, "Replaces the prefix of `operation`, to request an effect operation directly."),
            new("reply_to", "string", false, "The topic for the response. It must be listed in `handlers.reply_to`."),
        ],
        Errors = [400, 403, 404, 408, 409, 413, 429],
    };

    public static ApiRoute ListSagas { get; } = new(
        "list", "GET", "/api/v1/sagas", ApiScope.Read, HandledBy<SagaCalls>((calls, call) => calls.ListAsync(call)),
        "Lists sagas, newest first.", "`sagas`, and `next` if there is another page")
    {
        Query =
        [
            new("contract", "string", "Only those of that contract."),
            new("state", "string", "Only those in that state."),
            new(
                "status",
                "string",
                "Only those with one of these statuses, separated by commas: `running`, `waiting`, `compensating`, `blocked`, `paused`, "
                + "`completed`, `failed`, `cancelled`.") { AllowsSeveral = true },
            new("key", "string", "Only those with that business key."),
            new("parent", "string", "Only the children of that saga, by its id."),
            new("q", "string", "A saga's id, a correlation id, or the beginning of a business key."),
            new("after", "string", "The `next` of the previous page."),
            new("limit", "integer", "Rows of a page: 1 to 500, by default 50."),
        ],
        Errors = [400],
    };

    public static ApiRoute Count { get; } = new(
        "count", "GET", "/api/v1/sagas/count", ApiScope.Read, HandledBy<SagaCalls>((calls, call) => calls.CountAsync(call)),
        "Counts sagas by contract, state and status.", "`counts`");

    public static ApiRoute Stuck { get; } = new(
        "stuck", "GET", "/api/v1/sagas/stuck", ApiScope.Read, HandledBy<SagaCalls>((calls, call) => calls.StuckAsync(call)),
        "Finds live sagas that do not continue, although they are neither blocked nor paused. There should be none.",
        "`stuck`: each with its reason");

    public static ApiRoute ShowSaga { get; } = new(
        "show", "GET", "/api/v1/sagas/{id}", ApiScope.Read, HandledBy<SagaCalls>((calls, call) => calls.ShowAsync(call)),
        "Shows one saga.", "the saga, with `input`, `output`, `data`, `progress` and `why`")
    { Errors = [400, 404] };

    public static ApiRoute History { get; } = new(
        "history", "GET", "/api/v1/sagas/{id}/history", ApiScope.Read, HandledBy<SagaCalls>((calls, call) => calls.HistoryAsync(call)),
        "Shows a saga's history in order.", "`history`, and `next` if there is more")
    {
        Query =
        [
            new("after", "string", "The `next` of the previous page."),
            new("limit", "integer", "Entries of a page: 1 to `ONEX_MAX_HISTORY_SHOWN` (1000), by default 200."),
        ],
        Errors = [400, 404],
    };

    public static ApiRoute Why { get; } = new(
        "why", "GET", "/api/v1/sagas/{id}/why", ApiScope.Read, HandledBy<SagaCalls>((calls, call) => calls.WhyAsync(call)),
        "Shows what a saga waits for.",
        "`sentence` and its parts `status`, `state`, `since`, `until`, `waits`, `actions` (lines for `onex`), and a recent `last_error`")
    { Errors = [400, 404] };

    public static ApiRoute Response { get; } = new(
        "response", "GET", "/api/v1/sagas/{id}/response", ApiScope.Read, HandledBy<SagaCalls>((calls, call) => calls.ResponseAsync(call)),
        "Returns the saga's response to the request that started it, even if the broker rejected the response.",
        "the response, as on the topic `responses`")
    { Errors = [400, 404, 409] };

    public static ApiRoute Cancel { get; } = Command(
        OperatorCommand.Cancel,
        "Compensates what the saga did and ends it as `cancelled`, whatever its contract does about failures. Not allowed past its pivot.");

    public static ApiRoute Terminate { get; } = Command(
        OperatorCommand.Terminate,
        "Ends the saga at once as `failed`, with the fault `terminated`, and compensates nothing. Effects in flight may still happen.") with
    {
        Body = [.. _reason, new("confirm", "string", true, "The saga's id, to confirm that nothing is compensated.")],
    };

    public static ApiRoute Retry { get; } = Command(OperatorCommand.Retry, "Lets a blocked saga retry what blocks it.");

    public static ApiRoute Skip { get; } = Command(OperatorCommand.Skip, "Lets a blocked saga skip what blocks it.");

    public static ApiRoute Pause { get; } = Command(OperatorCommand.Pause, "Stops sending anything new for the saga until it is resumed.");

    public static ApiRoute Resume { get; } = Command(OperatorCommand.Resume, "Lets a paused saga continue.");

    public static ApiRoute Send { get; } = new(
        "send", "POST", "/api/v1/sagas/{id}/send", ApiScope.Operate, HandledBy<RequestCalls>((calls, call) => calls.SendAsync(call)),
        "Sends an event to the saga.", "`saga_id` and `request_id` once the event is durable")
    {
        Success = 202,
        Body =
        [
            new("event", "string", true, "The event's name, as the contract declares it."),
            new("data", "object", false, "The event's data."),
        ],
        Errors = [400, 404, 408, 409, 413, 429],
    };

    public static ApiRoute Contracts { get; } = new(
        "contracts", "GET", "/api/v1/contracts", ApiScope.Read, HandledBy<ContractCalls>((calls, call) => calls.ListAsync(call)),
        "Lists the loaded contracts.",
        "`contracts`: each with `name`, `version`, `hash`, `description`; with a schedule also `schedule` and, if known, `next_at`");

    public static ApiRoute Contract { get; } = new(
        "contract", "GET", "/api/v1/contracts/{name}", ApiScope.Read, HandledBy<ContractCalls>((calls, call) => calls.ShowAsync(call)),
        "Shows a contract: its versions, states and events.", "the contract")
    { Errors = [404] };

    public static ApiRoute Graph { get; } = new(
        "graph", "GET", "/api/v1/contracts/{name}/graph", ApiScope.Read, HandledBy<ContractCalls>((calls, call) => calls.GraphAsync(call)),
        "Draws a contract's states, as Mermaid text.", "text of a Mermaid state diagram")
    { Errors = [404] };

    public static ApiRoute ListDeadLetters { get; } = new(
        "dead-letters", "GET", "/api/v1/dead-letters", ApiScope.Read, HandledBy<DeadLetterCalls>((calls, call) => calls.ListAsync(call)),
        "Lists dead letters, newest first.",
        "`dead_letters`, and `next` if there is another page")
    {
        Query =
        [
            new("topic", "string", "Only those whose record was read from that topic, or was not accepted by it."),
            new("code", "string", "Only those with that code: `ONEX3001`."),
            new(
                "status",
                "string",
                "Only those with one of these statuses, separated by commas: `open`, `redriven`, `discarded`.") { AllowsSeveral = true },
            new("q", "string", "A dead letter's id, a correlation id, or the beginning of the record's key."),
            new("after", "string", "The `next` of the previous page."),
            new("limit", "integer", "Rows of a page: 1 to 500, by default 50."),
        ],
        Errors = [400],
    };

    public static ApiRoute ShowDeadLetter { get; } = new(
        "dead-letter", "GET", "/api/v1/dead-letters/{id}", ApiScope.Read,
        HandledBy<DeadLetterCalls>((calls, call) => calls.ShowAsync(call)),
        "Shows one dead letter with its record; what looks like a secret is masked, and a long value is cut.",
        "the dead letter, with `headers`, `value`, `value_bytes` and `value_cut`")
    { Errors = [400, 404] };

    public static ApiRoute Redrive { get; } = new(
        "redrive", "POST", "/api/v1/dead-letters/{id}/redrive", ApiScope.Operate,
        HandledBy<DeadLetterCalls>((calls, call) => calls.RedriveAsync(call)),
        "Sends the record again, unchanged, to its topic and the partition that it was read from, if any, with the header `onex-redrive`.",
        "`id`, `status` and `redrives` once the message is stored in the outbox")
    {
        Body =
        [
            new("reason", "string", false, "Why, in the operator's words; it stays with the dead letter."),
            new("force", "boolean", false, "Send the record even if it was redriven, discarded or handled already."),
        ],
        Errors = [400, 404, 409, 413],
    };

    public static ApiRoute Discard { get; } = new(
        "discard", "POST", "/api/v1/dead-letters/{id}/discard", ApiScope.Operate,
        HandledBy<DeadLetterCalls>((calls, call) => calls.DiscardAsync(call)),
        "Marks an open dead letter as discarded. It is kept, with the reason, until `ONEX_RETENTION` is over.",
        "`id` and `status`")
    {
        Body = [new("reason", "string", true, "Why, in the operator's words; it stays with the dead letter.")],
        Errors = [400, 404, 409, 413],
    };

    public static IReadOnlyList<ApiRoute> All { get; } =
    [
        Submit, ListSagas, Count, Stuck, ShowSaga, History, Why, Response, Cancel, Terminate, Retry, Skip, Pause, Resume, Send,
        Contracts, Contract, Graph,
        ListDeadLetters, ShowDeadLetter, Redrive, Discard,
    ];

    private static ApiRoute Command(OperatorCommand command, string summary)
    {
        var name = command.ToString().ToLowerInvariant();
        return new ApiRoute(
            name, "POST", $"/api/v1/sagas/{{id}}/{name}", ApiScope.Operate,
            HandledBy<SagaCalls>((calls, call) => calls.CommandAsync(call, command)),
            summary, "`text`: what has happened, and `status`: the saga's status now")
        {
            Body = _reason,
            Errors = [400, 404, 409, 413],
        };
    }

    // Resolves the service with each call, because the routes exist before the services are built.
    private static Func<IServiceProvider, ApiCall, Task> HandledBy<T>(Func<T, ApiCall, Task> handle)
        where T : notnull => (services, call) => handle(services.GetRequiredService<T>(), call);
}
