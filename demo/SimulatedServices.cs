using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Onex.Demo;

/// <summary>
/// Simulates the services that the example contract calls: stock, warehouse, payments, orders. Like a real service, it stores what it has
/// done and rejected in a file, by idempotency key, so that the next run after a kill continues with it.
/// </summary>
internal sealed class SimulatedServices : IAsyncDisposable
{
    private const string RejectedPrefix = "refused ";

    private static readonly TimeSpan _usual = TimeSpan.FromMilliseconds(120);
    private static readonly TimeSpan _slowCharge = TimeSpan.FromSeconds(1.5);

    private readonly WebApplication _server;
    private readonly string _file;
    private readonly Lock _lock = new();
    private readonly HashSet<(string Order, string Step, string Key)> _done = [];
    private readonly List<(string Order, string Step, string Key)> _rejected = [];

    private SimulatedServices(WebApplication server, Uri address, string file)
    {
        (_server, Address, _file) = (server, address, file);
        if (File.Exists(file))
        {
            // A line that a kill has truncated does not have three parts.
            foreach (var parts in File.ReadLines(file).Select(line => line.Split('\t')).Where(parts => parts.Length == 3))
            {
                if (parts[1].StartsWith(RejectedPrefix, StringComparison.Ordinal))
                {
                    _rejected.Add((parts[0], parts[1][RejectedPrefix.Length..], parts[2]));
                }
                else
                {
                    _done.Add((parts[0], parts[1], parts[2]));
                }
            }
        }

        server.MapPost("/reservations", Do("reserve", order => new JsonObject { ["id"] = $"r-{order}" }));
        server.MapDelete("/reservations/{reference}", Undo("reserve"));
        server.MapPost("/parcels", Do("pack", order => new JsonObject { ["id"] = $"b-{order}" }));
        server.MapDelete("/parcels/{reference}", Undo("pack"));
        server.MapPost("/charges", Do("charge", order => new JsonObject { ["ref"] = $"p-{order}" }));
        server.MapPost("/refunds", Undo("charge"));
        server.MapPost("/confirmations", Do("confirm", _ => new JsonObject { ["confirmed"] = true }));
    }

    public Uri Address { get; }

    public static async Task<SimulatedServices> StartAsync(string file)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        var server = builder.Build();
        server.Urls.Add(address.ToString());
        var services = new SimulatedServices(server, address, file);
        await server.StartAsync();
        return services;
    }

    /// <summary>A TCP port that is free at present.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>The effects of an order, in order: <c>reserve</c>, <c>pack</c>, <c>undo pack</c>, ...</summary>
    public IReadOnlyList<string> EffectsOf(string order)
    {
        lock (_lock)
        {
            return [.. _done.Where(done => done.Order == order).Select(done => done.Step)];
        }
    }

    /// <summary>The effects that happened under more than one idempotency key.</summary>
    public IReadOnlyList<string> DuplicateEffects()
    {
        lock (_lock)
        {
            return [
                .. _done.GroupBy(done => (done.Order, done.Step)).Where(same => same.Count() > 1).Select(
                    same => $"{same.Key.Order}: {same.Key.Step}")];
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync(new CancellationToken(canceled: true));
        await _server.DisposeAsync();
    }

    private RequestDelegate Do(string step, Func<string, JsonObject> answer) => async http =>
    {
        var body = await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted);
        var order = (string?)body?["order"] ?? "";
        await AnswerAsync(http, order, step, answer(order));
    };

    private RequestDelegate Undo(string step) => async http =>
    {
        // A reference is one character, a dash and the order's id.
        var reference = http.GetRouteValue("reference") as string
            ?? (string?)(await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted))?["ref"]
            ?? "";
        await AnswerAsync(http, reference[Math.Min(2, reference.Length)..], $"undo {step}", []);
    };

    private async Task AnswerAsync(HttpContext http, string order, string step, JsonObject answer)
    {
        var key = http.Request.Headers["Idempotency-Key"].ToString();
        var kind = OrderKind.For(order);
        var (status, body) = Execute(order, step, key, kind, answer);

        // The delay comes after the effect: for a caller that is killed during it, the outcome is unknown.
        await Task.Delay(step == "charge" && kind == OrderKind.Regretted ? _slowCharge : _usual, TimeProvider.System, http.RequestAborted);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(body.ToJsonString(), http.RequestAborted);
    }

    private (int Status, JsonObject Body) Execute(string order, string step, string key, OrderKind kind, JsonObject answer)
    {
        lock (_lock)
        {
            if (_done.Contains((order, step, key)))
            {
                return (200, answer);
            }

            if (kind == OrderKind.Flaky && _rejected.Count(rejected => rejected.Order == order && rejected.Step == step) < 2)
            {
                return Reject(order, step, key, 503, "try again");
            }

            if (step == "charge" && kind == OrderKind.Declined)
            {
                return Reject(order, step, key, 402, "card declined");
            }

            // A charge under another key means that the customer has sent a new card.
            if (step == "charge" && (kind == OrderKind.NewCard || kind == OrderKind.GivenUp)
                && _rejected.All(rejected => rejected.Order != order || rejected.Key == key))
            {
                return Reject(order, step, key, 422, "card expired");
            }

            _done.Add((order, step, key));
            Store(order, step, key);
            return (200, answer);
        }
    }

    private (int Status, JsonObject Body) Reject(string order, string step, string key, int status, string message)
    {
        _rejected.Add((order, step, key));
        Store(order, RejectedPrefix + step, key);
        return (status, new JsonObject { ["error"] = message });
    }

    private void Store(string order, string outcome, string key) => File.AppendAllText(_file, $"{order}\t{outcome}\t{key}\n");
}
