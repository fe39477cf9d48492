using Onex.Tests.Support;

// Five orders through the real thing: the runtime as a process, Kafka, Postgres, and a stand-in for the services outside. Prints how each
// order moves and ends; exits with 0 only if all ended as they should.
var within = TimeSpan.FromSeconds(60);
await using var stack = await OnexStack.CreateAsync();
Console.WriteLine($"Kafka {stack.Broker.BootstrapServers}, topics {stack.Topic("*")}; Postgres 127.0.0.1:{stack.Database.Server.Port}, database {stack.Database.Name}");
var runtime = await stack.Start("all").ReadyAsync(within);
Console.WriteLine($"onex run (profile all) is ready: http://127.0.0.1:{runtime.HttpPort}/ready\n");

(string Order, string Why, Treatment Treatment, string Ending)[] orders =
[
    ("tea", "all goes well", Treatment.Well, "success"),
    ("books", "all goes well", Treatment.Well, "success"),
    ("lamp", "each service answers 503 three times", new Treatment { Failures = 3 }, "success"),
    ("sofa", "each service takes a second", new Treatment { Latency = TimeSpan.FromSeconds(1) }, "success"),
    ("yacht", "the card is declined", new Treatment { CardDeclined = true }, "card_declined"),
];

var failures = 0;
var sent = new List<string>();
foreach (var (order, why, treatment, _) in orders)
{
    stack.Outside.Treat(order, treatment);
    sent.Add(await stack.OrderAsync(order));
    Console.WriteLine($"-> requests   {order}: {why}");
}

foreach (var ((order, _, _, ending), correlationId) in orders.Zip(sent))
{
    var response = await stack.Responses.ReadAsync(correlationId, within);
    Console.WriteLine($"\n<- responses  {order}: {response.Text}");
    foreach (var line in await stack.Database.QueryAsync(
        $"""
        SELECT to_char(at, 'HH24:MI:SS.MS'), rpad(kind, 24), rpad(state, 12), coalesce(step, ''), coalesce(detail::text, '')
        FROM onex.saga_history JOIN onex.sagas ON id = saga_id
        WHERE correlation_id = '{correlationId}' ORDER BY saga_history.version, ordinal
        """))
    {
        Console.WriteLine($"   {line.Replace('|', ' ')}");
    }

    Console.WriteLine($"   outside: {string.Join(", ", stack.Outside.EffectsOf(order))}");
    var ended = response.Field("code") ?? response.Field("status");
    if (ended != ending)
    {
        failures++;
        Console.WriteLine($"   !! should have ended with {ending}, ended with {ended}");
    }
}

Console.WriteLine("\nSELECT state, count(*) FROM onex.sagas GROUP BY 1");
foreach (var row in await stack.Database.QueryAsync("SELECT state, count(*) FROM onex.sagas GROUP BY 1 ORDER BY 1"))
{
    Console.WriteLine($"   {row}");
}

foreach (var violation in stack.Outside.KeyViolations())
{
    failures++;
    Console.WriteLine($"!! more than one idempotency key: {violation}");
}

var code = await runtime.TerminateAsync();
Console.WriteLine(failures == 0 && code == 0 ? "\nAll orders ended as they should." : $"\n{failures} surprises; the runtime ended with {code}.");
return failures == 0 && code == 0 ? 0 : 1;
