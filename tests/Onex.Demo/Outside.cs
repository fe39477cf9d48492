using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Logging;

namespace Onex.Demo;

/// <summary>
/// A stand-in for the services that the example contract calls: stock, warehouse, payments, orders. What it has done it keeps in a file, by
/// idempotency key, as a real service would: a run that was killed goes on with it.
/// </summary>
internal sealed class Outside : IAsyncDisposable
{
    private static readonly TimeSpan _usual = TimeSpan.FromMilliseconds(120);
    private static readonly TimeSpan _slowCharge = TimeSpan.FromSeconds(1.5);

    private readonly WebApplication _server;
    private readonly string _file;
    private readonly Lock _lock = new();
    private readonly HashSet<(string Order, string Step, string Key)> _done = [];
    private readonly Dictionary<string, int> _tries = [];

    private Outside(WebApplication server, Uri address, string file)
    {
        (_server, Address, _file) = (server, address, file);
        if (File.Exists(file))
        {
            // A line that was cut off by a kill has no three parts.
            foreach (var parts in File.ReadLines(file).Select(line => line.Split('\t')).Where(parts => parts.Length == 3))
            {
                _done.Add((parts[0], parts[1], parts[2]));
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

    public static async Task<Outside> StartAsync(string file)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var address = new Uri($"http://127.0.0.1:{FreePort()}");
        var server = builder.Build();
        server.Urls.Add(address.ToString());
        var outside = new Outside(server, address, file);
        await server.StartAsync();
        return outside;
    }

    /// <summary>A port that nobody listens on now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>What really happened for an order: <c>reserve</c>, <c>pack</c>, <c>undo pack</c>, ...</summary>
    public IReadOnlyList<string> EffectsOf(string order)
    {
        lock (_lock)
        {
            return [.. _done.Where(done => done.Order == order).Select(done => done.Step)];
        }
    }

    /// <summary>Where something happened under more than one idempotency key. A new card is a new charge.</summary>
    public IReadOnlyList<string> Twice()
    {
        lock (_lock)
        {
            return [.. _done.GroupBy(done => (done.Order, done.Step)).Where(same => same.Count() > 1).Select(same => $"{same.Key.Order}: {same.Key.Step}")];
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
        // References are made of a letter, a dash and the order.
        var reference = http.GetRouteValue("reference") as string
            ?? (string?)(await JsonNode.ParseAsync(http.Request.Body, cancellationToken: http.RequestAborted))?["ref"]
            ?? "";
        await AnswerAsync(http, reference[Math.Min(2, reference.Length)..], $"undo {step}", []);
    };

    private async Task AnswerAsync(HttpContext http, string order, string step, JsonObject answer)
    {
        var key = http.Request.Headers["Idempotency-Key"].ToString();
        var kind = OrderKind.Of(order);
        var (status, body) = Treat(order, step, key, kind, answer);

        // After the effect has happened: a caller that is killed meanwhile does not know what came of it.
        await Task.Delay(step == "charge" && kind == OrderKind.Regretted ? _slowCharge : _usual, TimeProvider.System, http.RequestAborted);
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(body.ToJsonString(), http.RequestAborted);
    }

    private (int Status, JsonObject Body) Treat(string order, string step, string key, OrderKind kind, JsonObject answer)
    {
        lock (_lock)
        {
            var tries = _tries[step + order] = _tries.GetValueOrDefault(step + order) + 1;
            if (kind == OrderKind.Unlucky && tries <= 2)
            {
                return (503, new JsonObject { ["error"] = "try again" });
            }

            if (step == "charge" && kind == OrderKind.Declined)
            {
                return (402, new JsonObject { ["error"] = "card declined" });
            }

            // A new card has come once the order is charged under another key.
            if (step == "charge" && (kind == OrderKind.NewCard || kind == OrderKind.GivenUp) && IsFirstCard(order, key))
            {
                return (422, new JsonObject { ["error"] = "card expired" });
            }

            if (_done.Add((order, step, key)))
            {
                File.AppendAllText(_file, $"{order}\t{step}\t{key}\n");
            }

            return (200, answer);
        }
    }

    private bool IsFirstCard(string order, string key)
    {
        var first = _done.FirstOrDefault(done => done.Order == order && done.Step == "first card");
        if (first.Key is null)
        {
            _done.Add((order, "first card", key));
            File.AppendAllText(_file, $"{order}\tfirst card\t{key}\n");
            return true;
        }

        return first.Key == key;
    }
}
