using System.Diagnostics;
using System.Net;
using System.Text.Json;

namespace Onex.Tests.EndToEnd.Health;

/// <summary>
/// <c>/ready</c> follows Postgres and Kafka, and the process survives their absence. <c>HealthMonitorTests</c> tests how soon.
/// </summary>
public sealed class ReadyTests(ITestOutputHelper output)
{
    // Only bounds the wait, because a busy machine is slow. The measured times are written to the output.
    private static readonly TimeSpan _within = TimeSpan.FromMinutes(2);

    [Fact]
    public async Task Ready_is_503_during_a_Postgres_outage_and_200_afterwards()
    {
        await using var postgres = await PostgresServer.StartOwnAsync();
        await using var stack = await OnexStack.CreateAsync(postgres);
        var roles = await stack.StartReadyAsync("main", "effects");

        await AssertReadyFollowsOutageAsync(roles, () => postgres.StopAsync(PostgresStop.Immediate), postgres.StartAsync);

        await OrdersStillEndAsync(stack);
    }

    [Fact]
    public async Task Ready_is_503_while_PostgreSQL_is_read_only_and_200_afterwards()
    {
        await using var postgres = await PostgresServer.StartOwnAsync();
        await using var stack = await OnexStack.CreateAsync(postgres);
        var roles = await stack.StartReadyAsync("main", "effects");

        await AssertReadyFollowsOutageAsync(
            roles,
            () => SetReadOnlyAsync("on"),
            async () =>
            {
                Assert.Contains("PostgreSQL does not accept writes", (await roles[0].GetAsync("/ready"))?.Body, StringComparison.Ordinal);
                await SetReadOnlyAsync("off");
            });

        await OrdersStillEndAsync(stack);

        async Task SetReadOnlyAsync(string value)
        {
            await stack.Database.ExecuteAsync($"ALTER SYSTEM SET default_transaction_read_only = {value}");
            await stack.Database.ExecuteAsync("SELECT pg_reload_conf()");
        }
    }

    [Fact]
    public async Task Ready_is_503_while_the_database_has_no_room_and_200_when_it_has()
    {
        await using var stack = await OnexStack.CreateAsync();
        var roles = await stack.StartReadyAsync("main", "effects", "workers");
        var (main, effects) = (roles[0], roles[1]);

        // As with a full disk, PostgreSQL rejects writes and answers queries.
        await stack.Database.ExecuteAsync("""
            CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RAISE 'could not extend file "base/1/2": No space left on device' USING ERRCODE = 'disk_full'; END $$
            """);
        await stack.Database.ExecuteAsync(
            "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON onex.effect_ledger FOR EACH ROW EXECUTE FUNCTION no_room()");
        var first = await stack.OrderAsync(Names.Next("claimed"));
        await ReportsNoRoomAsync(effects);
        await stack.Database.ExecuteAsync(
            "CREATE TRIGGER no_room BEFORE INSERT OR UPDATE ON onex.sagas FOR EACH ROW EXECUTE FUNCTION no_room()");
        var second = await stack.OrderAsync(Names.Next("committed"));
        await ReportsNoRoomAsync(main);
        Assert.Equal(HttpStatusCode.OK, (await main.GetAsync("/health"))?.Status);

        await stack.Database.ExecuteAsync("DROP FUNCTION no_room CASCADE");
        await main.ReadyAsync(_within);
        await effects.ReadyAsync(_within);
        Assert.Equal("success", (await stack.Responses.ReadAsync(first, _within)).Field("status"));
        Assert.Equal("success", (await stack.Responses.ReadAsync(second, _within)).Field("status"));

        static async Task ReportsNoRoomAsync(OnexProcess role) => await Eventually.Async(
            async () => await role.GetAsync("/ready") is { Status: HttpStatusCode.ServiceUnavailable } answer
                && answer.Body.Contains("database: PostgreSQL rejects writes: could not extend file", StringComparison.Ordinal)
                && answer.Body.Contains("No space left on device (SQLSTATE 53100)", StringComparison.Ordinal),
            _within,
            () => $"{role.Name} does not say that the database has no room");
    }

    [Fact]
    public async Task Ready_is_503_with_a_remedy_while_tables_are_missing_and_nothing_is_lost()
    {
        await using var stack = await OnexStack.CreateAsync();
        var roles = await stack.StartReadyAsync("main", "effects", "workers");
        var correlationId = "";

        await AssertReadyFollowsOutageAsync(
            roles.Take(2).ToList(),
            async () =>
            {
                await stack.Database.ExecuteAsync("ALTER SCHEMA onex RENAME TO onex_away");
                correlationId = await stack.OrderAsync(Names.Next("meanwhile"));
            },
            async () =>
            {
                Assert.Contains("onex db migrate", (await roles[0].GetAsync("/ready"))?.Body, StringComparison.Ordinal);
                await stack.Database.ExecuteAsync("ALTER SCHEMA onex_away RENAME TO onex");
            });

        Assert.Equal("success", (await stack.Responses.ReadAsync(correlationId, _within)).Field("status"));
    }

    [Fact]
    public async Task Ready_is_503_during_a_Kafka_outage_and_200_afterwards()
    {
        await using var kafka = await KafkaBroker.StartOwnAsync();
        await using var stack = await OnexStack.CreateAsync(broker: kafka);
        var roles = await stack.StartReadyAsync("main", "effects", "workers");

        await AssertReadyFollowsOutageAsync(roles, kafka.KillAsync, kafka.StartAsync);

        await OrdersStillEndAsync(stack);
    }

    private async Task AssertReadyFollowsOutageAsync(IReadOnlyList<OnexProcess> roles, Func<Task> interrupt, Func<Task> restore)
    {
        await interrupt();
        var clock = Stopwatch.StartNew();
        foreach (var role in roles)
        {
            await Eventually.Async(
                async () => await role.GetAsync("/ready") is { Status: HttpStatusCode.ServiceUnavailable },
                _within,
                () => $"{role.Name} still says it is ready");
            output.WriteLine($"{role.Name}: 503 after {clock.Elapsed.TotalSeconds:0.00} s");
        }

        foreach (var role in roles)
        {
            var (_, body) = Assert.NotNull(await role.GetAsync("/ready"));
            Assert.Equal("unhealthy", JsonDocument.Parse(body).RootElement.GetProperty("status").GetString());
            Assert.Equal(HttpStatusCode.OK, (await role.GetAsync("/health"))?.Status);
        }

        await restore();
        clock.Restart();
        foreach (var role in roles)
        {
            await role.ReadyAsync(_within);
            output.WriteLine($"{role.Name}: 200 again after {clock.Elapsed.TotalSeconds:0.00} s");
        }

        Assert.All(roles, role => Assert.True(role.IsRunning));
    }

    private static async Task OrdersStillEndAsync(OnexStack stack)
    {
        foreach (var role in new[] { "effects", "workers" }.Except(stack.Processes.Select(process => process.Name)).ToList())
        {
            await stack.Start(role).ReadyAsync();
        }

        var correlationId = await stack.OrderAsync(Names.Next("after"));
        Assert.Equal("success", (await stack.Responses.ReadAsync(correlationId, _within)).Field("status"));
    }
}
