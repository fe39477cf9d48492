using System.Net;
using System.Text;

namespace Onex.Tests.EndToEnd.Support;

/// <summary>One process with all roles, a SQLite file and its HTTP API.</summary>
internal sealed class EmbeddedOnex : IAsyncDisposable
{
    private readonly OnexProcess _process;
    private readonly HttpClient _http;

    private EmbeddedOnex(OnexProcess process)
    {
        _process = process;
        _http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{process.HttpPort}") };
    }

    /// <summary>The settings of a process whose contracts and store are in a directory.</summary>
    public static Dictionary<string, string> Settings(DirectoryInfo directory) => new()
    {
        ["RUNTIME_PROFILE"] = "all",
        ["ONEX_EVENT_BUS"] = "inmemory",
        ["ONEX_STORE"] = "sqlite",
        ["ONEX_DATA_DIR"] = Path.Combine(directory.FullName, "runtime"),
        ["CONTRACTS_DIR"] = directory.FullName,
    };

    /// <summary>Starts a process and waits until it is ready.</summary>
    public static async Task<EmbeddedOnex> StartAsync(DirectoryInfo directory, params (string Name, string Value)[] further)
    {
        var settings = Settings(directory);
        foreach (var (name, value) in further)
        {
            settings[name] = value;
        }

        return await StartAsync(settings);
    }

    /// <summary>Starts a process with these settings and waits until it is ready.</summary>
    public static async Task<EmbeddedOnex> StartAsync(IReadOnlyDictionary<string, string> settings)
    {
        var process = OnexProcess.Start("all", settings);
        await process.ReadyAsync();
        return new EmbeddedOnex(process);
    }

    /// <summary>What it has logged.</summary>
    public IReadOnlyList<string> Output => _process.Output;

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _process.DisposeAsync();
    }

    /// <summary>Sends SIGHUP.</summary>
    public Task HangUpAsync() => _process.HangUpAsync();

    /// <summary>Posts a request.</summary>
    public Task<(HttpStatusCode Status, JsonNode Answer)> RequestAsync(string body, string query = "", string? traceParent = null) =>
        PostAsync($"/api/v1/requests{query}", body, traceParent);

    public async Task<(HttpStatusCode Status, JsonNode Answer)> PostAsync(string path, string body, string? traceParent = null)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        if (traceParent is not null)
        {
            content.Headers.Add("traceparent", traceParent);
        }

        using var answer = await _http.PostAsync(path, content);
        return (answer.StatusCode, JsonNode.Parse(await answer.Content.ReadAsStringAsync())!);
    }

    public Task<string> TextAsync(string path) => _http.GetStringAsync(path);

    public async Task<JsonNode> GetAsync(string path) => JsonNode.Parse(await _http.GetStringAsync(path))!;

    /// <summary>Waits until a saga is in a state.</summary>
    public Task UntilAsync(string sagaId, string state) => Eventually.Async(
        async () => (string?)(await GetAsync($"/api/v1/sagas/{sagaId}"))["state"] == state,
        TimeSpan.FromMinutes(1),
        () => $"saga {sagaId} is in state '{state}'");
}
