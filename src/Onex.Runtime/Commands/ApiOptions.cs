using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Onex.Hosting.Settings;

namespace Onex.Runtime.Commands;

/// <summary>Shared parts of the commands that call the orchestrator's HTTP API.</summary>
internal static class ApiOptions
{
    public static Option<string?> Url() =>
        new("--url") { Description = "The URL of the main role. Default: ONEX_API_URL, or this machine." };

    public static Option<string?> Data(string what) =>
        new("--data", "-d") { Description = $"{what} as JSON, @FILE, or - for standard input." };

    /// <summary>Calls the orchestrator and returns the exit code.</summary>
    public static async Task<int> RunAsync(string? url, Func<ApiClient, Task> work)
    {
        using var api = await ApiClient.CreateAsync(url, SettingsReader.ReadEnvironment());
        try
        {
            await work(api);
            return CommandLine.Done;
        }
        catch (CommandException error)
        {
            await Console.Error.WriteLineAsync(error.Message);
            return CommandLine.Failed;
        }
    }

    /// <summary>
    /// Creates a command that shows a page of a list, with an option for each filter and one for the number of rows.
    /// </summary>
    public static Command List(
        string description,
        string path,
        IReadOnlyDictionary<string, Option<string?>> filters,
        Option<bool> json,
        Option<string?> url,
        Action<JsonElement> show)
    {
        var limit = new Option<int>("--limit") { Description = "Rows of the page: 1 to 500.", DefaultValueFactory = _ => 50 };
        var command = new Command("list", description) { limit, url };
        foreach (var option in filters.Values)
        {
            command.Options.Add(option);
        }

        command.SetAction((parsed, cancellation) => RunAsync(parsed.GetValue(url), async api =>
        {
            var query = filters
                .Select(filter => (Name: filter.Key, Value: parsed.GetValue(filter.Value)))
                .Where(filter => filter.Value is not null)
                .Select(filter => $"&{filter.Name}={Uri.EscapeDataString(filter.Value!)}");
            var page = await api.GetAsync(
                $"{path}?limit={parsed.GetValue(limit).ToString(CultureInfo.InvariantCulture)}{string.Concat(query)}", cancellation);
            if (parsed.GetValue(json))
            {
                Json.Print(page);
                return;
            }

            show(page);
            if (Json.Text(page, "next") is { } next)
            {
                await Console.Error.WriteLineAsync($"There are more: --after {next}");
            }
        }));
        return command;
    }

    /// <summary>Prints the result of a command: the response as JSON, or a sentence.</summary>
    public static void Write(bool json, JsonElement answer, string text)
    {
        if (json)
        {
            Json.Print(answer);
        }
        else
        {
            Console.WriteLine(text);
        }
    }

    /// <summary>Reads the JSON of the option <c>--data</c>; null if it is missing.</summary>
    public static async Task<JsonElement?> ReadDataAsync(string? data, CancellationToken cancellation)
    {
        if (data is null)
        {
            return null;
        }

        var source = data switch
        {
            "-" => "The standard input",
            ['@', .. var file] => file,
            _ => "--data",
        };
        string text;
        try
        {
            text = data switch
            {
                "-" => await ReadAllAsync(Console.OpenStandardInput(), cancellation),
                ['@', .. var file] => await ReadAllAsync(File.OpenRead(file), cancellation),
                _ => data,
            };
        }
        catch (DecoderFallbackException error)
        {
            throw new CommandException($"{source} is not UTF-8. Encode it as UTF-8.", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new CommandException(
                $"{source} cannot be read: {error.Message} After '@' comes the path of a file with JSON.", error);
        }

        try
        {
            using var document = JsonDocument.Parse(text, Json.ReadOptions);

            // Half a surrogate pair is detected only when the text is read, which writing does.
            using var writer = new Utf8JsonWriter(Stream.Null);
            document.RootElement.WriteTo(writer);
            return document.RootElement.Clone();
        }
        catch (InvalidOperationException error)
        {
            throw new CommandException(
                $"{source} contains half of a surrogate pair, which is not Unicode text. Send the whole character.", error);
        }
        catch (JsonException error)
        {
            throw new CommandException(
                $"{source} is not readable JSON (line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}; at most "
                + $"{Json.ReadOptions.MaxDepth} levels deep)."
                + (source == "--data" ? " In a shell, put it into single quotes: --data '{\"order_id\": \"o-1\"}'." : ""),
                error);
        }
    }

    // Invalid bytes must not be replaced silently. The byte order mark of UTF-8 is skipped; one of another encoding is invalid, too.
    private static async Task<string> ReadAllAsync(Stream stream, CancellationToken cancellation)
    {
        using var reader = new StreamReader(
            stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true),
            detectEncodingFromByteOrderMarks: false);
        return await reader.ReadToEndAsync(cancellation);
    }
}
