using System.CommandLine;
using System.CommandLine.Parsing;
using System.Text.Json;

namespace Onex.Runtime.Commands;

/// <summary><c>onex request OPERATION</c>: sends a request through the orchestrator's HTTP API.</summary>
internal static class RequestCommand
{
    private const string DefaultWait = "30s";

    public static Command Make()
    {
        var operation = new Argument<string>("operation")
        {
            Description = "A contract (order-fulfilment), or an event of one (order-fulfilment.cancel).",
        };
        var data = ApiOptions.Data("The payload");
        var wait = new Option<string?>("--wait")
        {
            Description = $"Wait for the response, at most this long (default: {DefaultWait}). Fails if it is an error or does not arrive.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var correlation = new Option<string?>("--correlation-id")
        {
            Description = "A UUID that links request and response. Default: a new one.",
        };
        var envelope = new Option<string?>("--envelope-id")
        {
            Description = "A UUID that identifies the request, so that sending it again is safe.",
        };
        var key = new Option<string?>("--key") { Description = "For an event: the business key of its saga." };
        var saga = new Option<string?>("--saga") { Description = "For an event: the id of its saga." };
        var url = ApiOptions.Url();
        var command = new Command(
            "request",
            "Send a request, and print that it was accepted; with --wait, print its response.")
        {
            operation, data, wait, correlation, envelope, key, saga, url,
        };
        command.SetAction((parsed, cancellation) => ApiOptions.RunAsync(parsed.GetValue(url), async api =>
        {
            var payload = await ApiOptions.ReadDataAsync(parsed.GetValue(data), cancellation);
            var body = Json.Compact(writer =>
            {
                writer.WriteString("operation", parsed.GetValue(operation));
                if (payload is { } value)
                {
                    writer.WritePropertyName("payload");
                    value.WriteTo(writer);
                }

                WriteIfGiven(writer, "correlation_id", parsed.GetValue(correlation));
                WriteIfGiven(writer, "envelope_id", parsed.GetValue(envelope));
                var target = (Key: parsed.GetValue(key), Saga: parsed.GetValue(saga));
                if (target.Key is not null || target.Saga is not null)
                {
                    writer.WriteStartObject("target");
                    WriteIfGiven(writer, "key", target.Key);
                    WriteIfGiven(writer, "saga_id", target.Saga);
                    writer.WriteEndObject();
                }
            });
            var waits = parsed.GetResult(wait) is OptionResult { Implicit: false };
            var query = waits ? $"?wait={Uri.EscapeDataString(parsed.GetValue(wait) ?? DefaultWait)}" : "";
            var answer = await api.PostAsync($"api/v1/requests{query}", body, cancellation);

            // The response, or the accepted request: printed unchanged.
            Json.Print(answer);
            var status = Json.Text(answer, "status");
            if (waits && status is null)
            {
                throw new CommandException(
                    "The request was accepted, but has no response yet. 'onex sagas why' shows what its saga waits for.");
            }

            if (status == "error" || Json.Text(answer, "original_status") == "error")
            {
                throw new CommandException($"The response is an error: {Json.Text(answer, "error")} ({Json.Text(answer, "code")})");
            }
        }));
        return command;
    }

    private static void WriteIfGiven(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is not null)
        {
            writer.WriteString(name, text);
        }
    }
}
