using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using Onex.Contracts.Messages;
using Xunit;

namespace Onex.Tests.Support;

/// <summary>
/// Everything a test needs to run Onex: a database, its own topics, the external services, and processes of any role. The output of the
/// processes is written to <c>artifacts/test-logs/</c>.
/// </summary>
public sealed class OnexStack : IAsyncDisposable
{
    /// <summary>Partitions of the test's topics.</summary>
    public const int Partitions = 4;

    private readonly ConcurrentQueue<OnexProcess> _processes = new();
    private readonly Dictionary<string, string> _settings;
    private readonly string _logs;
    private int _started;

    private OnexStack(string name, KafkaBroker broker, PostgresDatabase database, ExternalServices services)
    {
        Name = name;
        Broker = broker;
        Database = database;
        Services = services;
        Writer = new TopicWriter(broker.BootstrapServers);
        Responses = new TopicReader(broker.BootstrapServers, Topic("responses"));
        DeadLetters = new TopicReader(broker.BootstrapServers, Topic("requests.dlq"));
        _logs = Repository.At("artifacts", "test-logs", name);
        Directory.CreateDirectory(_logs);
        _settings = new Dictionary<string, string>(Merge(database.Environment, services.Environment))
        {
            ["KAFKA_BOOTSTRAP_SERVERS"] = broker.BootstrapServers,
            ["KAFKA_SESSION_TIMEOUT"] = "6s",
            ["ONEX_TOPIC_PREFIX"] = $"{name}.",
            ["ONEX_PARTITIONS"] = Partitions.ToString(CultureInfo.InvariantCulture),
            ["CONTRACTS_DIR"] = Repository.At("contracts"),
        };
    }

    /// <summary>Distinguishes this test's topics and groups from those of others.</summary>
    public string Name { get; }

    /// <summary>The broker.</summary>
    public KafkaBroker Broker { get; }

    /// <summary>The runtime's database.</summary>
    public PostgresDatabase Database { get; }

    /// <summary>The services that the example contract calls.</summary>
    public ExternalServices Services { get; }

    /// <summary>Produces requests.</summary>
    public TopicWriter Writer { get; }

    /// <summary>Reads <c>responses</c>.</summary>
    public TopicReader Responses { get; }

    /// <summary>Reads the dead-letter topic of <c>requests</c>.</summary>
    public TopicReader DeadLetters { get; }

    /// <summary>The environment of the processes.</summary>
    public IReadOnlyDictionary<string, string> Settings => _settings;

    /// <summary>The assembly of the executable: that of this checkout unless another build is set before a start.</summary>
    public string Assembly { get; set; } = Repository.OnexAssembly;

    /// <summary>Every process that was started, also those that have ended.</summary>
    public IReadOnlyList<OnexProcess> Processes => [.. _processes];

    /// <summary>Creates a stack on the given broker and database server, or on the shared ones.</summary>
    public static async Task<OnexStack> CreateAsync(PostgresServer? postgres = null, KafkaBroker? broker = null)
    {
        broker ??= await KafkaBroker.SharedAsync();
        var database = await (postgres ?? await PostgresServer.SharedAsync()).CreateDatabaseAsync();
        var stack = new OnexStack(Names.Next("t").Replace('_', '-'), broker, database, await ExternalServices.StartAsync());
        await broker.PrepareAsync(Topics.Default.All.Select(stack.Topic), Partitions);
        return stack;
    }

    /// <summary>Changes the environment of processes that start later.</summary>
    public void Set(string variable, string value) => _settings[variable] = value;

    /// <summary>The name of a topic with the test's prefix.</summary>
    public string Topic(string name) => $"{Name}.{name}";

    /// <summary>Starts a role without waiting until it is ready.</summary>
    /// <param name="role">The role.</param>
    /// <param name="settings">Environment variables in addition to <see cref="Settings"/>.</param>
    /// <param name="memory">A limit of its memory, or null for no limit.</param>
    public OnexProcess Start(string role, IReadOnlyDictionary<string, string>? settings = null, MemoryGroup? memory = null)
    {
        var file = Path.Combine(_logs, $"{Interlocked.Increment(ref _started):000}-{role}.log");
        var process = OnexProcess.Start(role, Merge(Settings, settings), file, memory, Assembly);
        _processes.Enqueue(process);
        return process;
    }

    /// <summary>Starts the roles and waits until all are ready: the first one alone, because main creates topics and tables.</summary>
    public async Task<IReadOnlyList<OnexProcess>> StartReadyAsync(params string[] roles)
    {
        var processes = new List<OnexProcess>();
        foreach (var role in roles)
        {
            var process = Start(role);
            processes.Add(process);
            if (processes.Count == 1)
            {
                await process.ReadyAsync();
            }
        }

        foreach (var process in processes)
        {
            await process.ReadyAsync();
        }

        return processes;
    }

    /// <summary>Publishes a request as JSON text and returns its correlation id.</summary>
    public async Task<string> RequestAsync(
        string operation, JsonNode payload, string? correlationId = null, string? envelopeId = null,
        int? partition = null, string? key = null)
    {
        correlationId ??= NewId();
        var request = new JsonObject
        {
            ["operation"] = operation,
            ["payload"] = payload.DeepClone(),
            ["correlation_id"] = correlationId,
        };
        if (envelopeId is not null)
        {
            request["envelope_id"] = envelopeId;
        }

        await Writer.SendAsync(Topic("requests"), request.ToJsonString(), key, partition);
        return correlationId;
    }

    /// <summary>Publishes an event for the live saga of a business key, and returns the event's correlation id.</summary>
    public async Task<string> EventAsync(string operation, string key, JsonObject payload, string? envelopeId = null)
    {
        var correlationId = NewId();
        var request = new JsonObject
        {
            ["operation"] = operation,
            ["payload"] = payload,
            ["correlation_id"] = correlationId,
            ["target"] = new JsonObject { ["key"] = key },
        };
        if (envelopeId is not null)
        {
            request["envelope_id"] = envelopeId;
        }

        await Writer.SendAsync(Topic("requests"), request.ToJsonString(), null, null);
        return correlationId;
    }

    /// <summary>Waits until the saga of a business key is in a state.</summary>
    public Task<TimeSpan> InStateAsync(string key, string state, TimeSpan within) => Eventually.Async(
        async () => (await Database.QueryAsync($"SELECT state FROM onex.sagas WHERE business_key = '{key}'")).Contains(state),
        within,
        () => $"the saga of {key} is not in state {state}");

    /// <summary>
    /// Fails if a live saga is stuck, by the view <c>onex.stuck</c>: nothing will wake it, or it should have been woken. Checked again when
    /// the stack is disposed of.
    /// </summary>
    public async Task AssertNothingIsStuckAsync() => Assert.Empty(await StuckAsync());

    /// <summary>Publishes an order of the example contract.</summary>
    public Task<string> OrderAsync(
        string order, string? correlationId = null, string? envelopeId = null, int? partition = null, string? key = null) =>
        RequestAsync("order-fulfilment", Order(order), correlationId, envelopeId, partition, key);

    /// <summary>The payload of an order.</summary>
    public static JsonObject Order(string order) => new()
    {
        ["order_id"] = order,
        ["total"] = 42.5,
        ["items"] = new JsonArray(
            new JsonObject { ["sku"] = "tea", ["quantity"] = 2 }, new JsonObject { ["sku"] = "cup", ["quantity"] = 1 }),
    };

    /// <summary>A UUID that no other test has.</summary>
    public static string NewId() => Guid.CreateVersion7(TimeProvider.System.GetUtcNow()).ToString();

    /// <summary>Waits until there are this many sagas and all have ended.</summary>
    public Task<TimeSpan> AllEndedAsync(int sagas, TimeSpan within)
    {
        var seen = "";
        return Eventually.Async(
            async () =>
            {
                var counts = await Database.QueryAsync(
                    "SELECT count(*), count(ended_at), string_agg(DISTINCT state || ' ' || status, ', ') FROM onex.sagas");
                seen = counts[0];
                return seen.StartsWith($"{sagas}|{sagas}|", StringComparison.Ordinal);
            },
            within,
            () => $"{sagas} ended sagas; sagas|ended|states: {seen}");
    }

    /// <summary>
    /// Fails unless every correlation id has one response, by <c>message_id</c>, whose copies are the same byte for byte.
    /// </summary>
    public void AssertOneResponseEach(IReadOnlyCollection<string> correlationIds)
    {
        foreach (var correlationId in correlationIds)
        {
            var responses = Responses.For(correlationId);
            Assert.True(responses.Count > 0, $"no response to {correlationId}");
            Assert.All(responses, response => Assert.False(string.IsNullOrEmpty(response.MessageId), "a response without message_id"));
            Assert.True(
                responses.Select(response => response.MessageId).Distinct().Count() == 1,
                $"several responses to {correlationId}: "
                    + $"{string.Join('\n', responses.Select(response => response.MessageId + " " + response.Text))}");
            Assert.Single(responses.Select(response => response.Text).Distinct());
        }
    }

    /// <summary>Fails with the whole lines if a process logged at error level.</summary>
    public void AssertNoLoggedErrors()
    {
        var lines = LoggedErrors();
        Assert.True(lines.Count == 0, string.Join('\n', lines));
    }

    /// <summary>The lines that a process logged at error level, by the level in the line.</summary>
    private IReadOnlyList<string> LoggedErrors() =>
    [
        .. Processes.SelectMany(process => process.Output.Concat(process.Errors)).Where(line =>
        {
            if (!line.StartsWith('{'))
            {
                return false;
            }

            try
            {
                using var entry = JsonDocument.Parse(line);
                return entry.RootElement.EnumerateObject().Any(property =>
                    property.Name.Contains("level", StringComparison.OrdinalIgnoreCase)
                    && property.Value.ToString().ToUpperInvariant() is "ERROR" or "CRITICAL" or "FATAL");
            }
            catch (JsonException)
            {
                return false;
            }
        }),
    ];

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            await process.DisposeAsync();
        }

        var stuck = await StuckAsync();
        await Responses.DisposeAsync();
        await DeadLetters.DisposeAsync();
        Writer.Dispose();
        await Services.DisposeAsync();
        await Database.DisposeAsync();
        Assert.Empty(stuck);
    }

    // Also empty if the database has no Onex schema, no longer exists, or does not answer.
    private async Task<IReadOnlyList<string>> StuckAsync()
    {
        try
        {
            return await Database.ScalarAsync<bool>("SELECT to_regclass('onex.stuck') IS NOT NULL")
                ? await Database.QueryAsync("SELECT id, contract, state, status, reason FROM onex.stuck")
                : [];
        }
        catch (NpgsqlException)
        {
            return [];
        }
    }

    private static Dictionary<string, string> Merge(
        IReadOnlyDictionary<string, string> first, IReadOnlyDictionary<string, string>? second)
    {
        var merged = new Dictionary<string, string>(first);
        foreach (var (name, value) in second ?? new Dictionary<string, string>())
        {
            merged[name] = value;
        }

        return merged;
    }
}
