using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Onex.Contracts.Catalogue;
using Onex.Effects.Http;
using Onex.Effects.Operations;
using Onex.Operations;

namespace Onex.Effects.Consul;

/// <summary>A request to Consul's API.</summary>
/// <param name="Method">The method.</param>
/// <param name="Path">The path below <c>/v1</c>, percent-encoded.</param>
/// <param name="Query">The query without the datacenter; names and values percent-encoded.</param>
/// <param name="Body">The body, or null.</param>
internal sealed record ConsulRequest(HttpMethod Method, string Path, string Query = "", byte[]? Body = null);

/// <summary>The arguments do not describe a valid request.</summary>
internal sealed class ConsulArgumentException(string problem) : Exception(problem);

/// <summary>Base class of the operations of Consul: one request of its HTTP API per attempt.</summary>
internal abstract class ConsulOperation<TArguments, TResult>(
    HttpTransport transport, JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : EffectOperation<TArguments, TResult>(argumentsType, resultType)
    where TArguments : class
    where TResult : class
{
    private const int NotFound = 404;

    /// <summary>Creates the request of an attempt.</summary>
    /// <exception cref="ConsulArgumentException">The arguments do not describe a valid request.</exception>
    protected abstract ConsulRequest CreateRequest(TArguments arguments);

    /// <summary>Reads the result from the body of a successful answer.</summary>
    protected abstract TResult ReadResult(TArguments arguments, JsonElement body);

    /// <summary>The result if Consul does not have the key or the instance; null if the attempt is rejected then.</summary>
    protected virtual TResult? AbsentResult(TArguments arguments) => null;

    protected override async Task<EffectOutcome<TResult>> RunAsync(
        TArguments arguments, AttemptContext context, CancellationToken cancellation)
    {
        if (context.Connection is not { Url: { } root } connection)
        {
            return EffectOutcome<TResult>.Rejected(StepCodes.ArgumentsInvalid, $"{context.Operation} needs a connection to Consul.");
        }

        ConsulRequest call;
        try
        {
            call = CreateRequest(arguments);
        }
        catch (ConsulArgumentException problem)
        {
            return EffectOutcome<TResult>.Rejected(StepCodes.ArgumentsInvalid, $"{context.Operation}: {problem.Message}.");
        }

        var datacenter = connection.Datacenter is { } name ? $"dc={Uri.EscapeDataString(name)}" : "";
        var query = string.Join('&', new[] { call.Query, datacenter }.Where(part => part.Length > 0));
        var address = new Uri($"{root.GetLeftPart(UriPartial.Path).TrimEnd('/')}/v1/{call.Path}{(query.Length > 0 ? "?" : "")}{query}");
        using var request = new AttemptRequest(call.Method, address, context.Progress)
        {
            Content = call.Body is null ? null : new ByteArrayContent(call.Body),
        };
        foreach (var (header, value) in connection.Headers)
        {
            request.Headers.TryAddWithoutValidation(header, value);
        }

        try
        {
            using var response = await transport.SendAsync(connection, request, cancellation);
            var (body, _) = await HttpAnswers.ReadAsync(response, context.Memory, cancellation);
            return ToOutcome(arguments, (int)response.StatusCode, body, context);
        }
        catch (HttpRequestException exception)
        {
            return HttpErrors.ToOutcome<TResult>(exception, address, context.Progress.Reach);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return EffectOutcome<TResult>.Failed(
                context.Progress.Reach, "connection_lost", $"{HttpErrors.HostAndPort(address)} broke off its answer.");
        }
    }

    /// <summary>Encodes a key for a path: its parts percent-encoded, its slashes as they are.</summary>
    protected static string EncodeKey(string key, bool mayBeEmpty = false)
    {
        var parts = key.Split('/');
        return (key.Length == 0 && !mayBeEmpty) || key.StartsWith('/') || parts.Any(part => part is "." or "..")
            ? throw new ConsulArgumentException("the key must not be empty, begin with a slash, or have a part '.' or '..'")
            : string.Join('/', parts.Select(Uri.EscapeDataString));
    }

    /// <summary>Encodes a name, which must be a single part of a path.</summary>
    protected static string EncodeName(string name, string argument) =>
        name.Length == 0 || name is "." or ".." || name.Contains('/', StringComparison.Ordinal)
            ? throw new ConsulArgumentException($"'{argument}' must not be empty, '.' or '..', and must not have a slash")
            : Uri.EscapeDataString(name);

    /// <summary>The text of a value. The API encodes it in base64, and gives null for an empty one.</summary>
    protected static string ReadValue(JsonElement entry) =>
        entry.GetProperty("Value") is { ValueKind: JsonValueKind.String } value ? ValueText.FromBytes(value.GetBytesFromBase64()) : "";

    /// <summary>A parameter of a query; empty without a value.</summary>
    protected static string Parameter(string name, long? value) =>
        value is { } number ? string.Create(CultureInfo.InvariantCulture, $"{name}={number}") : "";

    private EffectOutcome<TResult> ToOutcome(TArguments arguments, int status, JsonElement? body, AttemptContext context)
    {
        // Agents before Consul 1.11 answer 500, not 404, if they do not have the instance.
        var isUnknown = status == NotFound
            || (status == 500 && body is { ValueKind: JsonValueKind.String } text
                && text.GetString()!.StartsWith("Unknown service", StringComparison.Ordinal));
        if (isUnknown && AbsentResult(arguments) is { } absent)
        {
            return EffectOutcome<TResult>.Completed(absent);
        }

        // Consul's texts may quote keys and ids, so only the status is reported.
        var message = $"The Consul of connection '{context.Connection!.Name}' answered {status}.";
        switch (HttpStatuses.Classify(status))
        {
            case HttpAnswer.Failed:
                return EffectOutcome<TResult>.Failed(HttpStatuses.ReachOf(status), HttpStatuses.Code(status), message);
            case HttpAnswer.Rejected:
                return EffectOutcome<TResult>.Refused(HttpStatuses.Code(status), message);
        }

        if (body is not { } json)
        {
            return EffectOutcome<TResult>.Refused(
                "result_too_large", $"The answer is larger than {context.LargestResult / (1024 * 1024)} MiB.");
        }

        try
        {
            return EffectOutcome<TResult>.Completed(ReadResult(arguments, json));
        }
        catch (Exception exception) when (exception is InvalidOperationException or KeyNotFoundException or FormatException)
        {
            return EffectOutcome<TResult>.Failed(
                AttemptReach.Done, "answer_unreadable", $"{message[..^1]} with a body that is not that of Consul's API.");
        }
    }
}

[Operation("consul.kv_get", ConnectionType = "consul", Description = "Reads a key of Consul.")]
internal sealed class ConsulKeyGet(HttpTransport transport)
    : ConsulOperation<ConsulKeyArguments, ConsulValue>(
        transport, ConsulJson.Default.ConsulKeyArguments, ConsulJson.Default.ConsulValue)
{
    protected override ConsulRequest CreateRequest(ConsulKeyArguments arguments) => new(HttpMethod.Get, $"kv/{EncodeKey(arguments.Key)}");

    protected override ConsulValue ReadResult(ConsulKeyArguments arguments, JsonElement body) =>
        new() { Found = true, Value = ReadValue(body[0]), Index = body[0].GetProperty("ModifyIndex").GetInt64() };

    protected override ConsulValue AbsentResult(ConsulKeyArguments arguments) => new() { Found = false, Value = null, Index = 0 };
}

[Operation("consul.kv_put", ConnectionType = "consul", ChangesWorld = true, Description = "Writes a key of Consul.")]
internal sealed class ConsulKeyPut(HttpTransport transport)
    : ConsulOperation<ConsulPutArguments, ConsulWritten>(
        transport, ConsulJson.Default.ConsulPutArguments, ConsulJson.Default.ConsulWritten)
{
    protected override ConsulRequest CreateRequest(ConsulPutArguments arguments) => new(
        HttpMethod.Put, $"kv/{EncodeKey(arguments.Key)}", Parameter("cas", arguments.Cas), ValueText.ToBytes(arguments.Value));

    protected override ConsulWritten ReadResult(ConsulPutArguments arguments, JsonElement body) => new() { Written = body.GetBoolean() };
}

[Operation(
    "consul.kv_delete", ConnectionType = "consul", ChangesWorld = true, Idempotent = true, Description = "Removes a key of Consul.")]
internal sealed class ConsulKeyDelete(HttpTransport transport)
    : ConsulOperation<ConsulDeleteArguments, ConsulDeleted>(
        transport, ConsulJson.Default.ConsulDeleteArguments, ConsulJson.Default.ConsulDeleted)
{
    protected override ConsulRequest CreateRequest(ConsulDeleteArguments arguments) =>
        new(HttpMethod.Delete, $"kv/{EncodeKey(arguments.Key)}", arguments.Recurse == true ? "recurse=true" : "");

    protected override ConsulDeleted ReadResult(ConsulDeleteArguments arguments, JsonElement body) => new() { Deleted = body.GetBoolean() };
}

[Operation("consul.kv_list", ConnectionType = "consul", Description = "Reads the keys of Consul that begin with a prefix.")]
internal sealed class ConsulKeyList(HttpTransport transport)
    : ConsulOperation<ConsulListArguments, ConsulEntries>(
        transport, ConsulJson.Default.ConsulListArguments, ConsulJson.Default.ConsulEntries)
{
    protected override ConsulRequest CreateRequest(ConsulListArguments arguments) =>
        new(HttpMethod.Get, $"kv/{EncodeKey(arguments.Prefix, mayBeEmpty: true)}", "recurse=true");

    protected override ConsulEntries ReadResult(ConsulListArguments arguments, JsonElement body) => new()
    {
        Entries =
        [
            .. body.EnumerateArray().Select(entry => new ConsulEntry
            {
                Key = entry.GetProperty("Key").GetString()!,
                Value = ReadValue(entry),
                Index = entry.GetProperty("ModifyIndex").GetInt64(),
            }),
        ],
    };

    protected override ConsulEntries AbsentResult(ConsulListArguments arguments) => new() { Entries = [] };
}

[Operation(
    "consul.register", ConnectionType = "consul", ChangesWorld = true, Idempotent = true,
    Description = "Registers an instance of a service with Consul.")]
internal sealed class ConsulRegister(HttpTransport transport)
    : ConsulOperation<ConsulRegisterArguments, ConsulInstanceId>(
        transport, ConsulJson.Default.ConsulRegisterArguments, ConsulJson.Default.ConsulInstanceId)
{
    protected override ConsulRequest CreateRequest(ConsulRegisterArguments arguments)
    {
        _ = EncodeName(arguments.Id, "id");
        _ = EncodeName(arguments.Name, "name");
        var registration = new ConsulRegistration(
            arguments.Id, arguments.Name, arguments.Address, arguments.Port, arguments.Tags, arguments.Meta, arguments.Check);
        return new ConsulRequest(
            HttpMethod.Put, "agent/service/register", "replace-existing-checks=true",
            JsonSerializer.SerializeToUtf8Bytes(registration, ConsulApiJson.Default.ConsulRegistration));
    }

    protected override ConsulInstanceId ReadResult(ConsulRegisterArguments arguments, JsonElement body) => new() { Id = arguments.Id };
}

[Operation(
    "consul.deregister", ConnectionType = "consul", ChangesWorld = true, Idempotent = true,
    Description = "Removes an instance of a service from Consul.")]
internal sealed class ConsulDeregister(HttpTransport transport)
    : ConsulOperation<ConsulDeregisterArguments, ConsulInstanceId>(
        transport, ConsulJson.Default.ConsulDeregisterArguments, ConsulJson.Default.ConsulInstanceId)
{
    protected override ConsulRequest CreateRequest(ConsulDeregisterArguments arguments) =>
        new(HttpMethod.Put, $"agent/service/deregister/{EncodeName(arguments.Id, "id")}");

    protected override ConsulInstanceId ReadResult(ConsulDeregisterArguments arguments, JsonElement body) => new() { Id = arguments.Id };

    protected override ConsulInstanceId AbsentResult(ConsulDeregisterArguments arguments) => new() { Id = arguments.Id };
}

[Operation("consul.health_service", ConnectionType = "consul", Description = "Lists the instances of a service with their health.")]
internal sealed class ConsulHealthService(HttpTransport transport)
    : ConsulOperation<ConsulHealthArguments, ConsulInstances>(
        transport, ConsulJson.Default.ConsulHealthArguments, ConsulJson.Default.ConsulInstances)
{
    private static readonly string[] _statusesFromBest = ["passing", "warning", "critical"];

    protected override ConsulRequest CreateRequest(ConsulHealthArguments arguments) => new(
        HttpMethod.Get, $"health/service/{EncodeName(arguments.Name, "name")}",
        string.Join('&', new[]
        {
            arguments.Tag is { } tag ? $"tag={Uri.EscapeDataString(tag)}" : "",
            arguments.Passing == true ? "passing=true" : "",
        }.Where(part => part.Length > 0)));

    protected override ConsulInstances ReadResult(ConsulHealthArguments arguments, JsonElement body) => new()
    {
        Instances = [.. body.EnumerateArray().Select(ReadInstance)],
    };

    private static ConsulInstance ReadInstance(JsonElement entry)
    {
        var service = entry.GetProperty("Service");
        var address = service.GetProperty("Address").GetString();
        return new ConsulInstance
        {
            Id = service.GetProperty("ID").GetString()!,
            Address = string.IsNullOrEmpty(address) ? entry.GetProperty("Node").GetProperty("Address").GetString()! : address,
            Port = service.GetProperty("Port").GetInt32(),
            Tags = service.GetProperty("Tags") is { ValueKind: JsonValueKind.Array } tags
                ? [.. tags.EnumerateArray().Select(tag => tag.GetString()!)]
                : [],
            Status = _statusesFromBest[entry.GetProperty("Checks").EnumerateArray()
                .Select(check => Array.IndexOf(_statusesFromBest, check.GetProperty("Status").GetString()))
                .Select(rank => rank < 0 ? _statusesFromBest.Length - 1 : rank)
                .DefaultIfEmpty(0).Max()],
        };
    }
}
