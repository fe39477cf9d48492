using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Serialization;
using Onex.Hosting.Settings;

namespace Onex.Hosting.Discovery;

/// <summary>The parts of Consul's HTTP API that the runtime itself uses, at the agent of its settings.</summary>
public sealed class ConsulClient(ConsulConnection connection) : IDisposable
{
    private const string IndexHeader = "X-Consul-Index";

    private static readonly TimeSpan _answerMax = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        ActivityHeadersPropagator = null,
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ConnectTimeout = _answerMax,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
    })
    {
        BaseAddress = connection.Address,
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>The agent's address.</summary>
    public Uri Address => connection.Address;

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    /// <summary>Registers an instance with the agent, or replaces it.</summary>
    internal async Task RegisterAsync(AgentService service, CancellationToken cancellation)
    {
        using var response = await SendAsync(
            HttpMethod.Put, "v1/agent/service/register?replace-existing-checks=true", _answerMax, cancellation,
            JsonContent.Create(service, AgentJson.Default.AgentService));
        ThrowUnlessSuccessful(response);
    }

    /// <summary>Whether the agent has the instance.</summary>
    internal async Task<bool> HasAsync(string id, CancellationToken cancellation)
    {
        using var response = await SendAsync(HttpMethod.Get, $"v1/agent/service/{Escape(id)}", _answerMax, cancellation);
        if (response.StatusCode == HttpStatusCode.NotFound)
        {
            return false;
        }

        ThrowUnlessSuccessful(response);
        return true;
    }

    /// <summary>Removes an instance from the agent. Does nothing if the agent does not have it.</summary>
    internal async Task DeregisterAsync(string id, CancellationToken cancellation)
    {
        using var response = await SendAsync(HttpMethod.Put, $"v1/agent/service/deregister/{Escape(id)}", _answerMax, cancellation);
        if (response.StatusCode != HttpStatusCode.NotFound)
        {
            ThrowUnlessSuccessful(response);
        }
    }

    /// <summary>
    /// Finds the instances of a service whose checks all pass. Returns once the list is newer than the index, at the latest after the wait.
    /// </summary>
    /// <param name="service">The name of the service.</param>
    /// <param name="tag">A tag that the instances have, or null.</param>
    /// <param name="datacenter">The datacenter, or null for the agent's.</param>
    /// <param name="index">The index of the list that the caller has; with 0 the call returns at once.</param>
    /// <param name="wait">The longest wait.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public async Task<HealthyInstances> FindHealthyAsync(
        string service, string? tag, string? datacenter, ulong index, TimeSpan wait, CancellationToken cancellation)
    {
        var path = string.Create(
            CultureInfo.InvariantCulture,
            $"v1/health/service/{Escape(service)}?passing=true&index={index}&wait={(long)wait.TotalSeconds}s")
            + (tag is null ? "" : $"&tag={Escape(tag)}")
            + (datacenter is null ? "" : $"&dc={Escape(datacenter)}");

        // Consul adds up to a sixteenth to the wait.
        var within = index == 0 ? _answerMax : wait + (wait / 16) + _answerMax;
        using var response = await SendAsync(HttpMethod.Get, path, within, cancellation);
        ThrowUnlessSuccessful(response);
        IReadOnlyList<HealthEntry> entries;
        try
        {
            entries = await response.Content.ReadFromJsonAsync(AgentJson.Default.IReadOnlyListHealthEntry, cancellation) ?? [];
        }
        catch (JsonException failure)
        {
            throw new ConsulException($"{Address.Authority} does not answer as Consul does.", failure);
        }

        _ = response.Headers.TryGetValues(IndexHeader, out var values);
        _ = ulong.TryParse(values?.FirstOrDefault(), NumberStyles.None, CultureInfo.InvariantCulture, out var latest);
        return new HealthyInstances(
            latest,
            [
                .. entries
                    .Where(entry => entry.Service.Port > 0)
                    .Select(entry => new DnsEndPoint(
                        string.IsNullOrEmpty(entry.Service.Address) ? entry.Node.Address : entry.Service.Address, entry.Service.Port)),
            ]);
    }

    private static string Escape(string text) => Uri.EscapeDataString(text);

    // Consul's texts may quote tokens, so only the status is reported.
    private void ThrowUnlessSuccessful(HttpResponseMessage response)
    {
        if (!response.IsSuccessStatusCode)
        {
            throw new ConsulException($"Consul at {Address.Authority} answered {(int)response.StatusCode}.");
        }
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, TimeSpan within, CancellationToken cancellation, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, path) { Content = content };
        if (connection.Token is { } token)
        {
            request.Headers.TryAddWithoutValidation("X-Consul-Token", token);
        }

        using var timeLimit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        timeLimit.CancelAfter(within);
        try
        {
            // Reads the body too, so that the time limit covers it.
            return await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, timeLimit.Token);
        }
        catch (HttpRequestException failure)
        {
            throw new ConsulException($"Consul at {Address.Authority} cannot be reached ({failure.HttpRequestError}).", failure);
        }
        catch (OperationCanceledException failure) when (!cancellation.IsCancellationRequested)
        {
            throw new ConsulException($"Consul at {Address.Authority} did not answer within {within.TotalSeconds:0} s.", failure);
        }
    }
}

/// <summary>Consul cannot be reached, or rejects the request.</summary>
public sealed class ConsulException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>The healthy instances of a service.</summary>
/// <param name="Index">The index of the list; 0 if Consul gave none.</param>
/// <param name="Instances">Where the instances listen.</param>
public sealed record HealthyInstances(ulong Index, IReadOnlyList<DnsEndPoint> Instances);

/// <summary>A registration as the agent's API takes it.</summary>
internal sealed record AgentService(
    [property: JsonPropertyName("ID")] string Id,
    [property: JsonPropertyName("Name")] string Name,
    [property: JsonPropertyName("Address")] string Address,
    [property: JsonPropertyName("Port")] int Port,
    [property: JsonPropertyName("Tags")] IReadOnlyList<string> Tags,
    [property: JsonPropertyName("Check")] AgentCheck Check);

/// <summary>The check of a registration: the agent requests the address.</summary>
internal sealed record AgentCheck(
    [property: JsonPropertyName("Name")] string Name,
    [property: JsonPropertyName("HTTP")] string Http,
    [property: JsonPropertyName("Interval")] string Interval,
    [property: JsonPropertyName("Timeout")] string Timeout,
    [property: JsonPropertyName("DeregisterCriticalServiceAfter")] string DeregisterAfter);

/// <summary>An instance in an answer about health.</summary>
internal sealed record HealthEntry(
    [property: JsonPropertyName("Node")] HealthNode Node, [property: JsonPropertyName("Service")] HealthService Service);

internal sealed record HealthNode([property: JsonPropertyName("Address")] string Address);

internal sealed record HealthService(
    [property: JsonPropertyName("Address")] string? Address, [property: JsonPropertyName("Port")] int Port);

[JsonSourceGenerationOptions(RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AgentService))]
[JsonSerializable(typeof(IReadOnlyList<HealthEntry>))]
internal sealed partial class AgentJson : JsonSerializerContext;
