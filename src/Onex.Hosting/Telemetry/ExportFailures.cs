using System.Diagnostics.Tracing;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Onex.Hosting.Telemetry;

/// <summary>
/// Logs that telemetry cannot be exported: once per outage. The SDK itself reports every failed export, and only to listeners of its event
/// source.
/// </summary>
internal sealed class ExportFailures(ILogger<ExportFailures> logger, TimeProvider time) : IHostedService, IDisposable
{
    /// <summary>A failure after more than this time without one is a new outage.</summary>
    public static readonly TimeSpan Quiet = TimeSpan.FromMinutes(15);

    private const int ErrorCharactersMax = 300;

    private readonly Lock _lock = new();
    private DateTimeOffset? _lastFailure;
    private Listener? _listener;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _listener = new Listener(this);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _listener?.Dispose();

    /// <summary>Notes a failed export.</summary>
    public void Report(string error)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            var isNewOutage = _lastFailure is not { } last || now - last > Quiet;
            _lastFailure = now;
            if (!isNewOutage)
            {
                return;
            }
        }

        // Outside the lock, because the line itself may be exported, and that may fail.
        Log.ExportFailed(logger, error.Length > ErrorCharactersMax ? error[..ErrorCharactersMax] : error);
    }

    private sealed class Listener(ExportFailures failures) : EventListener
    {
        private const string Source = "OpenTelemetry-Exporter-OpenTelemetryProtocol";

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == Source)
            {
                EnableEvents(eventSource, EventLevel.Error);
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData) =>
            failures.Report(string.Join(
                ": ",
                (eventData.Payload ?? []).Select(part => part?.ToString()?.Split('\n')[0].Trim()).Where(part => part?.Length > 0)));
    }
}
