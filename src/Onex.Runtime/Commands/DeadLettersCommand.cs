using System.CommandLine;
using System.Text.Json;

namespace Onex.Runtime.Commands;

/// <summary><c>onex dlq ...</c>: shows, redrives and discards dead letters through the orchestrator's HTTP API.</summary>
internal static class DeadLettersCommand
{
    private const int ReasonLengthMax = 100;

    private static readonly string[] _printedBelow = ["headers", "value"];

    public static Command Make(Option<bool> json)
    {
        var url = ApiOptions.Url();
        return new Command("dlq", "Show, redrive and discard dead letters (messages that could not be handled).")
        {
            List(json, url),
            ShowOne(json, url),
            Redrive(json, url),
            Discard(json, url),
        };
    }

    private static Command List(Option<bool> json, Option<string?> url)
    {
        var options = new Dictionary<string, Option<string?>>(StringComparer.Ordinal)
        {
            ["topic"] = new("--topic") { Description = "Only records of this topic." },
            ["code"] = new("--code") { Description = "Only those with this error code: ONEX3001." },
            ["status"] = new("--status") { Description = "Only open, redriven or discarded ones; separate several by commas." },
            ["q"] = new("--q") { Description = "A dead letter's id, a correlation id, or the beginning of the record's key." },
            ["after"] = new("--after") { Description = "The 'next' of the previous page." },
        };
        options["status"].CompletionSources.Add("open", "redriven", "discarded");
        return ApiOptions.List("List dead letters, newest first.", "api/v1/dead-letters", options, json, url, page =>
            TableOutput.Table(
                ["id", "at", "topic", "position", "status", "code", "reason"],
                [
                    .. page.GetProperty("dead_letters").EnumerateArray().Select(deadLetter => (IReadOnlyList<string>)
                    [
                        TableOutput.Cell(deadLetter, "id"), TableOutput.Time(deadLetter, "at"), TableOutput.Cell(deadLetter, "topic"),
                        Position(deadLetter), TableOutput.Cell(deadLetter, "status"),
                        TableOutput.Cell(deadLetter, "code"), Short(TableOutput.Cell(deadLetter, "reason")),
                    ]),
                ]));
    }

    private static Command ShowOne(Option<bool> json, Option<string?> url)
    {
        var id = Id();
        var command = new Command("show", "Show a dead letter with its record. Values that look like secrets are masked.") { id, url };
        command.SetAction((parsed, cancellation) => ApiOptions.RunAsync(parsed.GetValue(url), async api =>
        {
            var deadLetter = await api.GetAsync(Path(parsed.GetValue(id)!, ""), cancellation);
            if (parsed.GetValue(json))
            {
                Json.Print(deadLetter);
            }
            else
            {
                Print(deadLetter);
            }
        }));
        return command;
    }

    private static Command Redrive(Option<bool> json, Option<string?> url)
    {
        var id = Id();
        var reason = new Option<string?>("--reason") { Description = "The reason, which is stored with the dead letter." };
        var force = new Option<bool>("--force") { Description = "Redrive it even if it was redriven, discarded or handled already." };
        var command = new Command(
            "redrive", "Send the record unchanged to its topic again. Once, unless forced.") { id, reason, force, url };
        command.SetAction((parsed, cancellation) => ApiOptions.RunAsync(parsed.GetValue(url), async api =>
        {
            var answer = await api.PostAsync(
                Path(parsed.GetValue(id)!, "/redrive"), Body(parsed.GetValue(reason), parsed.GetValue(force)), cancellation);
            ApiOptions.Write(parsed.GetValue(json), answer, $"The record is sent again to {TableOutput.Cell(answer, "topic")}.");
        }));
        return command;
    }

    private static Command Discard(Option<bool> json, Option<string?> url)
    {
        var id = Id();
        var reason = new Option<string>("--reason") { Description = "The reason, which is stored with the dead letter.", Required = true };
        var command = new Command(
            "discard", "Mark a dead letter as discarded. It is kept, with the reason, as long as an ended saga.") { id, reason, url };
        command.SetAction((parsed, cancellation) => ApiOptions.RunAsync(parsed.GetValue(url), async api =>
        {
            var answer = await api.PostAsync(
                Path(parsed.GetValue(id)!, "/discard"), Body(parsed.GetValue(reason), force: false), cancellation);
            ApiOptions.Write(parsed.GetValue(json), answer, "The dead letter is discarded. It stays in the list, with the reason.");
        }));
        return command;
    }

    private static string Body(string? reason, bool force) => Json.Compact(writer =>
    {
        if (reason is not null)
        {
            writer.WriteString("reason", reason);
        }

        if (force)
        {
            writer.WriteBoolean("force", true);
        }
    });

    private static void Print(JsonElement deadLetter)
    {
        TableOutput.Members(deadLetter, _printedBelow);
        if (deadLetter.TryGetProperty("headers", out var headers))
        {
            Console.WriteLine("headers:");
            Console.WriteLine(Json.Indented(headers));
        }

        if (Json.Text(deadLetter, "value") is { } value)
        {
            Console.WriteLine("value:");
            Console.WriteLine(FormatValue(value));
        }
    }

    // Most records are JSON, which is printed indented; any other value is printed on one line.
    private static string FormatValue(string value)
    {
        try
        {
            using var document = JsonDocument.Parse(value, Json.ReadOptions);
            return Json.Indented(document.RootElement);
        }
        catch (JsonException)
        {
            return TableOutput.EscapeControls(value);
        }
    }

    private static string Position(JsonElement deadLetter) => deadLetter.GetProperty("offset").GetInt64() < 0
        ? ""
        : $"{deadLetter.GetProperty("partition").GetRawText()}/{deadLetter.GetProperty("offset").GetRawText()}";

    private static string Short(string text) => text.Length <= ReasonLengthMax ? text : $"{text[..ReasonLengthMax]}...";

    private static Argument<string> Id() => new("id") { Description = "The dead letter's id." };

    private static string Path(string id, string suffix) => $"api/v1/dead-letters/{Uri.EscapeDataString(id)}{suffix}";
}
