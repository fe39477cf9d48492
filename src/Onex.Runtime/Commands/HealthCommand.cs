using System.CommandLine;
using System.Net;
using Onex.Hosting.Settings;

namespace Onex.Runtime.Commands;

/// <summary><c>onex health [--ready]</c>: shows the health of the role on this machine.</summary>
internal static class HealthCommand
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(5);

    public static Command Make()
    {
        var ready = new Option<bool>("--ready") { Description = "Check readiness instead of liveness." };
        var command = new Command("health", "Show the health of the role on this machine, as JSON.") { ready };
        command.SetAction((parsed, cancellation) => CheckAsync(parsed.GetValue(ready), cancellation));
        return command;
    }

    private static async Task<int> CheckAsync(bool ready, CancellationToken cancellation)
    {
        var settings = CommandLine.Settings(SettingsUse.Nothing);
        var host = settings.HttpBind is "*" or "0.0.0.0" or "::" ? "localhost" : settings.HttpBind;
        var address = new UriBuilder(Uri.UriSchemeHttp, host, settings.HttpPort, ready ? "/ready" : "/health").Uri;

        // Without a proxy, because its localhost is a different machine.
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var http = new HttpClient(handler) { Timeout = _timeout };
        try
        {
            using var answer = await http.GetAsync(address, cancellation);
            Console.WriteLine(await answer.Content.ReadAsStringAsync(cancellation));
            return answer.StatusCode == HttpStatusCode.OK ? CommandLine.Done : CommandLine.Failed;
        }
        catch (Exception error) when (error is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync(
                $"{address} does not answer ({error.Message}). Is 'onex run' running, with this RUNTIME_PROFILE and ONEX_HTTP_PORT?");
            return CommandLine.Failed;
        }
    }
}
