using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Onex.Demo;

/// <summary>The calls of the demo to the runtime, over its public HTTP API.</summary>
internal sealed class Api(Uri address) : IDisposable
{
    private const string Contract = "order-fulfilment";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false })
    {
        BaseAddress = address,
        Timeout = TimeSpan.FromMinutes(2),
    };

    public void Dispose() => _http.Dispose();

    /// <summary>Whether the runtime is ready.</summary>
    public async Task<bool> IsReadyAsync(CancellationToken cancellation)
    {
        try
        {
            using var answer = await _http.GetAsync("/ready", cancellation);
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    /// <summary>Sends an order; it is durable when this returns.</summary>
    public async Task OrderAsync(string order, CancellationToken cancellation)
    {
        var items = new JsonArray(new JsonObject { ["sku"] = "tea", ["quantity"] = 2 });
        await PostAsync(Contract, new JsonObject { ["order_id"] = order, ["total"] = 42.5, ["items"] = items }, null, cancellation);
    }

    /// <summary>Sends an event to an order's saga.</summary>
    public Task SendAsync(string order, string name, JsonObject data, CancellationToken cancellation) =>
        PostAsync($"{Contract}.{name}", data, new JsonObject { ["key"] = order }, cancellation);

    /// <summary>The sagas, newest first.</summary>
    public async Task<IReadOnlyList<Saga>> SagasAsync(CancellationToken cancellation)
    {
        var page = await _http.GetFromJsonAsync<JsonObject>($"/api/v1/sagas?contract={Contract}&limit=500", cancellation);
        return [.. page!["sagas"]!.AsArray().Select(saga => Saga.Read(saga!))];
    }

    /// <summary>The history of a saga.</summary>
    public async Task<IReadOnlyList<(string Kind, string State, string? Step)>> HistoryAsync(Guid saga, CancellationToken cancellation)
    {
        var history = await _http.GetFromJsonAsync<JsonObject>($"/api/v1/sagas/{saga}/history?limit=1000", cancellation);
        return [
            .. history!["history"]!.AsArray().Select(entry => ((string)entry!["kind"]!, (string)entry["state"]!, (string?)entry["step"]))];
    }

    /// <summary>The number of sagas that nothing will ever wake.</summary>
    public async Task<int> StuckAsync(CancellationToken cancellation) =>
        (await _http.GetFromJsonAsync<JsonObject>("/api/v1/sagas/stuck", cancellation))!["stuck"]!.AsArray().Count;

    private async Task PostAsync(string operation, JsonObject payload, JsonObject? target, CancellationToken cancellation)
    {
        var request = new JsonObject { ["operation"] = operation, ["payload"] = payload };
        if (target is not null)
        {
            request["target"] = target;
        }

        using var answer = await _http.PostAsJsonAsync("/api/v1/requests", request, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{operation}: {await answer.Content.ReadAsStringAsync(cancellation)}");
        }
    }
}

/// <summary>A saga as the API lists it.</summary>
internal sealed record Saga(Guid Id, string Order, string State, string Status, string? Fault, bool Ended)
{
    /// <summary>How it ended: the fault's code, or <c>success</c>.</summary>
    public string Ending => Status == "completed" ? "success" : Fault ?? Status;

    public static Saga Read(JsonNode saga) => new(
        Guid.Parse((string)saga["id"]!),
        (string?)saga["business_key"] ?? "",
        (string)saga["state"]!,
        (string)saga["status"]!,
        (string?)saga["fault"]?["code"],
        saga["ended_at"] is not null);
}
