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

/// <summary>The arguments make no request.</summary>
internal sealed class ConsulArgumentException(string problem) : Exception(problem);

/// <summary>Base class of the operations of Consul: one request of its HTTP API per attempt.</summary>
internal abstract class ConsulOperation<TArguments, TResult>(
    HttpTransport transport, JsonTypeInfo<TArguments> argumentsType, JsonTypeInfo<TResult> resultType)
    : EffectOperation<TArguments, TResult>(argumentsType, resultType)
    where TArguments : class
    where TResult : class
{
    private const int NotFound = 404;

    /// <summary>The request.</summary>
    /// <exception cref="ConsulArgumentException">The arguments make none.</exception>
    protected abstract ConsulRequest Request(TArguments arguments);

    /// <summary>The result from the body of a successful answer.</summary>
    protected abstract TResult Read(TArguments arguments, JsonElement body);

    /// <summary>The result if Consul knows no such key or instance; null if that is a rejection.</summary>
    protected virtual TResult? WithoutIt(TArguments arguments) => null;

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
            call = Request(arguments);
        }
        catch (ConsulArgumentException problem)
        {
            return EffectOutcome<TResult>.Rejected(StepCodes.ArgumentsInvalid, $"{context.Operation}: {problem.Message}.");
        }

        var datacenter = connection.Datacenter is { } name ? $"dc={Uri.EscapeDataString(name)}" : "";
        var query = string.Join('&', new[] { call.Query, datacenter }.Where(part => part.Length > 0));
        var address = new Uri($"{root.GetLeftPart(UriPartial.Path).TrimEnd('/')}/v1/{call.Path}{(query.Length > 0 ? "?" : "")}{query}");
        using var request = new OneRequest(call.Method, address, context.Progress)
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
            var (body, _) = await HttpAnswers.ReadAsync(response, context.Room, cancellation);
            return Outcome(arguments, (int)response.StatusCode, body, context);
        }
        catch (HttpRequestException exception)
        {
            return HttpErrors.NoAnswer<TResult>(exception, address, context.Progress.Reach);
        }
        catch (Exception exception) when (exception is IOException or InvalidDataException)
        {
            return EffectOutcome<TResult>.Failed(
                context.Progress.Reach, "connection_lost", $"{HttpErrors.Host(address)} broke off its answer.");
        }
    }

    /// <summary>A key in a path. Its parts are percent-encoded, its slashes stay.</summary>
    protected static string KeyPath(string key, bool mayBeEmpty = false)
    {
        var parts = key.Split('/');
        return (key.Length == 0 && !mayBeEmpty) || key.StartsWith('/') || parts.Any(part => part is "." or "..")
            ? throw new ConsulArgumentException("the key must not be empty, begin with a slash, or have a part '.' or '..'")
            : string.Join('/', parts.Select(Uri.EscapeDataString));
    }

    /// <summary>A single name in a path.</summary>
    protected static string NamePath(string name, string argument) =>
        name.Length == 0 || name is "." or ".." || name.Contains('/', StringComparison.Ordinal)
            ? throw new ConsulArgumentException($"'{argument}' must not be empty, '.' or '..', and have no slash")
            : Uri.EscapeDataString(name);

    /// <summary>The text of a value, which the API gives in base64, and null instead of an empty one.</summary>
    protected static string ValueOf(JsonElement entry) =>
        entry.GetProperty("Value") is { ValueKind: JsonValueKind.String } value ? ValueText.FromBytes(value.GetBytesFromBase64()) : "";

    /// <summary>A parameter of a query, if there is a value.</summary>
    protected static string Parameter(string name, long? value) =>
        value is { } number ? string.Create(CultureInfo.InvariantCulture, $"{name}={number}") : "";

    private EffectOutcome<TResult> Outcome(TArguments arguments, int status, JsonElement? body, AttemptContext context)
    {
        // Agents before 1.11 answer 500 about an instance that they do not have.
        var isUnknown = status == NotFound
            || (status == 500 && body is { ValueKind: JsonValueKind.String } text
                && text.GetString()!.StartsWith("Unknown service", StringComparison.Ordinal));
        if (isUnknown && WithoutIt(arguments) is { } none)
        {
            return EffectOutcome<TResult>.Completed(none);
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

        if (body is not { } whole)
        {
            return EffectOutcome<TResult>.Refused(
                "result_too_large", $"The answer is larger than {context.LargestResult / (1024 * 1024)} MiB.");
        }

        try
        {
            return EffectOutcome<TResult>.Completed(Read(arguments, whole));
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
    protected override ConsulRequest Request(ConsulKeyArguments arguments) => new(HttpMethod.Get, $"kv/{KeyPath(arguments.Key)}");

    protected override ConsulValue Read(ConsulKeyArguments arguments, JsonElement body) =>
        new() { Found = true, Value = ValueOf(body[0]), Index = body[0].GetProperty("ModifyIndex").GetInt64() };

    protected override ConsulValue WithoutIt(ConsulKeyArguments arguments) => new() { Found = false, Value = null, Index = 0 };
}

[Operation("consul.kv_put", ConnectionType = "consul", ChangesWorld = true, Description = "Writes a key of Consul.")]
internal sealed class ConsulKeyPut(HttpTransport transport)
    : ConsulOperation<ConsulPutArguments, ConsulWritten>(
        transport, ConsulJson.Default.ConsulPutArguments, ConsulJson.Default.ConsulWritten)
{
    protected override ConsulRequest Request(ConsulPutArguments arguments) => new(
        HttpMethod.Put, $"kv/{KeyPath(arguments.Key)}", Parameter("cas", arguments.Cas), ValueText.ToBytes(arguments.Value));

    protected override ConsulWritten Read(ConsulPutArguments arguments, JsonElement body) => new() { Written = body.GetBoolean() };
}

[Operation(
    "consul.kv_delete", ConnectionType = "consul", ChangesWorld = true, Idempotent = true, Description = "Removes a key of Consul.")]
internal sealed class ConsulKeyDelete(HttpTransport transport)
    : ConsulOperation<ConsulDeleteArguments, ConsulDeleted>(
        transport, ConsulJson.Default.ConsulDeleteArguments, ConsulJson.Default.ConsulDeleted)
{
    protected override ConsulRequest Request(ConsulDeleteArguments arguments) =>
        new(HttpMethod.Delete, $"kv/{KeyPath(arguments.Key)}", arguments.Recurse == true ? "recurse=true" : "");

    protected override ConsulDeleted Read(ConsulDeleteArguments arguments, JsonElement body) => new() { Deleted = body.GetBoolean() };
}

[Operation("consul.kv_list", ConnectionType = "consul", Description = "Reads the keys of Consul that begin with a prefix.")]
internal sealed class ConsulKeyList(HttpTransport transport)
    : ConsulOperation<ConsulListArguments, ConsulEntries>(
        transport, ConsulJson.Default.ConsulListArguments, ConsulJson.Default.ConsulEntries)
{
    protected override ConsulRequest Request(ConsulListArguments arguments) =>
        new(HttpMethod.Get, $"kv/{KeyPath(arguments.Prefix, mayBeEmpty: true)}", "recurse=true");

    protected override ConsulEntries Read(ConsulListArguments arguments, JsonElement body) => new()
    {
        Entries =
        [
            .. body.EnumerateArray().Select(entry => new ConsulEntry
            {
                Key = entry.GetProperty("Key").GetString()!,
                Value = ValueOf(entry),
                Index = entry.GetProperty("ModifyIndex").GetInt64(),
            }),
        ],
    };

    protected override ConsulEntries WithoutIt(ConsulListArguments arguments) => new() { Entries = [] };
}

[Operation(
    "consul.register", ConnectionType = "consul", ChangesWorld = true, Idempotent = true,
    Description = "Registers an instance of a service with Consul.")]
internal sealed class ConsulRegister(HttpTransport transport)
    : ConsulOperation<ConsulRegisterArguments, ConsulInstanceId>(
        transport, ConsulJson.Default.ConsulRegisterArguments, ConsulJson.Default.ConsulInstanceId)
{
    protected override ConsulRequest Request(ConsulRegisterArguments arguments)
    {
        _ = NamePath(arguments.Id, "id");
        _ = NamePath(arguments.Name, "name");
        var registration = new ConsulRegistration(
            arguments.Id, arguments.Name, arguments.Address, arguments.Port, arguments.Tags, arguments.Meta, arguments.Check);
        return new ConsulRequest(
            HttpMethod.Put, "agent/service/register", "replace-existing-checks=true",
            JsonSerializer.SerializeToUtf8Bytes(registration, ConsulApiJson.Default.ConsulRegistration));
    }

    protected override ConsulInstanceId Read(ConsulRegisterArguments arguments, JsonElement body) => new() { Id = arguments.Id };
}

[Operation(
    "consul.deregister", ConnectionType = "consul", ChangesWorld = true, Idempotent = true,
    Description = "Removes an instance of a service from Consul.")]
internal sealed class ConsulDeregister(HttpTransport transport)
    : ConsulOperation<ConsulDeregisterArguments, ConsulInstanceId>(
        transport, ConsulJson.Default.ConsulDeregisterArguments, ConsulJson.Default.ConsulInstanceId)
{
    protected override ConsulRequest Request(ConsulDeregisterArguments arguments) =>
        new(HttpMethod.Put, $"agent/service/deregister/{NamePath(arguments.Id, "id")}");

    protected override ConsulInstanceId Read(ConsulDeregisterArguments arguments, JsonElement body) => new() { Id = arguments.Id };

    protected override ConsulInstanceId WithoutIt(ConsulDeregisterArguments arguments) => new() { Id = arguments.Id };
}

[Operation("consul.health_service", ConnectionType = "consul", Description = "Lists the instances of a service with their health.")]
internal sealed class ConsulHealthService(HttpTransport transport)
    : ConsulOperation<ConsulHealthArguments, ConsulInstances>(
        transport, ConsulJson.Default.ConsulHealthArguments, ConsulJson.Default.ConsulInstances)
{
    private static readonly string[] _fromBest = ["passing", "warning", "critical"];

    protected override ConsulRequest Request(ConsulHealthArguments arguments) => new(
        HttpMethod.Get, $"health/service/{NamePath(arguments.Name, "name")}",
        string.Join('&', new[]
        {
            arguments.Tag is { } tag ? $"tag={Uri.EscapeDataString(tag)}" : "",
            arguments.Passing == true ? "passing=true" : "",
        }.Where(part => part.Length > 0)));

    protected override ConsulInstances Read(ConsulHealthArguments arguments, JsonElement body) => new()
    {
        Instances = [.. body.EnumerateArray().Select(Instance)],
    };

    private static ConsulInstance Instance(JsonElement entry)
    {
        var service = entry.GetProperty("Service");
        var address = service.GetProperty("Address").GetString();
        return new ConsulInstance
        {
            Id = service.GetProperty("ID").GetString()!,
            Address = string.IsNullOrEmpty(address) ? entry.GetProperty("Node").GetProperty("Address").GetString()! : address,
            Port = service.GetProperty("Port").GetInt32(),
            Tags = service.GetProperty("Tags") is { ValueKind: JsonValueKind.Array } tags
                ? [.. tags.EnumerateArray().Select(each => each.GetString()!)]
                : [],
            Status = _fromBest[entry.GetProperty("Checks").EnumerateArray()
                .Select(check => Array.IndexOf(_fromBest, check.GetProperty("Status").GetString()))
                .Select(rank => rank < 0 ? _fromBest.Length - 1 : rank)
                .DefaultIfEmpty(0).Max()],
        };
    }
}
