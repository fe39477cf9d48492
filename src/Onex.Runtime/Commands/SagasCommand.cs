using System.CommandLine;
using System.Text.Json;

namespace Onex.Runtime.Commands;

/// <summary><c>onex sagas ...</c>: shows sagas, and sends operators' commands to them, through the orchestrator's HTTP API.</summary>
internal static class SagasCommand
{
    private static readonly string[] _printedBelow = ["data", "input", "output", "progress", "fault"];

    public static Command Make(Option<bool> json)
    {
        var url = ApiOptions.Url();
        var command = new Command("sagas", "Show and command sagas.")
        {
            List(json, url),
            ShowOne("show", "Show a saga.", json, url, "", PrintSaga),
            History(json, url),
            ShowOne("why", "Show what a saga waits for and what an operator can do.", json, url, "/why", PrintWhy),
            OperatorCommand("cancel", "Compensate what the saga did, and end it as cancelled. Not past its pivot.", json, url),
            OperatorCommand(
                "terminate", "End a saga at once without compensation, if cancel is not possible. Effects in flight may still happen.",
                json, url, confirms: true),
            OperatorCommand("retry", "Retry what blocks a saga.", json, url),
            OperatorCommand("skip", "Skip what blocks a saga.", json, url),
            OperatorCommand("pause", "Pause a saga: it sends no new commands until it is resumed.", json, url),
            OperatorCommand("resume", "Let a paused saga continue.", json, url),
            Send(json, url),
            Check(json, url),
        };
        return command;
    }

    private static Command List(Option<bool> json, Option<string?> url)
    {
        var options = new Dictionary<string, Option<string?>>(StringComparer.Ordinal)
        {
            ["contract"] = new("--contract") { Description = "Only those of this contract." },
            ["state"] = new("--state") { Description = "Only those in this state." },
            ["status"] = new("--status")
            {
                Description = "Only running, waiting, compensating, blocked, paused, completed, failed or cancelled ones; separate several "
                    + "by commas.",
            },
            ["key"] = new("--key") { Description = "Only those with this business key." },
            ["parent"] = new("--parent") { Description = "Only the children of the saga with this id." },
            ["q"] = new("--q") { Description = "A saga's id, a correlation id, or the beginning of a business key." },
            ["after"] = new("--after") { Description = "The 'next' of the previous page." },
        };
        options["status"].CompletionSources.Add(
            "running", "waiting", "compensating", "blocked", "paused", "completed", "failed", "cancelled");
        return ApiOptions.List("List sagas, newest first.", "api/v1/sagas", options, json, url, page =>
            TableOutput.Table(
                ["id", "contract", "key", "state", "status", "started", "fault"],
                [
                    .. page.GetProperty("sagas").EnumerateArray().Select(saga => (IReadOnlyList<string>)
                    [
                        TableOutput.Cell(saga, "id"), TableOutput.Cell(saga, "contract"), TableOutput.Cell(saga, "business_key"),
                        TableOutput.Cell(saga, "state"),
                        TableOutput.Cell(saga, "status"), TableOutput.Time(saga, "started_at"), Fault(saga),
                    ]),
                ]));
    }

    private static Command ShowOne(
        string name, string description, Option<bool> json, Option<string?> url, string path, Action<JsonElement> print)
    {
        var id = Id();
        var command = new Command(name, description) { id, url };
        command.SetAction((parsed, cancellation) => ApiOptions.RunAsync(parsed.GetValue(url), async api =>
        {
            var answer = await api.GetAsync(Path(parsed.GetValue(id)!, path), cancellation);
            if (parsed.GetValue(json))
            {
                Json.Print(answer);
            }
            else
            {
                print(answer);
            }
        }));
        return command;
    }

    private static Command History(Option<bool> json, Option<string?> url)
    {
        var id = Id();
        var command = new Command("history", "Show the history of a saga.") { id, url };
        command.SetAction((parsed, cancellation) => ApiOptions.RunAsync(parsed.GetValue(url), async api =>
        {
            var entries = new List<JsonElement>();
            string? after = null;
            do
            {
                var page = await api.GetAsync(
                    Path(parsed.GetValue(id)!, "/history" + (after is null ? "" : $"?after={after}")), cancellation);
                entries.AddRange(page.GetProperty("history").EnumerateArray());
                after = Json.Text(page, "next");
            }
            while (after is not null);

            if (parsed.GetValue(json))
            {
                Json.Print(writer => writer.Elements("history", entries));
                return;
            }

            TableOutput.Table(
                ["at", "what", "state", "step", "detail"],
                [
                    .. entries.Select(entry => (IReadOnlyList<string>)
                    [
                        TableOutput.Time(entry, "at"), TableOutput.Cell(entry, "kind"), TableOutput.Cell(entry, "state"),
                        TableOutput.Cell(entry, "step"), TableOutput.Cell(entry, "detail"),
                    ]),
                ]);
        }));
        return command;
    }

    private static Command OperatorCommand(string name, string description, Option<bool> json, Option<string?> url, bool confirms = false)
    {
        var id = Id();
        var reason = new Option<string?>("--reason") { Description = "The reason, which is stored in the saga's history." };
        var confirm = new Option<string?>("--confirm")
        {
            Description = "The saga's id again, because nothing is compensated.",
            Required = true,
        };
        var command = new Command(name, description) { id, reason, url };
        if (confirms)
        {
            command.Options.Add(confirm);
        }

        command.SetAction((parsed, cancellation) => ApiOptions.RunAsync(parsed.GetValue(url), async api =>
        {
            var body = Json.Compact(writer =>
            {
                if (parsed.GetValue(reason) is { } why)
                {
                    writer.WriteString("reason", why);
                }

                if (confirms)
                {
                    writer.WriteString("confirm", parsed.GetValue(confirm));
                }
            });
            var answer = await api.PostAsync(Path(parsed.GetValue(id)!, $"/{name}"), body, cancellation);
            ApiOptions.Write(parsed.GetValue(json), answer, Json.Text(answer, "text") ?? "Done.");
        }));
        return command;
    }

    private static Command Send(Option<bool> json, Option<string?> url)
    {
        var id = Id();
        var name = new Argument<string>("event") { Description = "The event's name, as the contract declares it." };
        var data = ApiOptions.Data("The event's data");
        var command = new Command("send", "Send an event to a saga.") { id, name, data, url };
        command.SetAction((parsed, cancellation) => ApiOptions.RunAsync(parsed.GetValue(url), async api =>
        {
            var payload = await ApiOptions.ReadDataAsync(parsed.GetValue(data), cancellation);
            var body = Json.Compact(writer =>
            {
                writer.WriteString("event", parsed.GetValue(name));
                if (payload is { } value)
                {
                    writer.WritePropertyName("data");
                    value.WriteTo(writer);
                }
            });
            var answer = await api.PostAsync(Path(parsed.GetValue(id)!, "/send"), body, cancellation);
            ApiOptions.Write(parsed.GetValue(json), answer, "The event is accepted.");
        }));
        return command;
    }

    private static Command Check(Option<bool> json, Option<string?> url)
    {
        var command = new Command(
            "check", "Look for live sagas that are stuck: nothing will wake them, or the wake-up is late. Fails if there is one.") { url };
        command.SetAction(async (parsed, cancellation) =>
        {
            var stuck = 0;
            var code = await ApiOptions.RunAsync(parsed.GetValue(url), async api =>
            {
                var answer = await api.GetAsync("api/v1/sagas/stuck", cancellation);
                stuck = answer.GetProperty("stuck").GetArrayLength();
                if (parsed.GetValue(json))
                {
                    Json.Print(answer);
                }
                else if (stuck == 0)
                {
                    Console.WriteLine("Every live saga has a next wake-up, or waits for a named event or an operator.");
                }
                else
                {
                    TableOutput.Table(
                        ["id", "contract", "state", "status", "since", "reason"],
                        [
                            .. answer.GetProperty("stuck").EnumerateArray().Select(saga => (IReadOnlyList<string>)
                            [
                                TableOutput.Cell(saga, "id"), TableOutput.Cell(saga, "contract"), TableOutput.Cell(saga, "state"),
                                TableOutput.Cell(saga, "status"),
                                TableOutput.Time(saga, "updated_at"), TableOutput.Cell(saga, "reason"),
                            ]),
                        ]);
                }
            });
            return code == CommandLine.Done && stuck > 0 ? CommandLine.Failed : code;
        });
        return command;
    }

    private static void PrintSaga(JsonElement saga)
    {
        TableOutput.Members(saga, _printedBelow);
        foreach (var part in _printedBelow.Where(part => saga.TryGetProperty(part, out _)))
        {
            Console.WriteLine($"{part}:");
            Console.WriteLine(Json.Indented(saga.GetProperty(part)));
        }
    }

    private static void PrintWhy(JsonElement why)
    {
        foreach (var line in WhyLines(why))
        {
            Console.WriteLine(line);
        }
    }

    /// <summary>What a saga waits for, its last error, and a line for each command that an operator can type now.</summary>
    internal static IEnumerable<string> WhyLines(JsonElement why) =>
    [
        TableOutput.Cell(why, "sentence"),
        .. why.TryGetProperty("last_error", out var error)
            ? [$"Last error: step '{TableOutput.Cell(error, "step")}' at {TableOutput.Time(error, "at")}: "
                + $"{TableOutput.Cell(error, "code")}: {TableOutput.Cell(error, "message")}"]
            : Array.Empty<string>(),
        .. why.GetProperty("actions").EnumerateArray().Select(action => $"  onex {TableOutput.EscapeControls(action.GetString()!)}"),
    ];

    private static string Fault(JsonElement saga) => saga.TryGetProperty("fault", out var fault) ? TableOutput.Cell(fault, "code") : "";

    private static Argument<string> Id() => new("id") { Description = "The saga's id." };

    private static string Path(string id, string suffix) => $"api/v1/sagas/{Uri.EscapeDataString(id)}{suffix}";
}
