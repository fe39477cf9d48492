using System.Diagnostics;
using System.Globalization;
using Onex.Demo;
using Onex.Runtime.Running;

// Twenty orders through the real runtime, embedded in this process: sagas in a file, messages in memory. A run first ends the orders that
// an earlier, killed run has left unfinished. Exits with 0 only if every order ended as it should.
var stay = args.Contains("--stay", StringComparer.Ordinal);
var home = Path.GetFullPath(Path.Combine(".onex", "demo"));
Directory.CreateDirectory(home);
var began = Stopwatch.GetTimestamp();

// The runtime logs to the console. Its log goes to a file, because the terminal shows the demo.
var terminal = Console.Out;
var screen = new Screen(terminal, isTerminal: !Console.IsOutputRedirected);
await using var log = TextWriter.Synchronized(new StreamWriter(Path.Combine(home, "runtime.log"), append: true) { AutoFlush = true });
Console.SetOut(log);
Console.SetError(log);

await using var services = await SimulatedServices.StartAsync(Path.Combine(home, "outside.tsv"));
var port = stay ? 8085 : SimulatedServices.FreePort();
var environment = new Dictionary<string, string>(StringComparer.Ordinal)
{
    ["RUNTIME_PROFILE"] = "all",
    ["ONEX_EVENT_BUS"] = "inmemory",
    ["ONEX_STORE"] = "sqlite",
    ["ONEX_DATA_DIR"] = home,
    ["ONEX_CONTRACTS_MUTABLE"] = "true",
    ["ONEX_HTTP_PORT"] = port.ToString(CultureInfo.InvariantCulture),
};
foreach (var name in (ReadOnlySpan<string>)["STOCK", "WAREHOUSE", "PAYMENTS", "ORDERS"])
{
    environment[$"ONEX_CONNECTION_{name}_URL"] = services.Address.ToString().TrimEnd('/');
}

using var stop = new CancellationTokenSource();
var runtime = RunCommand.RunAsync(environment, Environment.CurrentDirectory, stop.Token);
using var api = new Api(new Uri($"http://localhost:{port}"));
while (!await api.IsReadyAsync(stop.Token))
{
    if (runtime.IsCompleted)
    {
        screen.Say($"The runtime did not start (exit code {await runtime}). Its log: {Path.Combine(home, "runtime.log")}");
        return 1;
    }

    await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, stop.Token);
}

var unfinished = (await api.SagasAsync(stop.Token)).Where(saga => !saga.Ended).Select(saga => saga.Order).ToList();
screen.Say(
    $"onex run (profile all, sagas in {Path.GetRelativePath(Environment.CurrentDirectory, home)}/onex.db, messages in memory) is ready.");
if (unfinished.Count > 0)
{
    screen.Say($"An earlier run was stopped in the middle: its {unfinished.Count} unfinished orders continue.");
}

var run = DateTimeOffset.FromUnixTimeMilliseconds(TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds())
    .ToString("HHmmssf", CultureInfo.InvariantCulture);
var orders = OrderKind.Orders(run);
await Task.WhenAll(orders.Select(order => api.OrderAsync(order, stop.Token)));
screen.Say($"{orders.Count} orders are accepted. The end of an order's id names its scenario.\n");

var watched = unfinished.Concat(orders).ToHashSet(StringComparer.Ordinal);
var customer = new Customer(api);
IReadOnlyList<Saga> ended = [];
await screen.FollowAsync(async () =>
{
    var sagas = (await api.SagasAsync(stop.Token))
        .Where(saga => watched.Contains(saga.Order))
        .OrderBy(saga => saga.Order, StringComparer.Ordinal)
        .ToList();
    await customer.ActAsync(sagas, stop.Token);
    ended = sagas;
    return (sagas, sagas.Count == watched.Count && sagas.All(saga => saga.Ended));
});

screen.Say("");
var problems = 0;
foreach (var saga in ended)
{
    var history = await api.HistoryAsync(saga.Id, stop.Token);
    var visited = string.Join(" > ", history.Where(entry => entry.Kind == "state_entered").Select(entry => entry.State));
    var compensations = history.Where(entry => entry.Kind == "compensation_completed").Select(entry => entry.Step).ToList();
    var compensated = compensations.Count == 0 ? "" : $"   compensated: {string.Join(", ", compensations)}";
    screen.Say($"  {saga.Order,-28} {saga.Ending,-14} {visited}{compensated}");
    var expected = OrderKind.For(saga.Order).Ending;
    if (saga.Ending != expected)
    {
        problems++;
        screen.Say($"  !! should have ended with {expected}");
    }

    // An order that did not complete must have compensated all its effects.
    var effects = services.EffectsOf(saga.Order);
    var undone = effects.Where(effect => effect.StartsWith("undo ", StringComparison.Ordinal)).Select(effect => effect["undo ".Length..]);
    var uncompensated = effects.Where(effect => !effect.StartsWith("undo ", StringComparison.Ordinal)).Except(undone).ToList();
    if (saga.Status != "completed" && uncompensated.Count > 0)
    {
        problems++;
        screen.Say($"  !! not compensated: {string.Join(", ", uncompensated)}");
    }
}

foreach (var duplicate in services.DuplicateEffects())
{
    problems++;
    screen.Say($"  !! done under more than one idempotency key: {duplicate}");
}

if (await api.StuckAsync(stop.Token) is > 0 and var stuck)
{
    problems++;
    screen.Say($"  !! {stuck} sagas are stuck");
}

var seconds = Stopwatch.GetElapsedTime(began).TotalSeconds.ToString("0.0", CultureInfo.InvariantCulture);
screen.Say(problems == 0
    ? $"\nEvery order ended as it should, in {seconds} s."
    : $"\n{problems} problems, in {seconds} s. The runtime's log: {Path.Combine(home, "runtime.log")}");
screen.Say(stay
    ? $$$"""

        The runtime stays, until Ctrl+C. In another terminal:
          curl -s localhost:{{{port}}}/api/v1/sagas/count
          curl -s localhost:{{{port}}}/api/v1/requests?wait=30s --json \
            '{"operation":"order-fulfilment","payload":{"order_id":"mine","total":9.5,"items":[{"sku":"tea","quantity":1}]}}'
          curl -s "localhost:{{{port}}}/api/v1/sagas?key=mine"
          sqlite3 {{{Path.Combine(home, "onex.db")}}} 'SELECT state, count(*) FROM sagas GROUP BY 1'
        """
    : """

        Next: ./dev demo --stay keeps the runtime, with calls to try. contracts/order-fulfilment.yaml is what ran. docs/ has the rest.
        Stop this in the middle (Ctrl+C, kill -9) and start it again: unfinished orders continue.
        """);
if (stay)
{
    await runtime;
}

await stop.CancelAsync();
var code = await runtime;
return problems == 0 && code == 0 ? 0 : 1;
