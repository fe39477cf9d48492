using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Onex.Contracts.Messages;

namespace Onex.Tests.EndToEnd.Orders;

/// <summary>
/// The order of tests/contracts/valid/order-fulfilment-full in one process, on each store and each bus: clients see no difference.
/// </summary>
public sealed class StoreAndBusTests : IDisposable
{
    private const string Connections = """
        connections:
          stock: { type: http, url: "http://127.0.0.1:1" }
          warehouse: { type: http, url: "http://127.0.0.1:1" }
          payments: { type: http, url: "http://127.0.0.1:1" }
          fraud: { type: http, url: "http://127.0.0.1:1" }
        """;

    private static readonly TimeSpan _timeout = TimeSpan.FromMinutes(2);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-everywhere-");
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(2) };

    public void Dispose()
    {
        _http.Dispose();
        _directory.Delete(recursive: true);
    }

    [Theory]
    [InlineData("inmemory", "sqlite")]
    [InlineData("inmemory", "postgres")]
    [InlineData("kafka", "sqlite")]
    [InlineData("kafka", "postgres")]
    public async Task The_example_order_runs_on_every_store_and_every_bus(string bus, string store)
    {
        await using var services = await ExternalServices.StartAsync();
        await using var database = store == "postgres" ? await (await PostgresServer.SharedAsync()).CreateDatabaseAsync() : null;
        await using var runtime = OnexProcess.Start("all", await SettingsAsync(bus, services, database));
        await runtime.ReadyAsync();
        var api = new Uri($"http://127.0.0.1:{runtime.HttpPort}");
        await using var confirmed = bus == "kafka"
            ? new TopicReader((await KafkaBroker.SharedAsync()).BootstrapServers, "orders.confirmed")
            : null;

        await Task.WhenAll(
            CompletesAsync(api, services, confirmed),
            CompletesWithAnotherCardAsync(api, services),
            IsCancelledWhileItWaitsAsync(api, services),
            IsCancelledWhileTheCardIsChargedAsync(api, services),
            IsSuspectedOfFraudAsync(api, services));

        Assert.Empty((await GetAsync(api, "/api/v1/sagas/stuck"))["stuck"]!.AsArray());
        Assert.Equal(0, await runtime.TerminateAsync());
    }

    private async Task CompletesAsync(Uri api, ExternalServices services, TopicReader? confirmed)
    {
        var order = Names.Next("plain");

        var response = await OrderAsync(api, order);

        Assert.Equal("success", (string?)response["status"]);
        Assert.Equal(order, (string?)response["payload"]!["order_id"]);
        Assert.Equal([$"b-{order}", $"b-{order}"], response["payload"]!["parcels"]!.AsArray().Select(parcel => (string?)parcel));
        Assert.Equal(["reserve", "charge", "score", "pack", "pack"], services.EffectsOf(order));
        if (confirmed is not null)
        {
            var record = await confirmed.ReadAsync(record => record.Key == order, _timeout, $"the confirmation of {order}");
            Assert.Equal($$"""{"parcels":["b-{{order}}","b-{{order}}"]}""", record.Text);
            Assert.True(Guid.TryParse(record.MessageId, out _), "a confirmation without message_id");
        }
    }

    private async Task CompletesWithAnotherCardAsync(Uri api, ExternalServices services)
    {
        var order = Names.Next("newcard");
        services.Treat(order, new Treatment { FirstCardDeclined = true });
        var response = OrderAsync(api, order);
        await InStateAsync(api, order, "awaiting_new_card");

        await SendEventAsync(api, order, "card_updated", []);

        Assert.Equal("success", (string?)(await response)["status"]);
        Assert.Equal(["reserve", "charge", "score", "pack", "pack"], services.EffectsOf(order));
        Assert.Equal(
            2, services.Calls.Where(call => call.Order == order && call.Step == "charge").Select(call => call.Key).Distinct().Count());
    }

    private async Task IsCancelledWhileItWaitsAsync(Uri api, ExternalServices services)
    {
        var order = Names.Next("givenup");
        services.Treat(order, new Treatment { FirstCardDeclined = true });
        var first = OrderAsync(api, order);
        await InStateAsync(api, order, "awaiting_new_card");
        var joined = OrderAsync(api, order);

        await SendEventAsync(api, order, "cancel", new JsonObject { ["reason"] = "changed mind" });

        Assert.Equal("cancel", (string?)(await first)["code"]);
        Assert.Equal("cancel", (string?)(await joined)["details"]!["reason"]);
        Assert.Equal(["reserve", "undo reserve"], services.EffectsOf(order));
    }

    private async Task IsCancelledWhileTheCardIsChargedAsync(Uri api, ExternalServices services)
    {
        var order = Names.Next("regretted");
        var answered = new TaskCompletionSource();
        services.Treat(order, new Treatment { ChargeAnswered = answered.Task });
        var response = OrderAsync(api, order);
        await Eventually.Async(() => services.EffectsOf(order).Contains("charge"), _timeout, () => $"the card of {order} is not charged");

        await SendEventAsync(api, order, "cancel", new JsonObject { ["reason"] = "changed mind" });
        await InStateAsync(api, order, "unwinding");
        answered.SetResult();

        Assert.Equal("cancel", (string?)(await response)["code"]);
        Assert.Equal(["reserve", "charge", "undo charge", "undo reserve"], services.EffectsOf(order));
    }

    private async Task IsSuspectedOfFraudAsync(Uri api, ExternalServices services)
    {
        var order = Names.Next("fraud");
        services.Treat(order, new Treatment { Score = 97 });

        var response = await OrderAsync(api, order);

        Assert.Equal("fraud_suspected", (string?)response["code"]);
        Assert.Equal(["reserve", "charge", "score", "undo charge", "undo reserve"], services.EffectsOf(order));
    }

    private async Task<Dictionary<string, string>> SettingsAsync(string bus, ExternalServices services, PostgresDatabase? database)
    {
        var contracts = Path.Combine(_directory.FullName, "contracts");
        foreach (
            var file in Directory.EnumerateFiles(
                Repository.At("tests", "contracts", "valid", "order-fulfilment-full"), "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(
                contracts, Path.GetRelativePath(Repository.At("tests", "contracts", "valid", "order-fulfilment-full"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }

        Directory.CreateDirectory(Path.Combine(contracts, "connections"));
        await File.WriteAllTextAsync(Path.Combine(contracts, "connections", "outside.yaml"), Connections);
        var settings = new Dictionary<string, string>(services.Environment)
        {
            ["ONEX_EVENT_BUS"] = bus,
            ["ONEX_STORE"] = database is null ? "sqlite" : "postgres",
            ["ONEX_DATA_DIR"] = Path.Combine(_directory.FullName, "data"),
            ["CONTRACTS_DIR"] = contracts,
        };
        foreach (var (name, value) in database?.Environment ?? new Dictionary<string, string>())
        {
            settings[name] = value;
        }

        if (bus == "kafka")
        {
            var broker = await KafkaBroker.SharedAsync();
            var prefix = $"{Names.Next("everywhere").Replace('_', '-')}.";
            await broker.PrepareAsync([.. Topics.Default.All.Select(topic => prefix + topic), "orders.confirmed"], OnexStack.Partitions);
            settings["KAFKA_BOOTSTRAP_SERVERS"] = broker.BootstrapServers;
            settings["ONEX_TOPIC_PREFIX"] = prefix;
            settings["ONEX_PARTITIONS"] = OnexStack.Partitions.ToString(CultureInfo.InvariantCulture);
        }

        return settings;
    }

    private async Task<JsonObject> OrderAsync(Uri api, string order) => await PostAsync(
        api, "/api/v1/requests?wait=60s",
        new JsonObject { ["operation"] = "order-fulfilment", ["payload"] = OnexStack.Order(order) },
        HttpStatusCode.OK);

    private Task<JsonObject> SendEventAsync(Uri api, string order, string name, JsonObject payload) => PostAsync(
        api,
        "/api/v1/requests",
        new JsonObject
        {
            ["operation"] = $"order-fulfilment.{name}",
            ["payload"] = payload,
            ["target"] = new JsonObject { ["key"] = order },
        },
        HttpStatusCode.Accepted);

    private Task<TimeSpan> InStateAsync(Uri api, string order, string state) => Eventually.Async(
        async () => (await GetAsync(api, $"/api/v1/sagas?key={order}"))["sagas"]!.AsArray().Any(saga => (string?)saga!["state"] == state),
        _timeout,
        () => $"{order} is not in state {state}");

    private async Task<JsonObject> GetAsync(Uri api, string path) => (await _http.GetFromJsonAsync<JsonObject>(new Uri(api, path)))!;

    private async Task<JsonObject> PostAsync(Uri api, string path, JsonObject body, HttpStatusCode expected)
    {
        using var response = await _http.PostAsJsonAsync(new Uri(api, path), body);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == expected, $"{path} {body.ToJsonString()}: {(int)response.StatusCode} {text}");
        return JsonNode.Parse(text)!.AsObject();
    }
}
