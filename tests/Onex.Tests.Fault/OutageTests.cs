using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Onex.Tests.Fault;

/// <summary>
/// An outage of a service: first it accepts no connections, then it answers 503, then it hangs. <c>ONEX_OUTAGE_ORDERS</c> and
/// <c>ONEX_OUTAGE_SECONDS</c> lengthen the run.
/// </summary>
public sealed class OutageTests(ITestOutputHelper output) : IDisposable
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(180);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("onex-outage-");
    private readonly HttpClient _http = new();

    public void Dispose()
    {
        _http.Dispose();
        _directory.Delete(recursive: true);
    }

    [Fact]
    public async Task An_outage_of_a_service_fails_no_order_and_compensates_none()
    {
        var random = OrderLoad.Seeded(output);
        var orders = Number("ONEX_OUTAGE_ORDERS", 60);
        var phase = TimeSpan.FromSeconds(Number("ONEX_OUTAGE_SECONDS", 6) / 3.0);
        await using var stack = await OnexStack.CreateAsync();
        await using var payments = await Gateway.StartAsync(stack.Services.Address);
        stack.Set("CONTRACTS_DIR", Contracts(pause: "500ms"));
        stack.Set("ONEX_CONNECTION_PAYMENTS_URL", payments.Address.ToString());
        var main = (await stack.StartReadyAsync("main", "effects", "effects", "workers"))[0];
        var load = new OrderLoad(stack, new Random(random.Next()), output);

        await payments.SetAsync(GatewayMode.Gone);
        var sending = load.SendAsync(orders, inFlight: orders + 1, _within);
        var saga = await WaitUntilUnavailableAsync(main);
        await Task.Delay(phase, TimeProvider.System);

        await payments.SetAsync(GatewayMode.Unavailable);
        var effects = stack.Processes.Last(process => process.Name == "effects");
        await effects.KillAsync();
        stack.Start("effects");
        await WaitUntilUnavailableAsync(main);
        await Task.Delay(phase, TimeProvider.System);

        await payments.SetAsync(GatewayMode.Hangs);
        await Task.Delay(phase, TimeProvider.System);
        await WaitUntilUnavailableAsync(main);

        await payments.SetAsync(GatewayMode.Works);
        await sending;
        await load.AssertConsistentAsync(_within);
        load.AssertOnlyDeclinedOrdersFailed();
        Assert.Contains("has ended", await ExplainAsync(main, saga), StringComparison.Ordinal);
        Assert.Equal(0L, await stack.Database.ScalarAsync<long>("SELECT count(*) FROM onex.effect_ledger WHERE parked_for IS NOT NULL"));
    }

    // Waits until a saga says that its connection is unavailable, and returns the saga.
    private async Task<string> WaitUntilUnavailableAsync(OnexProcess main)
    {
        string? waitingSaga = null;
        var explanation = "";
        await Eventually.Async(
            async () =>
            {
                var live = (await GetAsync(main, "/api/v1/sagas?state=charging"))["sagas"]!.AsArray();
                foreach (var id in live.Select(saga => (string)saga!["id"]!))
                {
                    explanation = await ExplainAsync(main, id);
                    if (explanation.Contains("connection 'payments' has been unavailable since", StringComparison.Ordinal))
                    {
                        waitingSaga = id;
                        return true;
                    }
                }

                return false;
            },
            TimeSpan.FromSeconds(60),
            () => $"no saga waits for the connection; the last one: {explanation}");
        Assert.Contains("parked", explanation, StringComparison.Ordinal);
        Assert.Contains("trial", explanation, StringComparison.Ordinal);
        return waitingSaga!;
    }

    private async Task<string> ExplainAsync(OnexProcess main, string saga) =>
        (string)(await GetAsync(main, $"/api/v1/sagas/{saga}/why"))["sentence"]!;

    private async Task<JsonObject> GetAsync(OnexProcess main, string path) =>
        (await _http.GetFromJsonAsync<JsonObject>($"http://127.0.0.1:{main.HttpPort}{path}"))!;

    // The example's contracts, with a shorter pause of the circuit breaker.
    private string Contracts(string pause)
    {
        foreach (var file in Directory.EnumerateFiles(Repository.At("contracts"), "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(_directory.FullName, Path.GetRelativePath(Repository.At("contracts"), file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.WriteAllText(
                copy,
                File.ReadAllText(file).Replace(
                    "payments:  { type: http,", $"payments:  {{ type: http, breaker: {{ pause: {pause} }},", StringComparison.Ordinal));
        }

        return _directory.FullName;
    }

    private static int Number(string variable, int standard) =>
        int.TryParse(Environment.GetEnvironmentVariable(variable), out var number) ? number : standard;
}
