using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Onex.Tests.Support;

/// <summary>The behaviour of the external services for an order.</summary>
public sealed record Treatment
{
    /// <summary>Every call succeeds.</summary>
    public static Treatment Well { get; } = new();

    /// <summary>The card is declined: 402.</summary>
    public bool CardDeclined { get; init; }

    /// <summary>The first card has expired: a charge is answered with 422 until it has another key.</summary>
    public bool CardExpired { get; init; }

    /// <summary>The first card is declined: a charge is answered with 402 until it has another key.</summary>
    public bool FirstCardDeclined { get; init; }

    /// <summary>The response of <c>/score</c>.</summary>
    public int Score { get; init; }

    /// <summary>The number of 503 responses per idempotency key before a call succeeds.</summary>
    public int Failures { get; init; }

    /// <summary>The delay of each response after the effect has happened: the outcome is unknown to a caller that times out.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>
    /// A task that the response to a charge awaits after the charge has happened, for actions while its outcome is unknown to the caller.
    /// </summary>
    public Task ChargeAnswered { get; init; } = Task.CompletedTask;
}

/// <summary>A call that was received.</summary>
/// <param name="Number">Its position among all calls.</param>
/// <param name="Order">The order of the call.</param>
/// <param name="Step">The contract's step: <c>reserve</c>, <c>pack</c>, <c>score</c>, <c>charge</c>, <c>confirm</c>.</param>
/// <param name="Undo">Whether it compensates the step.</param>
/// <param name="Key">Its <c>Idempotency-Key</c>.</param>
/// <param name="Status">The response status.</param>
/// <param name="Body">The request body.</param>
public sealed record ServiceCall(int Number, string Order, string Step, bool Undo, string Key, HttpStatusCode Status, string Body);

/// <summary>
/// A loopback server that simulates the services of <c>contracts/order-fulfilment.yaml</c> and of similar contracts of tests. It is
/// idempotent by <c>Idempotency-Key</c>: apart from 503, the same key always gets the same response, and its effect happens once.
/// </summary>
public sealed class ExternalServices : IAsyncDisposable
{
    private readonly WebApplication _server;
    private readonly ConcurrentQueue<ServiceCall> _calls = new();
    private readonly ConcurrentDictionary<string, Treatment> _treatments = new();
    private readonly ConcurrentDictionary<string, int> _failures = new();
    private readonly ConcurrentDictionary<string, string> _seals = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Order, string Step, bool Undo, string Key), (HttpStatusCode Status, string Body)> _answers = [];
    private readonly List<(string Order, string Effect)> _effects = [];
    private int _callCount;

    private ExternalServices(WebApplication server, Uri address)
    {
        _server = server;
        Address = address;
        server.MapPost("/reservations", Do("reserve", order => new JsonObject { ["id"] = $"r-{order}" }));
        server.MapDelete("/reservations/{reference}", Undo("reserve"));
        server.MapPost("/parcels", Do("pack", order => new JsonObject { ["id"] = $"b-{order}", ["parcel"] = $"b-{order}" }));
        server.MapDelete("/parcels/{reference}", Undo("pack"));
        server.MapPost("/charges", Do("charge", order => new JsonObject { ["ref"] = $"p-{order}" }));
        server.MapPost("/refunds", Undo("charge"));
        server.MapPost("/score", Do("score", order => new JsonObject { ["score"] = _treatments.GetValueOrDefault(order, Usual).Score }));
        server.MapPost("/confirmations", Do("confirm", _ => new JsonObject { ["confirmed"] = true }));
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>The environment that points the connections of these contracts to this server.</summary>
    public IReadOnlyDictionary<string, string> Environment =>
        new[] { "STOCK", "WAREHOUSE", "PAYMENTS", "FRAUD", "ORDERS", "NOTICES" }
            .ToDictionary(name => $"ONEX_CONNECTION_{name}_URL", _ => Address.ToString().TrimEnd('/'));

    /// <summary>The default behaviour for orders.</summary>
    public Treatment Usual { get; set; } = Treatment.Well;

    /// <summary>Every call so far, in the order of arrival.</summary>
    public IReadOnlyList<ServiceCall> Calls => [.. _calls.OrderBy(call => call.Number)];

    /// <summary>Starts the server.</summary>
    public static async Task<ExternalServices> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var address = new Uri($"http://127.0.0.1:{FreePort.Next()}");
        var server = builder.Build();
        server.Urls.Add(address.ToString());
        var services = new ExternalServices(server, address);
        await server.StartAsync();
        return services;
    }

    /// <summary>Sets the behaviour for an order.</summary>
    public void Treat(string order, Treatment treatment) => _treatments[order] = treatment;

    /// <summary>
    /// The effects that happened for an order, in their sequence: <c>reserve</c>, <c>pack</c>, ..., <c>undo pack</c>, <c>undo reserve</c>.
    /// </summary>
    public IReadOnlyList<string> EffectsOf(string order)
    {
        lock (_lock)
        {
            return [.. _effects.Where(effect => effect.Order == order).Select(effect => effect.Effect)];
        }
    }

    /// <summary>
    /// Each order, step and direction with more than one idempotency key or none: empty if the calls are correct and no card was replaced.
    /// </summary>
    public IReadOnlyList<string> KeyViolations() =>
    [
        .. _calls.GroupBy(call => (call.Order, call.Step, call.Undo))
            .Select(group => (group.Key, Keys: group.Select(call => call.Key).Distinct().ToList()))
            .Where(group => group.Keys.Count != 1 || group.Keys[0].Length == 0)
            .Select(group => $"{group.Key.Order} {(group.Key.Undo ? "undo " : "")}{group.Key.Step}: [{string.Join(", ", group.Keys)}]"),
    ];

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        await _server.DisposeAsync();
    }

    private RequestDelegate Do(string step, Func<string, JsonObject> answer) => async context =>
    {
        var body = await BodyAsync(context);
        var order = OrderOf(JsonNode.Parse(body));
        await AnswerAsync(context, order, step, undo: false, body, treatment =>
            (step == "charge" ? CardError(order, treatment) : null) ?? (HttpStatusCode.OK, answer(order).ToJsonString()));
    };

    // The answer to a charge that fails, or null. The first key of an order charges the first card.
    private (HttpStatusCode Status, string Body)? CardError(string order, Treatment treatment)
    {
        var isFirstCard = !_answers.Keys.Any(key => key.Step == "charge" && key.Order == order);
        if (isFirstCard && treatment.CardExpired && !treatment.CardDeclined)
        {
            return (HttpStatusCode.UnprocessableEntity, """{"error":"card expired"}""");
        }

        return treatment.CardDeclined || (isFirstCard && treatment.FirstCardDeclined)
            ? (HttpStatusCode.PaymentRequired, """{"error":"card declined"}""")
            : null;
    }

    // The order of a body, which has its id, the whole order, or the seal of a parcel: a hash of the id.
    private string OrderOf(JsonNode? body)
    {
        var order = (string?)(body?["order"] is JsonObject whole ? whole["order_id"] : body?["order"]);
        if (order is null)
        {
            return _seals.GetValueOrDefault((string?)body?["seal"] ?? "", "");
        }

        _seals[Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(order)))] = order;
        return order;
    }

    private RequestDelegate Undo(string step) => async context =>
    {
        // A reference is a one-character prefix, a dash and the order.
        var body = await BodyAsync(context);
        var reference = context.GetRouteValue("reference") as string ?? (string?)JsonNode.Parse(body)?["ref"] ?? "";
        await AnswerAsync(
            context, reference.Length > 2 ? reference[2..] : reference, step, undo: true, body, _ => (HttpStatusCode.OK, "{}"));
    };

    private async Task AnswerAsync(
        HttpContext context,
        string order,
        string step,
        bool undo,
        string body,
        Func<Treatment, (HttpStatusCode Status, string Body)> decide)
    {
        var key = context.Request.Headers["Idempotency-Key"].ToString();
        var treatment = _treatments.GetValueOrDefault(order, Usual);
        var (status, answer) = _failures.AddOrUpdate($"{step}/{undo}/{key}", 1, (_, count) => count + 1) <= treatment.Failures
            ? (HttpStatusCode.ServiceUnavailable, """{"error":"try again"}""")
            : AnswerOnce(order, step, undo, key, () => decide(treatment));
        _calls.Enqueue(new ServiceCall(Interlocked.Increment(ref _callCount), order, step, undo, key, status, body));
        if (treatment.Latency > TimeSpan.Zero)
        {
            await Task.Delay(treatment.Latency, TimeProvider.System);
        }

        if (step == "charge" && !undo)
        {
            await treatment.ChargeAnswered;
        }

        context.Response.StatusCode = (int)status;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer);
    }

    private (HttpStatusCode Status, string Body) AnswerOnce(
        string order, string step, bool undo, string key, Func<(HttpStatusCode Status, string Body)> decide)
    {
        lock (_lock)
        {
            var identity = (order, step, undo, key);
            if (!_answers.TryGetValue(identity, out var answer))
            {
                _answers[identity] = answer = decide();
                if (answer.Status == HttpStatusCode.OK)
                {
                    _effects.Add((order, undo ? $"undo {step}" : step));
                }
            }

            return answer;
        }
    }

    private static async Task<string> BodyAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        return await reader.ReadToEndAsync();
    }
}
