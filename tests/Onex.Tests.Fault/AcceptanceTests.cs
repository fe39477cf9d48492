using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;

namespace Onex.Tests.Fault;

/// <summary>
/// All faults at once: orders, a backlog of large requests, roles killed at random, PostgreSQL and Kafka killed, Kafka and main frozen,
/// dead letters redriven. The full form, with <c>ONEX_FAULT_FULL=true</c>, has 600 orders in ten minutes. The short form has few orders,
/// freezes nothing, and uses the shared broker, which is not killed.
/// </summary>
public sealed class AcceptanceTests(ITestOutputHelper output)
{
    private static readonly TimeSpan _within = TimeSpan.FromSeconds(LongRun.IsEnabled ? 420 : 120);

    [Fact]
    public async Task Each_order_is_answered_once_whatever_process_dies()
    {
        var random = OrderLoad.Seeded(output);
        await using var postgres = await PostgresServer.StartOwnAsync();
        await using var broker = LongRun.IsEnabled ? await KafkaBroker.StartOwnAsync() : null;
        await using var stack = await OnexStack.CreateAsync(postgres, broker);
        var running = new Dictionary<string, OnexProcess>();
        using var memory = MemoryGroup.TryCreate(Names.Next("onex-main"), 512L << 20);
        OnexProcess Start(string role) => running[role] = stack.Start(role, memory: role == "main" ? memory : null);
        foreach (var role in new[] { "main", "effects", "workers" })
        {
            await Start(role).ReadyAsync();
        }

        // Events without a saga become dead letters, which are redriven more than once during the faults.
        string[] lateOrders = [.. Enumerable.Range(0, 4).Select(_ => Names.Next("late"))];
        foreach (var order in lateOrders)
        {
            await stack.EventAsync("order-fulfilment.card_updated", order, []);
        }

        await Eventually.Async(
            async () => await stack.Database.ScalarAsync<long>(
                "SELECT count(*) FROM onex.dead_letters") == lateOrders.Length, _within, () => "the dead letters of the events");

        // Read before the faults, which create further dead letters.
        var ids = await stack.Database.QueryAsync("SELECT id FROM onex.dead_letters");
        var watch = Stopwatch.StartNew();
        var length = LongRun.IsEnabled ? LongRun.Length : TimeSpan.FromSeconds(25);
        var orders = LongRun.IsEnabled ? (int)(600 * (length / LongRun.DefaultLength)) : 60;
        var load = new OrderLoad(stack, new Random(random.Next()), output)
        {
            CancelledPercent = 5,
            Padding = LongRun.IsEnabled ? 700_000 : 100_000,
        };
        var sending = load.SendAsync(orders, inFlight: 60, _within, pace: length / orders);
        var answers = new List<string>();
        foreach (var order in lateOrders)
        {
            stack.Services.Treat(order, new Treatment { CardExpired = true });
            answers.Add(await stack.OrderAsync(order));
        }

        var redriving = RedriveAsync(stack, ids, running, watch, length);
        var bursts = LongRun.IsEnabled ? 3 : 1;
        while (watch.Elapsed < length)
        {
            if (bursts > 0 && watch.Elapsed > length / 6)
            {
                bursts--;
                output.WriteLine("kills main and starts it with a backlog of large requests");
                await running["main"].KillAsync();
                await load.BurstAsync(10);
                Start("main");
            }

            await InjectFaultAsync(random, running, Start, postgres, broker);
            await load.ProgressAsync(random.Next(5, 40), TimeSpan.FromSeconds(LongRun.IsEnabled ? 10 : 3));
        }

        await sending;
        await redriving;
        await Task.WhenAll(running.Values.Select(role => role.ReadyAsync(_within)));

        // The sagas of the redriven events exist by now, and each event is applied once.
        await load.AssertConsistentAsync(_within, lateOrders);
        stack.AssertOneResponseEach(answers);
        foreach (var order in lateOrders)
        {
            await stack.InStateAsync(order, "done", _within);
            Assert.Equal(["reserve", "pack", "charge", "confirm"], stack.Services.EffectsOf(order));
            Assert.Equal(
                1L,
                await stack.Database.ScalarAsync<long>($"SELECT count(*) FROM onex.inbox i JOIN onex.sagas s ON s.id = i.saga_id WHERE "
                    + $"s.business_key = '{order}'"));
        }

        // Only events that arrived too early or too late are dead letters: cancellations, and perhaps the events above.
        Assert.Equal(
            [], await stack.Database.QueryAsync("SELECT id, topic, code, reason FROM onex.dead_letters WHERE code NOT IN ('ONEX3017', "
                + "'ONEX3018', 'ONEX3021', 'ONEX3023')"));
        output.WriteLine($"{watch.Elapsed.TotalSeconds:0} s");
    }

    private async Task InjectFaultAsync(
        Random random, Dictionary<string, OnexProcess> running, Func<string, OnexProcess> start,
        PostgresServer postgres, KafkaBroker? broker)
    {
        switch (random.Next(broker is null ? 5 : 8))
        {
            case < 4:
                var role = running.Keys.ElementAt(random.Next(running.Count));
                output.WriteLine($"kills {role}");
                await running[role].KillAsync();
                await start(role).ReadyAsync(_within);
                break;
            case 4:
                output.WriteLine("stops PostgreSQL as in a crash");
                await postgres.RestartAsync(PostgresStop.Immediate);
                break;
            case 5:
                output.WriteLine("kills Kafka");
                await broker!.KillAsync();
                await broker.StartAsync();
                break;
            case 6:
                output.WriteLine("freezes Kafka");
                await broker!.PauseAsync();
                await Task.Delay(TimeSpan.FromSeconds(random.Next(3, 15)), TimeProvider.System);
                await broker.ResumeAsync();
                break;
            default:
                output.WriteLine("freezes main");
                await running["main"].FreezeAsync();
                await Task.Delay(TimeSpan.FromSeconds(random.Next(2, 9)), TimeProvider.System);
                await running["main"].ThawAsync();
                break;
        }
    }

    // Redrives each dead letter whose saga waits for the event or has ended, repeatedly and with force.
    private static async Task RedriveAsync(
        OnexStack stack, IReadOnlyList<string> deadLetters, Dictionary<string, OnexProcess> running, Stopwatch watch, TimeSpan length)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        var redriven = new HashSet<string>();
        while (watch.Elapsed < length || redriven.Count < deadLetters.Count)
        {
            try
            {
                foreach (var line in await stack.Database.QueryAsync(
                    "SELECT l.id, s.business_key, s.state FROM onex.dead_letters l JOIN onex.sagas s ON convert_from(l.value, 'UTF8') "
                        + "LIKE '%' || s.business_key || '%' "
                    + $"WHERE l.id IN ({string.Join(", ", deadLetters.Select(id => $"'{id}'"))}) AND s.state IN ('awaiting_new_card', "
                    + $"'done')"))
                {
                    var (id, key) = (line.Split('|')[0], line.Split('|')[1]);
                    using var answer = await http.PostAsJsonAsync(
                        $"http://127.0.0.1:{running["main"].HttpPort}/api/v1/dead-letters/{id}/redrive",
                        new JsonObject { ["force"] = true });
                    if (answer.StatusCode == HttpStatusCode.OK)
                    {
                        redriven.Add(key);
                    }
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException or Npgsql.NpgsqlException)
            {
                // A process is down at this moment.
            }

            await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        }
    }
}
